package desktop_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// busy answers as a server that has too much to do, or too much of this client.
func busy(w httpWriter, status int, retryAfter string) {
	w.Header().Set("Retry-After", retryAfter)
	answer(w, status, wire.Error{Code: wire.CodeUnavailable})
}

func TestAStartThatABusyServerRefusesSaysWhenToTryAgain(t *testing.T) {
	for _, tc := range []struct {
		name       string
		status     int
		retryAfter string
		want       time.Duration // 0: it is no *BusyError
	}{
		{"too much to do", http.StatusServiceUnavailable, "3", 3 * time.Second},
		{"over a budget", http.StatusTooManyRequests, "42", 42 * time.Second},
		{"a proxy without its server", http.StatusServiceUnavailable, "", 0},
		{"broken", http.StatusInternalServerError, "3", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake()
			f.onStart = func(w httpWriter, _ *httpRequest) bool { busy(w, tc.status, tc.retryAfter); return true }
			_, err := f.client(t, f.plug(t).transport(t)).Start(t.Context())
			var refused *desktop.BusyError
			if got := errors.As(err, &refused); got != (tc.want > 0) {
				t.Fatalf("got %v, want a *BusyError: %v", err, tc.want > 0)
			}
			if refused != nil && refused.RetryAfter != tc.want {
				t.Errorf("got %v, want %v", refused.RetryAfter, tc.want)
			}
			if !errors.Is(err, desktop.ErrOffline) {
				t.Errorf("got %v, want it to be ErrOffline too", err)
			}
		})
	}
}

// The pace of polls is for those who wait: whose sign-in is approved asks again as soon
// as a busy server allows it.
func TestAnApprovedSignInIsFetchedAsSoonAsABusyServerAllows(t *testing.T) {
	f := newFake()
	f.onToken = func(n int, w httpWriter, _ *httpRequest) bool {
		if n <= 2 {
			busy(w, http.StatusServiceUnavailable, "1")
		}
		return n <= 2
	}
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		await(t, l, "pushed", func(u desktop.Update) bool { return u.Pushed })
		began := time.Now()
		f.set(wire.StateApproved)
		signedIn(t, l)
		if took := time.Since(began); took < 2*time.Second || took > 4*time.Second {
			t.Errorf("took %v, want two seconds, a little more, and no poll's interval", took)
		}
	})
}

func TestARefreshWaitsAsABusyServerAsks(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
		f.onRefresh(func(n int, w httpWriter, _ *httpRequest) bool {
			if n <= 2 {
				busy(w, http.StatusServiceUnavailable, "4")
			}
			return n <= 2
		})
		pass(fakeLife)
		began := time.Now()
		access(t, s)
		if took := time.Since(began); took < 8*time.Second || took > 12*time.Second {
			t.Errorf("took %v, want twice four seconds and a little more", took)
		}
	})
}

func TestASessionSurvivesAServerThatIsBusyForLong(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
		f.onRefresh(func(_ int, w httpWriter, _ *httpRequest) bool {
			busy(w, http.StatusServiceUnavailable, "60")
			return true
		})
		pass(fakeLife)
		var refused *desktop.BusyError
		if _, err := s.Token(); !errors.As(err, &refused) || refused.RetryAfter != time.Minute {
			t.Errorf("got %v, want a *BusyError of a minute", err)
		}
		f.onToken = nil
		access(t, s)
	})
}
