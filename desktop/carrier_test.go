package desktop_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/desktop"
)

// unknowing answers as an API does that doesn't know a token.
func unknowing(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `DPoP error="invalid_token"`)
	w.WriteHeader(http.StatusUnauthorized)
}

func TestATokenThatWasTakenBackIsRenewedForTheAppsOwnServer(t *testing.T) {
	sessionAt(t, modern(), func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
		asked := 0
		f.onOther = func(w http.ResponseWriter, r *http.Request) {
			if asked++; strings.HasSuffix(r.Header.Get("Authorization"), " "+fakeToken) {
				unknowing(w)
			}
		}
		synctestUntil(t, 2*time.Minute)
		res, err := s.HTTPClient().Post("http://api.localhost:8080/things", "text/plain", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK || asked != 2 {
			t.Errorf("got %s after %d requests, want 200 after two", res.Status, asked)
		}
	})
}

// TestAServerThatKnowsNoTokenDoesNotHaveEachRequestRenewTheSession: an API with
// another audience, say.
func TestAServerThatKnowsNoTokenDoesNotHaveEachRequestRenewTheSession(t *testing.T) {
	sessionAt(t, modern(), func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
		f.onOther = func(w http.ResponseWriter, _ *http.Request) { unknowing(w) }
		synctestUntil(t, 2*time.Minute)
		for range 5 {
			res, err := s.HTTPClient().Get("http://api.localhost:8080/things")
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != http.StatusUnauthorized {
				t.Errorf("got %s, want its 401", res.Status)
			}
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if got := len(f.family.refreshes); got != 1 {
			t.Errorf("renewed %d times, want once", got)
		}
	})
}

func TestASignOutElsewhereIsTheAnswerOfTheHTTPClient(t *testing.T) {
	sessionAt(t, modern(), func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
		f.onOther = func(w http.ResponseWriter, _ *http.Request) { unknowing(w) }
		f.mu.Lock()
		f.family.over = true
		f.mu.Unlock()
		synctestUntil(t, 2*time.Minute)
		_, err := s.HTTPClient().Get("http://api.localhost:8080/things")
		if !errors.Is(err, desktop.ErrSignedOut) {
			t.Errorf("got %v, want ErrSignedOut", err)
		}
	})
}

func TestUnreleasedVersionsAreNotTold(t *testing.T) {
	for version, told := range map[string]bool{
		"v1.2.3": true, "v1.2.3-rc.1": true,
		"(devel)": false, "v0.0.0-20261121095753-aae477392391": false, "v1.2.4-0.20261121095753-aae477392391": false, "v1.2.3+dirty": false,
	} {
		if got := desktop.Released(version); got != told {
			t.Errorf("%s: told %t, want %t", version, got, told)
		}
	}
}
