package desktop_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// polledAt wants polls at these times after the beginning, and no others.
func polledAt(t *testing.T, f *fake, began time.Time, want ...time.Duration) {
	t.Helper()
	if diff := cmp.Diff(want, since(began, f.pollTimes())); diff != "" {
		t.Errorf("polls (-want +got):\n%s", diff)
	}
}

func TestWithoutPushPollsAtTheInterval(t *testing.T) {
	for name, broken := range map[string]func(*fake){
		"the server has no push channel":   func(f *fake) { f.noPush = true },
		"the upgrade is refused with 403":  func(f *fake) { f.onPush = refusePush(403) },
		"the upgrade is answered with 200": func(f *fake) { f.onPush = refusePush(200) },
		"the upgrade is redirected":        func(f *fake) { f.onPush = refusePush(302) },
		"the upgrade is swallowed":         func(f *fake) { f.onPush = swallow },
		"the push channel is elsewhere":    func(f *fake) { f.onStart = elsewhere },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			broken(f)
			bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
				began := time.Now()
				synctestUntil(t, 11*time.Second)
				f.set(wire.StateApproved)
				signedIn(t, l)
				polledAt(t, f, began, 5*time.Second, 10*time.Second, 15*time.Second)
			})
		})
	}
}

func TestSlowDownAddsFiveSecondsForGood(t *testing.T) {
	f := newFake()
	f.noPush = true
	f.onToken = func(n int, w httpWriter, _ *httpRequest) bool {
		if n == 2 {
			refuse(w, 400, wire.CodeSlowDown)
		}
		return n == 2
	}
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		began := time.Now()
		synctestUntil(t, 35*time.Second)
		polledAt(t, f, began, 5*time.Second, 10*time.Second, 20*time.Second, 30*time.Second)
	})
}

func TestAServerThatNamesNoIntervalIsPolledEveryFiveSeconds(t *testing.T) {
	f := newFake()
	f.interval, f.noPush = 0, true
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		began := time.Now()
		synctestUntil(t, 11*time.Second)
		polledAt(t, f, began, 5*time.Second, 10*time.Second)
	})
}

func TestPollingIsSlowWhileTheChannelIsUp(t *testing.T) {
	f := newFake()
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		synctestUntil(t, 2*time.Minute)
		if n := len(f.pollTimes()); n < 4 || n > 8 {
			t.Errorf("polled %d times in two minutes, want one each 15 to 30 seconds", n)
		}
	})
}

func TestTheSafetyNetCatchesASilentChannel(t *testing.T) {
	f := newFake()
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		f.setUnheard(wire.StateApproved)
		signedIn(t, l)
	})
}

func TestANewsDuringATokenRequestIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		entered, release := make(chan struct{}), make(chan struct{})
		f.onToken = func(n int, w httpWriter, _ *httpRequest) bool {
			if n != 1 {
				return false
			}
			close(entered)
			<-release
			refuse(w, 400, wire.CodeAuthorizationPending) // decided before the approval
			return true
		}
		n := f.plug(t)
		l := start(t, f.client(t, n.transport(t)))
		<-entered
		f.set(wire.StateApproved)
		awaitState(t, l, desktop.StateApproved)
		began := time.Now()
		close(release)
		signedIn(t, l)
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v, want a poll at once", took)
		}
	})
}

func TestNetworkLossOfAMinuteIsSurvived(t *testing.T) {
	f := newFake()
	bubble(t, f, func(t *testing.T, n *network, l *desktop.Login) {
		n.setCut(true)
		await(t, l, "offline", func(u desktop.Update) bool { return u.Offline && !u.Pushed })
		synctestUntil(t, time.Minute)
		f.set(wire.StateApproved)
		n.setCut(false)
		began := time.Now()
		signedIn(t, l)
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("took %v after the network came back", took)
		}
	})
}

func TestTroubleOnTheServerBacksOff(t *testing.T) {
	// What doubles is the interval, when the server does not say when.
	untold := []time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second}
	untoldMost := []time.Duration{5 * time.Second, 15 * time.Second, 35 * time.Second}
	cases := []struct {
		name  string
		trick func(w httpWriter)
		least []time.Duration // to each poll
		most  []time.Duration // likewise: chance spreads the desktops
	}{
		{"500s", func(w httpWriter) { w.WriteHeader(500) }, untold, untoldMost},
		{"429 with Retry-After", func(w httpWriter) {
			w.Header().Set("Retry-After", "20")
			w.WriteHeader(429)
		}, []time.Duration{5 * time.Second, 25 * time.Second, 45 * time.Second}, []time.Duration{5 * time.Second, 35 * time.Second, 65 * time.Second}},
		{"503 with Retry-After", func(w httpWriter) {
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(503)
		}, []time.Duration{5 * time.Second, 35 * time.Second, 65 * time.Second}, []time.Duration{5 * time.Second, 50 * time.Second, 95 * time.Second}},
		{"a captive portal", func(w httpWriter) { _, _ = w.Write([]byte("<html>pay here")) }, untold, untoldMost},
		{"a redirect", func(w httpWriter) {
			w.Header().Set("Location", "http://localhost:8080/token")
			w.WriteHeader(307)
		}, untold, untoldMost},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake()
			f.noPush = true
			f.onToken = func(n int, w httpWriter, _ *httpRequest) bool {
				if n <= 2 {
					tc.trick(w)
				}
				return n <= 2
			}
			bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
				began := time.Now()
				f.set(wire.StateApproved)
				signedIn(t, l)
				for i, at := range since(began, f.pollTimes()) {
					if at < tc.least[i] || at > tc.most[i] {
						t.Errorf("poll %d after %v, want it after %v to %v", i+1, at, tc.least[i], tc.most[i])
					}
				}
			})
		})
	}
}
