package desktop_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// watching begins to watch a session, and ends with the test.
func watching(t *testing.T, s *desktop.Session) <-chan error {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended, over := make(chan error, 1), make(chan struct{})
	go func() { defer close(over); ended <- s.Watch(ctx) }()
	t.Cleanup(func() { stop(); <-over })
	synctest.Wait()
	return ended
}

// goesOn wants the watching to have no end yet.
func goesOn(t *testing.T, ended <-chan error) {
	t.Helper()
	synctest.Wait()
	select {
	case err := <-ended:
		t.Fatalf("Watch: got %v, want it to go on", err)
	default:
	}
}

// endsSignedOut wants the end, for good: nothing is kept, and nobody is asked.
func endsSignedOut(t *testing.T, f *fake, ended <-chan error, s *desktop.Session, m *memory) {
	t.Helper()
	if err := <-ended; !errors.Is(err, desktop.ErrSignedOut) {
		t.Fatalf("Watch: got %v, want ErrSignedOut", err)
	}
	if kept := m.sessions(); len(kept) != 0 {
		t.Errorf("the store still holds %d sessions", len(kept))
	}
	asked := len(f.pollTimes())
	if _, err := s.Token(); !errors.Is(err, desktop.ErrSignedOut) {
		t.Errorf("Token: got %v, want ErrSignedOut", err)
	}
	if err := s.Watch(t.Context()); !errors.Is(err, desktop.ErrSignedOut) {
		t.Errorf("Watch, again: got %v, want ErrSignedOut", err)
	}
	if got := len(f.pollTimes()); got != asked {
		t.Errorf("the server was asked %d times after the end", got-asked)
	}
}

// watched runs a test in fake time with a session that is watched.
func watched(t *testing.T, f *fake, test func(t *testing.T, n *network, s *desktop.Session, m *memory, ended <-chan error)) {
	t.Helper()
	f.ping = 25 * time.Second
	sessionAt(t, f, func(t *testing.T, _ *fake, n *network, _ *desktop.Client, s *desktop.Session, m *memory) {
		test(t, n, s, m, watching(t, s))
	})
}

func TestASignOutIsToldAtOnce(t *testing.T) {
	for name, f := range map[string]*fake{"bound and renewable": modern(), "bearer": newFake()} {
		t.Run(name, func(t *testing.T) {
			watched(t, f, func(t *testing.T, _ *network, s *desktop.Session, m *memory, ended <-chan error) {
				synctestUntil(t, 20*time.Minute)
				goesOn(t, ended)
				began := time.Now()
				f.signsOut()
				endsSignedOut(t, f, ended, s, m)
				if took := time.Since(began); took != 0 {
					t.Errorf("took %v, want no waiting", took)
				}
			})
		})
	}
}

func TestTheHelloOfASessionHasItsAccessTokenAlone(t *testing.T) {
	f := modern()
	watched(t, f, func(t *testing.T, _ *network, _ *desktop.Session, _ *memory, _ <-chan error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		want := wire.ClientFrame{Type: wire.FrameHello, AccessToken: fakeToken}
		if diff := cmp.Diff(want, f.hellos[len(f.hellos)-1]); diff != "" {
			t.Errorf("hello (-want +got):\n%s", diff)
		}
	})
}

// lost never answers a request that it has read.
func lost(_ int, w httpWriter, r *httpRequest) bool {
	_ = r.ParseForm()
	return swallow(0, w, r)
}

func TestWatchEndsWithItsCtx(t *testing.T) {
	for name, prepare := range map[string]func(f *fake, n *network){
		"while the channel is up":       func(*fake, *network) {},
		"without a network":             func(_ *fake, n *network) { n.setCut(true) },
		"while it is being dialed":      func(f *fake, _ *network) { f.onPush = swallow },
		"while the tokens are renewed":  func(f *fake, _ *network) { f.onToken = lost; pass(fakeLife) },
		"where there is no way to push": func(f *fake, _ *network) { f.noPush = true },
	} {
		t.Run(name, func(t *testing.T) {
			lasting(t, func(t *testing.T, f *fake, n *network, _ *desktop.Client, s *desktop.Session, m *memory) {
				prepare(f, n)
				ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
				defer stop()
				if err := s.Watch(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v, want the ctx's error", err)
				}
				if len(m.sessions()) != 1 {
					t.Error("the session is not kept any more")
				}
				pass(time.Minute) // a renewal is never cut short
			})
		})
	}
}

