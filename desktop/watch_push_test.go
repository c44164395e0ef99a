package desktop_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestPushCompletesWithoutWaitingForAnInterval(t *testing.T) {
	f := newFake()
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		began := time.Now()
		awaitPush(t, l)
		for _, s := range []wire.State{wire.StateScanned, wire.StateConfirming, wire.StateVerifying} {
			f.set(s)
			awaitState(t, l, desktop.State(s))
		}
		f.set(wire.StateApproved)
		signedIn(t, l)
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v, want no waiting at all", took)
		}
		if n := len(f.pollTimes()); n != 1 {
			t.Errorf("polled %d times, want once", n)
		}
		if got := l.Current(); got.State != desktop.StateRedeemed || got.Err != nil {
			t.Errorf("last update: got %+v", got)
		}
	})
}

func TestANewCodeIsShownAndStaysWhenTheChannelIsLost(t *testing.T) {
	f := newFake()
	bubble(t, f, func(t *testing.T, n *network, l *desktop.Login) {
		f.rotate("BCDF-GHJK")
		u := await(t, l, "the new code", func(u desktop.Update) bool { return u.UserCode == "BCDF-GHJK" })
		if u.Link() != f.link("BCDF-GHJK") {
			t.Errorf("link: got %s", u.Link())
		}
		n.setCut(true)
		u = awaitLoss(t, l)
		if u.UserCode != "BCDF-GHJK" || u.CodeExpires != u.Expires {
			t.Errorf("after the loss: got %+v", u)
		}
	})
}

func TestRefusedUpgradesGetRare(t *testing.T) {
	f := newFake()
	f.onPush = refusePush(403)
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		synctestUntil(t, 4*time.Minute)
		if n := len(f.dialTimes()); n < 2 || n > 6 {
			t.Errorf("dialed %d times in 4 minutes, want a few", n)
		}
	})
}

func TestSocketKilledAtEachStepPollingCompletes(t *testing.T) {
	steps := []wire.State{wire.StatePending, wire.StateScanned, wire.StateConfirming, wire.StateVerifying}
	for kill, at := range steps {
		t.Run("killed while "+string(at), func(t *testing.T) {
			f := newFake()
			f.onPush = onlyFirst // there is no second channel
			bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
				for i, s := range steps {
					f.set(s)
					synctest.Wait()
					if i == kill {
						f.drop(closeWith{})
						synctest.Wait()
					}
				}
				f.set(wire.StateApproved)
				began := time.Now()
				signedIn(t, l)
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("took %v, want an interval at most", took)
				}
			})
		})
	}
}

func TestAfterALossTheChannelComesBack(t *testing.T) {
	f := newFake()
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		f.drop(closeWith{})
		awaitLoss(t, l)
		f.set(wire.StateConfirming)
		awaitState(t, l, desktop.StateConfirming) // only the channel tells that
		f.set(wire.StateApproved)
		signedIn(t, l)
	})
}

func TestCloseCodes(t *testing.T) {
	cases := []struct {
		name       string
		close      closeWith
		wantDials  int           // within a minute
		secondDial time.Duration // or up to a second later; 0: whenever
		firstPoll  time.Duration
	}{
		{"a restart is waited for", closeWith{wire.CloseRestart, wire.FormatRetryAfter(17 * time.Second)}, 2, 17 * time.Second, 0},
		{"a malformed frame leaves it to polling", closeWith{wire.CloseMalformed, ""}, 1, 0, 0},
		{"a late hello is said again", closeWith{wire.CloseNoHello, ""}, 2, 0, 0},
		{"an unknown code is asked for once", closeWith{wire.CloseUnknown, ""}, 1, 0, 0},
		{"a normal close without a last state is asked for", closeWith{wire.CloseDone, ""}, 1, 0, 0},
		{"who is replaced does not fight", closeWith{wire.CloseReplaced, ""}, 2, 0, 0},
		{"who is over budget backs off", closeWith{wire.CloseOverBudget, ""}, 2, 0, 0},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake()
			bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
				began := time.Now()
				f.drop(tc.close)
				synctestUntil(t, time.Minute)
				dials := since(began, f.dialTimes())
				if len(dials) != tc.wantDials {
					t.Errorf("dials: got %v, want %d", dials, tc.wantDials)
				}
				if tc.secondDial != 0 && len(dials) > 1 && dials[1].Truncate(time.Second) != tc.secondDial {
					t.Errorf("second dial: got %v, want %v, or up to a second later", dials[1], tc.secondDial)
				}
				if polls := since(began, f.pollTimes()); len(polls) == 0 || polls[0] != tc.firstPoll {
					t.Errorf("polls: got %v, want the first after %v", polls, tc.firstPoll)
				}
			})
		})
	}
}

func TestAStaleFrameChangesNothing(t *testing.T) {
	f := newFake()
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		f.set(wire.StateConfirming)
		awaitState(t, l, desktop.StateConfirming)
		f.mu.Lock()
		f.state, f.seq = wire.StateScanned, 1
		f.tellAll()
		f.mu.Unlock()
		synctest.Wait()
		if got := l.Current().State; got != desktop.StateConfirming {
			t.Errorf("state: got %s, want confirming", got)
		}
	})
}

func TestAServerThatCountsAnewAfterItsRestartIsHeard(t *testing.T) {
	f := newFake()
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		for range 5 {
			f.set(wire.StateScanned)
		}
		synctest.Wait()
		f.mu.Lock()
		f.seq = 0
		f.mu.Unlock()
		f.drop(closeWith{})
		awaitLoss(t, l)
		f.set(wire.StateConfirming)
		awaitState(t, l, desktop.StateConfirming)
	})
}
