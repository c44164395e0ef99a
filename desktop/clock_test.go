package desktop_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// sleeper is a clock on the wall that can jump.
type sleeper struct{ slept atomic.Int64 }

func (s *sleeper) now() time.Time        { return time.Now().Add(time.Duration(s.slept.Load())) }
func (s *sleeper) sleep(d time.Duration) { s.slept.Add(int64(d)) }

func asleep(t *testing.T, f *fake, test func(t *testing.T, n *network, s *sleeper, l *desktop.Login)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n, s := f.plug(t), &sleeper{}
		c := f.client(t, n.transport(t))
		c.SetWall(s.now)
		l := start(t, c)
		synctest.Wait()
		test(t, n, s, l)
	})
}

func TestAWakeReconnectsAndPollsAtOnce(t *testing.T) {
	f := newFake()
	asleep(t, f, func(t *testing.T, _ *network, s *sleeper, l *desktop.Login) {
		began := time.Now()
		s.sleep(2 * time.Minute)
		synctestUntil(t, time.Second)
		if got := since(began, f.pollTimes()); len(got) != 1 || got[0] != time.Second {
			t.Errorf("polls: got %v, want one at the first tick", got)
		}
		if got := since(began, f.dialTimes()); len(got) != 2 || got[1] != time.Second {
			t.Errorf("dials: got %v, want a second one at the first tick", got)
		}
		f.set(wire.StateApproved)
		signedIn(t, l)
	})
}

func TestAnApprovalDuringASleepIsFetched(t *testing.T) {
	f := newFake()
	asleep(t, f, func(t *testing.T, _ *network, s *sleeper, l *desktop.Login) {
		f.setUnheard(wire.StateApproved) // it is asleep
		s.sleep(2 * time.Minute)
		began := time.Now()
		signedIn(t, l)
		if took := time.Since(began); took > time.Second {
			t.Errorf("took %v after waking, want a tick", took)
		}
	})
}

func TestSleepingPastTheExpiryEndsTheLogin(t *testing.T) {
	t.Run("when the server says so", func(t *testing.T) {
		f := newFake()
		asleep(t, f, func(t *testing.T, _ *network, s *sleeper, l *desktop.Login) {
			f.setUnheard(wire.StateExpired)
			s.sleep(time.Hour)
			endsWith(t, l, desktop.ErrExpired)
		})
	})
	t.Run("after its lifetime awake, when the server goes on saying pending", func(t *testing.T) {
		for name, noPush := range map[string]bool{"with push": false, "without": true} {
			t.Run(name, func(t *testing.T) {
				f := newFake()
				f.noPush = noPush
				asleep(t, f, func(t *testing.T, _ *network, s *sleeper, l *desktop.Login) {
					s.sleep(time.Hour)
					endsAfterItsTime(t, l, desktop.ErrExpired)
				})
			})
		}
	})
	t.Run("unless the last poll brings tokens", func(t *testing.T) {
		f := newFake()
		f.noPush = true
		asleep(t, f, func(t *testing.T, _ *network, s *sleeper, l *desktop.Login) {
			f.set(wire.StateApproved)
			s.sleep(time.Hour)
			began := time.Now()
			signedIn(t, l)
			polledAt(t, f, began, time.Second)
		})
	})
	t.Run("when there is no network either", func(t *testing.T) {
		f := newFake()
		asleep(t, f, func(t *testing.T, n *network, s *sleeper, l *desktop.Login) {
			n.setCut(true)
			s.sleep(time.Hour)
			began := time.Now()
			endsWith(t, l, desktop.ErrOffline)
			if took := time.Since(began); took > time.Minute {
				t.Errorf("took %v awake, but the sleep counts", took)
			}
		})
	})
}

func TestAClockThatIsSetForwardDoesNotEndTheLogin(t *testing.T) {
	for name, noPush := range map[string]bool{"with push": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			f.noPush = noPush
			asleep(t, f, func(t *testing.T, _ *network, s *sleeper, l *desktop.Login) {
				s.sleep(time.Hour)
				synctestUntil(t, time.Minute)
				if left := l.Current().Expires.Sub(s.now()); left < 3*time.Minute || left > 4*time.Minute {
					t.Errorf("the screen says that %v are left, want nearly four minutes", left)
				}
				f.set(wire.StateApproved)
				signedIn(t, l)
			})
		})
	}
}

func TestAClockThatIsSetBackDoesNotKeepADeadCodeAlive(t *testing.T) {
	f := newFake()
	f.noPush = true
	asleep(t, f, func(t *testing.T, _ *network, s *sleeper, l *desktop.Login) {
		s.sleep(-time.Hour)
		endsAfterItsTime(t, l, desktop.ErrExpired)
	})
}

func TestASnapshotPutsTheExpiryRightAfterTheClockWasSet(t *testing.T) {
	f := newFake()
	asleep(t, f, func(t *testing.T, _ *network, s *sleeper, l *desktop.Login) {
		s.sleep(2 * time.Minute)
		synctestUntil(t, 200*time.Second)
		f.set(wire.StateApproved)
		signedIn(t, l)
	})
}

func TestTokensAreRenewedInTimeWhateverIsDoneToTheClock(t *testing.T) {
	jumping := func(t *testing.T, test func(t *testing.T, clock *sleeper, s *desktop.Session)) {
		t.Helper()
		lasting(t, func(t *testing.T, _ *fake, _ *network, c *desktop.Client, s *desktop.Session, _ *memory) {
			clock := &sleeper{}
			c.SetWall(clock.now)
			test(t, clock, s)
		})
	}
	t.Run("back, and they are used until their time", func(t *testing.T) {
		jumping(t, func(t *testing.T, clock *sleeper, s *desktop.Session) {
			clock.sleep(-time.Hour)
			pass(fakeLife - 31*time.Second)
			if got := access(t, s); got != fakeToken {
				t.Errorf("31 seconds before its end: got %q, want the old one", got)
			}
			pass(2 * time.Second)
			if got := access(t, s); got != "access-2" {
				t.Errorf("29 seconds before its end: got %q, want a new one", got)
			}
		})
	})
	t.Run("forward, and they are replaced", func(t *testing.T) {
		jumping(t, func(t *testing.T, clock *sleeper, s *desktop.Session) {
			clock.sleep(time.Hour)
			if got := access(t, s); got != "access-2" {
				t.Errorf("got %q, want a new one", got)
			}
		})
	})
	t.Run("back, and an API that does not know them gets others", func(t *testing.T) {
		lasting(t, func(t *testing.T, f *fake, _ *network, c *desktop.Client, s *desktop.Session, _ *memory) {
			clock := &sleeper{}
			c.SetWall(clock.now)
			f.onOther = func(w http.ResponseWriter, _ *http.Request) { unknowing(w) }
			clock.sleep(-time.Hour)
			pass(2 * time.Minute)
			res, err := s.HTTPClient().Get("http://api.localhost:8080/things")
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if got := access(t, s); got != "access-2" {
				t.Errorf("got %q, want a new one", got)
			}
		})
	})
}