func TestALostNetworkEndsNoWatching(t *testing.T) {
	f := modern()
	watched(t, f, func(t *testing.T, n *network, s *desktop.Session, m *memory, ended <-chan error) {
		for range 3 {
			n.setCut(true)
			synctestUntil(t, 10*time.Minute)
			n.setCut(false)
			synctestUntil(t, 31*time.Second)
			goesOn(t, ended)
		}
		if got := len(f.watched()); got != 4 {
			t.Errorf("the channel was up %d times, want 4", got)
		}
		n.setCut(true)
		f.signsOutUnheard()
		synctestUntil(t, 2*time.Hour) // its token has run out meanwhile
		goesOn(t, ended)
		n.setCut(false)
		began := time.Now()
		endsSignedOut(t, f, ended, s, m)
		if took := time.Since(began); took > 5*time.Minute {
			t.Errorf("learned of the sign-out %v after the network was back", took)
		}
	})
}

func TestARestartOfTheServerEndsNoWatching(t *testing.T) {
	f := modern()
	watched(t, f, func(t *testing.T, _ *network, s *desktop.Session, m *memory, ended <-chan error) {
		began := time.Now()
		f.drop(closeWith{wire.CloseRestart, wire.FormatRetryAfter(17 * time.Second)})
		synctestUntil(t, time.Minute)
		dials := since(began, f.dialTimes())
		if again := dials[len(dials)-1]; again < 17*time.Second || again > 18*time.Second {
			t.Errorf("dialed again after %v, want what the server said, or up to a second later", again)
		}
		f.signsOut()
		endsSignedOut(t, f, ended, s, m)
	})
}

func TestATokenThatTheChannelDoesNotKnow(t *testing.T) {
	t.Run("is replaced", func(t *testing.T) {
		f := modern()
		watched(t, f, func(t *testing.T, _ *network, s *desktop.Session, m *memory, ended <-chan error) {
			synctestUntil(t, 5*time.Minute)
			f.forgets()
			began := time.Now()
			f.drop(closeWith{})
			synctestUntil(t, 2*time.Second)
			if diff := cmp.Diff([]string{fakeToken, "access-2"}, f.watched()); diff != "" {
				t.Errorf("hellos (-want +got):\n%s", diff)
			}
			goesOn(t, ended)
			f.signsOut()
			endsSignedOut(t, f, ended, s, m)
			if took := time.Since(began); took != 2*time.Second {
				t.Errorf("took %v, want no waiting", took)
			}
		})
	})
	t.Run("is that of a session that has ended", func(t *testing.T) {
		for name, f := range map[string]*fake{"as the renewal says": modern(), "as the user's page says": newFake()} {
			t.Run(name, func(t *testing.T) {
				watched(t, f, func(t *testing.T, _ *network, s *desktop.Session, m *memory, ended <-chan error) {
					synctestUntil(t, 5*time.Minute)
					f.signsOutUnheard()
					began := time.Now()
					f.drop(closeWith{})
					endsSignedOut(t, f, ended, s, m)
					if took := time.Since(began); took > time.Second {
						t.Errorf("took %v, want a dial", took)
					}
				})
			})
		}
	})
	t.Run("and none that it is given does not make it run wild", func(t *testing.T) {
		f := modern()
		var mad atomic.Bool
		f.onPush = func(int, httpWriter, *httpRequest) bool {
			if mad.Load() {
				f.forgets()
			}
			return false
		}
		watched(t, f, func(t *testing.T, _ *network, _ *desktop.Session, _ *memory, ended <-chan error) {
			synctestUntil(t, 5*time.Minute)
			mad.Store(true)
			f.drop(closeWith{})
			synctestUntil(t, 30*time.Minute)
			if got := len(f.familySeen().refreshes); got < 5 || got > 20 {
				t.Errorf("renewed %d times in half an hour, want it once in a few minutes", got)
			}
			goesOn(t, ended)
		})
	})
}

func TestASessionThatIsOverWhenTheWatchingBegins(t *testing.T) {
	for name, f := range map[string]*fake{"renewable": modern(), "bearer": newFake()} {
		t.Run(name, func(t *testing.T) {
			sessionAt(t, f, func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, m *memory) {
				f.signsOutUnheard()
				began := time.Now()
				endsSignedOut(t, f, watching(t, s), s, m)
				if took := time.Since(began); took != 0 {
					t.Errorf("took %v, want no waiting", took)
				}
			})
		})
	}
}

