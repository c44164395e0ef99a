package wire_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestParseClientFrame(t *testing.T) {
	hello := wire.ClientFrame{Type: wire.FrameHello, ClientID: "app", DeviceCode: "code"}
	tests := []struct {
		name, frame string
		want        wire.ClientFrame
		ok          bool
	}{
		{"hello", `{"type":"hello","client_id":"app","device_code":"code"}`, hello, true},
		{"hello with a member of a later version", `{"type":"hello","client_id":"app","device_code":"code","more":[1]}`, hello, true},
		{"cancel", `{"type":"cancel"}`, wire.ClientFrame{Type: wire.FrameCancel}, true},
		{"hello without a device code", `{"type":"hello","client_id":"app"}`, wire.ClientFrame{}, false},
		{"hello without a client", `{"type":"hello","device_code":"code"}`, wire.ClientFrame{}, false},
		{"no type", `{}`, wire.ClientFrame{}, false},
		{"an unknown type", `{"type":"approve"}`, wire.ClientFrame{}, false},
		{"a member of the wrong kind", `{"type":1}`, wire.ClientFrame{}, false},
		{"something after the object", `{"type":"cancel"}}`, wire.ClientFrame{}, false},
		{"an array", `[]`, wire.ClientFrame{}, false},
		{"names in another case", `{"Type":"hello","CLIENT_ID":"app","Device_Code":"code"}`, wire.ClientFrame{}, false},
		{"names in another case beside the right ones", `{"type":"cancel","TYPE":"hello"}`, wire.ClientFrame{Type: wire.FrameCancel}, true},
		{"nothing", ``, wire.ClientFrame{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := wire.ParseClientFrame([]byte(tt.frame))
			if got != tt.want || (err == nil) != tt.ok {
				t.Errorf("got %+v, %v; want %+v, ok %t", got, err, tt.want, tt.ok)
			}
			if err != nil && !errors.Is(err, wire.ErrFrame) {
				t.Errorf("%v is not ErrFrame", err)
			}
		})
	}
}

func FuzzParseClientFrame(f *testing.F) {
	f.Add([]byte(`{"type":"hello","client_id":"app","device_code":"code"}`))
	f.Add([]byte(`{"type":"cancel"}`))
	f.Add([]byte(`{"type":"hello","type":"cancel"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := wire.ParseClientFrame(data)
		if err != nil {
			return
		}
		printed, err := json.Marshal(frame)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := wire.ParseClientFrame(printed); err != nil || again != frame {
			t.Fatalf("%q printed as %s reads back as %+v, %v", data, printed, again, err)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	tests := []struct {
		name, reason string
		want         time.Duration
		ok           bool
	}{
		{"seconds", "retry_after=7", 7 * time.Second, true},
		{"none", "retry_after=0", 0, true},
		{"more than an hour is cut to one", "retry_after=100000", time.Hour, true},
		{"a number that overflows", "retry_after=99999999999999999999", 0, false},
		{"a negative number", "retry_after=-1", 0, false},
		{"a fraction", "retry_after=1.5", 0, false},
		{"no number", "retry_after=", 0, false},
		{"another reason", "going away", 0, false},
		{"no reason", "", 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := wire.ParseRetryAfter(tt.reason); got != tt.want || ok != tt.ok {
				t.Errorf("got %s, %t; want %s, %t", got, ok, tt.want, tt.ok)
			}
		})
	}
	if got := wire.FormatRetryAfter(1500 * time.Millisecond); got != "retry_after=2" {
		t.Errorf("a second and a half: got %q, want it rounded up", got)
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	f.Add("retry_after=7")
	f.Fuzz(func(t *testing.T, reason string) {
		d, ok := wire.ParseRetryAfter(reason)
		if !ok {
			return
		}
		if again, ok := wire.ParseRetryAfter(wire.FormatRetryAfter(d)); !ok || again != d {
			t.Fatalf("%q is %s and reads back as %s", reason, d, again)
		}
	})
}

func TestTerminal(t *testing.T) {
	for state, want := range map[wire.State]bool{
		wire.StatePending: false, wire.StateScanned: false, wire.StateConfirming: false, wire.StateVerifying: false,
		wire.StateApproved: false, wire.StateRedeemed: true, wire.StateDenied: true, wire.StateCancelled: true, wire.StateExpired: true,
	} {
		if got := state.Terminal(); got != want {
			t.Errorf("%s: got %t, want %t", state, got, want)
		}
	}
}
