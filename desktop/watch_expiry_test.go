package desktop_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// endsAfterItsTime wants the error when the lifetime of the grant, which begins
// now, is over.
func endsAfterItsTime(t *testing.T, l *desktop.Login, want error) {
	t.Helper()
	began := time.Now()
	endsWith(t, l, want)
	if took := time.Since(began); took != 300*time.Second {
		t.Errorf("gave up after %v, want the lifetime", took)
	}
}

func TestAServerThatStaysAwayEndsTheLoginAfterItsTime(t *testing.T) {
	f := newFake()
	bubble(t, f, func(t *testing.T, n *network, l *desktop.Login) {
		n.setCut(true)
		endsAfterItsTime(t, l, desktop.ErrOffline)
	})
}

func TestAServerThatNeverSaysExpiredEndsTheLoginToo(t *testing.T) {
	f := newFake()
	f.noPush = true
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		endsAfterItsTime(t, l, desktop.ErrExpired)
	})
}

// brief is a server whose codes are good for twelve seconds.
func brief() *fake {
	f := newFake()
	f.lifetime, f.noPush = 12, true
	return f
}

func TestADeadCodeIsNeitherShownNorPolledFor(t *testing.T) {
	cases := []struct {
		name               string
		lifetime, interval int
		polls              []time.Duration
	}{
		{"a poll falls on the end", 4, 1, []time.Duration{1 * time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second}},
		{"the end comes between two polls", 12, 5, []time.Duration{5 * time.Second, 10 * time.Second, 12 * time.Second}},
		{"the end comes before the first poll", 3, 5, []time.Duration{3 * time.Second}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			f := brief()
			f.lifetime, f.interval = tc.lifetime, tc.interval
			bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
				began, life := time.Now(), time.Duration(tc.lifetime)*time.Second
				endsWith(t, l, desktop.ErrExpired) // though the server says authorization_pending
				if took := time.Since(began); took != life {
					t.Errorf("ended after %v, want %v", took, life)
				}
				synctestUntil(t, time.Minute)
				polledAt(t, f, began, tc.polls...)
			})
		})
	}
}

func TestTheLifetimeCountsFromTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := brief()
		f.onStart = func(httpWriter, *httpRequest) bool {
			pass(2 * time.Second) // on the way
			return false
		}
		n := f.plug(t)
		c := f.client(t, n.transport(t))
		began := time.Now()
		l := start(t, c)
		if got := l.Current().Expires.Sub(began.Round(0)); got != 12*time.Second {
			t.Errorf("the code expires %v after the request, want 12s", got)
		}
		endsWith(t, l, desktop.ErrExpired)
		if took := time.Since(began); took != 12*time.Second {
			t.Errorf("ended %v after the request, want 12s", took)
		}
	})
}

func TestAnApprovalInTimeIsFetchedByTheLastPoll(t *testing.T) {
	f := brief()
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		began := time.Now()
		synctestUntil(t, 11*time.Second) // the regular poll was at 10 seconds
		f.set(wire.StateApproved)
		signedIn(t, l)
		polledAt(t, f, began, 5*time.Second, 10*time.Second, 12*time.Second)
	})
}

func TestAPollUnderWayAtTheExpiryIsNotTheLast(t *testing.T) {
	f := brief()
	f.onToken = func(n int, w httpWriter, _ *httpRequest) bool {
		if n != 2 {
			return false
		}
		refuse(w, 400, wire.CodeAuthorizationPending) // decided before the approval
		flush(w)
		f.set(wire.StateApproved)
		pass(4 * time.Second) // and the answer ends after the expiry
		return true
	}
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		began := time.Now()
		signedIn(t, l)
		polledAt(t, f, began, 5*time.Second, 10*time.Second, 14*time.Second)
	})
}

func TestANewsDuringTheLastPollIsNotLost(t *testing.T) {
	f := brief()
	f.noPush = false
	f.onToken = func(n int, w httpWriter, _ *httpRequest) bool {
		if n != 1 {
			return false
		}
		f.set(wire.StateApproved) // in the very last moment
		pass(time.Second)
		refuse(w, 400, wire.CodeAuthorizationPending) // decided before it
		return true
	}
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		began := time.Now()
		signedIn(t, l)
		polledAt(t, f, began, 12*time.Second, 13*time.Second)
	})
}

func TestTokensOnTheirWayAtTheExpiryAreAwaited(t *testing.T) {
	f := brief()
	f.noPush = false
	f.onToken = func(int, httpWriter, *httpRequest) bool {
		pass(10 * time.Second)
		return false
	}
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		synctestUntil(t, 11*time.Second)
		f.set(wire.StateApproved)
		signedIn(t, l)
	})
}

func TestALastPollWithoutAnAnswerIsNotAwaitedForLong(t *testing.T) {
	f := brief()
	f.onToken = func(n int, w httpWriter, r *httpRequest) bool {
		_ = r.ParseForm() // or the server would not notice when the desktop hangs up
		return n == 3 && swallow(n, w, r)
	}
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		began := time.Now()
		endsWith(t, l, desktop.ErrExpired)
		if took := time.Since(began); took != 15*time.Second {
			t.Errorf("ended after %v, want the lifetime and three seconds", took)
		}
		<-l.Done()
		revokedTheCode(t, f) // for the answer may have been tokens
	})
}

func TestAServerThatWantsToBeLeftAloneIsNotAskedAtTheExpiry(t *testing.T) {
	f := brief()
	f.onToken = func(n int, w httpWriter, _ *httpRequest) bool {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(503)
		return true
	}
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		began := time.Now()
		endsWith(t, l, desktop.ErrOffline)
		polledAt(t, f, began, 5*time.Second)
		if took := time.Since(began); took != 12*time.Second {
			t.Errorf("ended after %v, want the lifetime", took)
		}
	})
}

func TestNoSnapshotMakesALifetimeLonger(t *testing.T) {
	f := newFake() // each snapshot says five minutes
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		began := time.Now()
		synctestUntil(t, 200*time.Second)
		f.set(wire.StateScanned)
		awaitState(t, l, desktop.StateScanned)
		if u := l.Current(); u.Expires.Sub(began.Round(0)) != 300*time.Second || u.CodeExpires.After(u.Expires) {
			t.Errorf("after a snapshot: got %+v", u)
		}
		endsWith(t, l, desktop.ErrExpired)
		if took := time.Since(began); took != 300*time.Second {
			t.Errorf("ended after %v, want 5m", took)
		}
	})
}