func TestWithoutPushTheRenewalTells(t *testing.T) {
	for name, broken := range map[string]func(*fake){
		"the server has no push channel":          func(f *fake) { f.noPush = true },
		"the server's knows nothing of sessions":  func(f *fake) { f.ofOld = true },
		"a proxy refuses the upgrade":             func(f *fake) { f.onPush = refusePush(http.StatusForbidden) },
		"a proxy answers the upgrade with a page": func(f *fake) { f.onPush = refusePush(http.StatusOK) },
	} {
		t.Run(name, func(t *testing.T) {
			f := modern()
			broken(f)
			watched(t, f, func(t *testing.T, _ *network, s *desktop.Session, m *memory, ended <-chan error) {
				dials := len(f.dialTimes())
				synctestUntil(t, 3*fakeLife)
				goesOn(t, ended)
				if got := len(f.familySeen().refreshes); got != 3 {
					t.Errorf("renewed %d times in three lifetimes of a token, want 3", got)
				}
				if got := len(f.dialTimes()) - dials; got > 80 {
					t.Errorf("dialed %d times in three hours, want it to be rare", got)
				}
				f.signsOut()
				began := time.Now()
				endsSignedOut(t, f, ended, s, m)
				if took := time.Since(began); took > fakeLife {
					t.Errorf("took %v, want no longer than a token lives", took)
				}
			})
		})
	}
}

func TestAServerThatLearnsOfSessionsIsSpokenTo(t *testing.T) {
	f := modern()
	f.ofOld = true
	watched(t, f, func(t *testing.T, _ *network, s *desktop.Session, m *memory, ended <-chan error) {
		dials := len(f.dialTimes())
		synctestUntil(t, fakeLife/2)
		if got := len(f.dialTimes()); got != dials {
			t.Errorf("dialed %d times more, want it to be left alone", got-dials)
		}
		f.mu.Lock()
		f.ofOld = false
		f.mu.Unlock()
		synctestUntil(t, fakeLife/2)
		began := time.Now()
		f.signsOut()
		endsSignedOut(t, f, ended, s, m)
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v, want no waiting", took)
		}
	})
}

func TestAServerInTroubleIsNotAskedOften(t *testing.T) {
	for name, trick := range map[string]func(w httpWriter){
		"500s":                     func(w httpWriter) { w.WriteHeader(http.StatusInternalServerError) },
		"a refusal that is mended": func(w httpWriter) { refuse(w, http.StatusBadRequest, wire.CodeInvalidScope) },
	} {
		t.Run(name, func(t *testing.T) {
			f := modern()
			f.noPush = true
			var well atomic.Bool
			f.onRefresh(func(_ int, w httpWriter, _ *httpRequest) bool {
				if well.Load() {
					return false
				}
				trick(w)
				return true
			})
			watched(t, f, func(t *testing.T, _ *network, s *desktop.Session, m *memory, ended <-chan error) {
				synctestUntil(t, fakeLife-time.Minute)
				began := time.Now()
				synctestUntil(t, time.Hour)
				goesOn(t, ended)
				asked := slices.DeleteFunc(f.pollTimes(), func(at time.Time) bool { return at.Before(began) })
				rounds := slices.CompactFunc(asked, func(a, b time.Time) bool { return a.Sub(b).Abs() < 30*time.Second })
				if len(rounds) < 10 || len(rounds) > 30 {
					t.Errorf("asked in %d rounds in an hour, want one in a few minutes", len(rounds))
				}
				well.Store(true)
				f.signsOutUnheard()
				endsSignedOut(t, f, ended, s, m)
			})
		})
	}
}

func TestASleepEndsNoWatching(t *testing.T) {
	asleepAt := func(t *testing.T, test func(t *testing.T, f *fake, clock *sleeper, s *desktop.Session, m *memory, ended <-chan error)) {
		lasting(t, func(t *testing.T, f *fake, _ *network, c *desktop.Client, s *desktop.Session, m *memory) {
			clock := &sleeper{}
			c.SetWall(clock.now)
			test(t, f, clock, s, m, watching(t, s))
		})
	}
	t.Run("it dials anew", func(t *testing.T) {
		asleepAt(t, func(t *testing.T, f *fake, clock *sleeper, s *desktop.Session, m *memory, ended <-chan error) {
			clock.sleep(20 * time.Minute)
			synctestUntil(t, 10*time.Second)
			if got := len(f.watched()); got != 2 {
				t.Errorf("the channel was opened %d times, want twice", got)
			}
			goesOn(t, ended)
			f.signsOut()
			endsSignedOut(t, f, ended, s, m)
		})
	})
	t.Run("over night, and the token has run out", func(t *testing.T) {
		asleepAt(t, func(t *testing.T, f *fake, clock *sleeper, _ *desktop.Session, _ *memory, ended <-chan error) {
			f.forgets()
			clock.sleep(8 * time.Hour)
			synctestUntil(t, 10*time.Second)
			if diff := cmp.Diff([]string{fakeToken, "access-2"}, f.watched()); diff != "" {
				t.Errorf("hellos (-want +got):\n%s", diff)
			}
			goesOn(t, ended)
		})
	})
	t.Run("and was signed out meanwhile", func(t *testing.T) {
		asleepAt(t, func(t *testing.T, f *fake, clock *sleeper, s *desktop.Session, m *memory, ended <-chan error) {
			f.signsOutUnheard()
			clock.sleep(8 * time.Hour)
			began := time.Now()
			endsSignedOut(t, f, ended, s, m)
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("took %v after waking, want a tick", took)
			}
		})
	})
}

