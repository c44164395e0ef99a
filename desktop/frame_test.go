package desktop

import (
	"errors"
	"testing"

	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestStatesOfTomorrowChangeNothing(t *testing.T) {
	if got := progress(StateConfirming, wire.State("levitating")); got != StateConfirming {
		t.Errorf("got %s, want confirming", got)
	}
}

func FuzzParseSnapshot(f *testing.F) {
	f.Add([]byte(`{"seq":3,"state":"scanned","user_code":"WDJB-MJHT","code_expires_in":41,"expires_in":250}`))
	f.Add([]byte(`{"state":"expired","expires_in":-9223372036854775808}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseSnapshot(data)
		if (err == nil) != (s.State != "") || (err != nil && !errors.Is(err, errFrame)) {
			t.Fatalf("got %+v, %v", s, err)
		}
		if d := seconds(s.ExpiresIn); d < 0 {
			t.Errorf("%d seconds are %v", s.ExpiresIn, d)
		}
		if p := progress(StatePending, s.State); p.Terminal() {
			t.Errorf("state %q would be shown as %q without a session", s.State, p)
		}
	})
}