func TestASignOutHereEndsTheWatching(t *testing.T) {
	for name, cut := range map[string]bool{"with a network": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			f := modern()
			watched(t, f, func(t *testing.T, n *network, s *desktop.Session, m *memory, ended <-chan error) {
				n.setCut(cut)
				if err := s.SignOut(t.Context()); (err != nil) != cut {
					t.Errorf("SignOut: got %v", err)
				}
				endsSignedOut(t, f, ended, s, m)
			})
		})
	}
}

func TestASignOutInAnotherProcessIsLearned(t *testing.T) {
	f := modern()
	f.noPush = true
	watched(t, f, func(t *testing.T, _ *network, s *desktop.Session, m *memory, ended <-chan error) {
		m.mu.Lock()
		clear(m.data)
		m.mu.Unlock()
		synctestUntil(t, fakeLife)
		endsSignedOut(t, f, ended, s, m)
	})
}

func TestASessionWhoseTimeIsOverIsNotSignedOut(t *testing.T) {
	for name, noPush := range map[string]bool{"with push": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			f := newFake() // gives no refresh tokens
			f.noPush = noPush
			watched(t, f, func(t *testing.T, _ *network, _ *desktop.Session, _ *memory, ended <-chan error) {
				synctestUntil(t, fakeLife-10*time.Second)
				goesOn(t, ended)
				synctestUntil(t, 20*time.Second)
				if err := <-ended; !errors.Is(err, desktop.ErrNoSession) || errors.Is(err, desktop.ErrSignedOut) {
					t.Errorf("got %v, want ErrNoSession", err)
				}
			})
		})
	}
}

func TestASessionWhoseTimeIsOverAtTheServerFirst(t *testing.T) {
	f := newFake()
	watched(t, f, func(t *testing.T, _ *network, _ *desktop.Session, m *memory, ended <-chan error) {
		synctestUntil(t, fakeLife-2*time.Second)
		f.timesOut()
		if err := <-ended; !errors.Is(err, desktop.ErrNoSession) || errors.Is(err, desktop.ErrSignedOut) {
			t.Errorf("got %v, want ErrNoSession", err)
		}
		if kept := m.sessions(); len(kept) != 0 {
			t.Errorf("the store still holds %d sessions", len(kept))
		}
	})
}

func TestAStoreThatCannotForgetIsSaid(t *testing.T) {
	f := modern()
	watched(t, f, func(t *testing.T, _ *network, _ *desktop.Session, m *memory, ended <-chan error) {
		m.mu.Lock()
		m.err = errors.New("the keychain is locked")
		m.mu.Unlock()
		f.signsOut()
		if err := <-ended; !errors.Is(err, desktop.ErrSignedOut) || !errors.Is(err, m.err) {
			t.Errorf("got %v, want ErrSignedOut and the store's error", err)
		}
	})
}

func TestARestoredSessionIsWatched(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, n *network, _ *desktop.Client, _ *desktop.Session, m *memory) {
		n.setCut(true) // and the app starts on a train
		s, err := f.client(t, n.transport(t)).Restore(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		ended := watching(t, s)
		synctestUntil(t, time.Minute)
		goesOn(t, ended)
		n.setCut(false)
		synctestUntil(t, 65*time.Second) // the next check has been, and its channel is not 70 s old, whose pings nobody sends here
		began := time.Now()
		f.signsOut()
		endsSignedOut(t, f, ended, s, m)
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v, want no waiting", took)
		}
	})
}

func TestOnRealSocketsASignOutIsTold(t *testing.T) {
	f := modern()
	f.serve(t)
	l := start(t, f.client(t, transport(t)))
	f.set(wire.StateApproved)
	s := signedIn(t, l)
	<-l.Done()
	ended := make(chan error, 1)
	go func() { ended <- s.Watch(t.Context()) }()
	for len(f.watched()) == 0 {
		pass(time.Millisecond) // until it is being watched
	}
	f.signsOut()
	if err := <-ended; !errors.Is(err, desktop.ErrSignedOut) {
		t.Errorf("got %v, want ErrSignedOut", err)
	}
}
