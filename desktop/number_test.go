package desktop_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// ways are how a number gets to the server.
var ways = []struct {
	name  string
	apply func(*fake)
}{
	{"by the endpoint", func(*fake) {}},
	{"by the endpoint, without push", func(f *fake) { f.noPush = true }},
	{"by the push channel", func(f *fake) { f.byFrame = true }},
}

// verifying runs a test in fake time with a login that awaits the number.
func verifying(t *testing.T, f *fake, test func(t *testing.T, n *network, l *desktop.Login)) {
	t.Helper()
	bubble(t, f, func(t *testing.T, n *network, l *desktop.Login) {
		f.set(wire.StateVerifying)
		awaitState(t, l, desktop.StateVerifying)
		if left := l.Current().TriesLeft; left != 3 {
			t.Fatalf("at first %d tries are left, want 3", left)
		}
		test(t, n, l)
	})
}

// triesNumber types a number and wants the outcome, and the tries that are left.
func triesNumber(t *testing.T, l *desktop.Login, number string, want error, left int) {
	t.Helper()
	if err := l.ConfirmNumber(t.Context(), number); !errors.Is(err, want) || want == nil && err != nil {
		t.Fatalf("%s: got %v, want %v", number, err, want)
	}
	if got := l.Current().TriesLeft; got != left {
		t.Errorf("after %s %d tries are left, want %d", number, got, left)
	}
}

func TestANumberThatIsRightSignsIn(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			f := newFake()
			way.apply(f)
			f.number = "07"
			verifying(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
				began := time.Now()
				triesNumber(t, l, " 07\n", nil, 0)
				signedIn(t, l)
				if took := time.Since(began); took != 0 {
					t.Errorf("took %v, want no waiting", took)
				}
				if diff := cmp.Diff([]string{"07"}, f.numbersSeen()); diff != "" {
					t.Errorf("numbers (-want +got):\n%s", diff)
				}
				if err := l.ConfirmNumber(t.Context(), "07"); !errors.Is(err, desktop.ErrNoNumber) {
					t.Errorf("afterwards: got %v, want ErrNoNumber", err)
				}
			})
		})
	}
}

func TestAWrongNumberLeavesTriesAndTheThirdEndsTheLogin(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			f := newFake()
			way.apply(f)
			verifying(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
				triesNumber(t, l, "48", desktop.ErrWrongNumber, 2)
				synctestUntil(t, time.Minute) // and no later news makes them more
				triesNumber(t, l, "74", desktop.ErrWrongNumber, 1)
				triesNumber(t, l, "00", desktop.ErrDenied, 0)
				endsWith(t, l, desktop.ErrDenied)
				if _, err := l.Wait(t.Context()); !errors.Is(err, desktop.ErrWrongNumber) {
					t.Errorf("got %v, want it to say that the numbers were wrong", err)
				}
				if err := l.ConfirmNumber(t.Context(), "47"); !errors.Is(err, desktop.ErrDenied) {
					t.Errorf("afterwards: got %v, want ErrDenied", err)
				}
			})
		})
		t.Run(way.name+", and the second is right", func(t *testing.T) {
			f := newFake()
			way.apply(f)
			verifying(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
				triesNumber(t, l, "74", desktop.ErrWrongNumber, 2)
				triesNumber(t, l, "47", nil, 0)
				signedIn(t, l)
			})
		})
	}
}

func TestWhatIsNoNumberIsNoTry(t *testing.T) {
	f := newFake()
	verifying(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		for _, typed := range []string{"", "4", "470", "4 7", "+7", "-7", "4x", "４７", "0x2f"} {
			err := l.ConfirmNumber(t.Context(), typed)
			if err == nil || errors.Is(err, desktop.ErrWrongNumber) {
				t.Errorf("%q: got %v, want an error that is no try", typed, err)
			}
		}
		if got := f.numbersSeen(); len(got) != 0 {
			t.Errorf("the server got %q", got)
		}
	})
}

func TestANumberThatNobodyAwaitsIsNotSent(t *testing.T) {
	for _, state := range []wire.State{wire.StatePending, wire.StateScanned, wire.StateConfirming} {
		f := newFake()
		bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
			f.set(state)
			awaitState(t, l, desktop.State(state))
			triesNumber(t, l, "47", desktop.ErrNoNumber, 0)
			if got := f.numbersSeen(); len(got) != 0 {
				t.Errorf("while %s the server got %q", state, got)
			}
		})
	}
}

func TestPollingLearnsThatANumberIsAwaited(t *testing.T) {
	for name, code := range map[string]string{"pending": wire.CodeAuthorizationPending, "slow_down": wire.CodeSlowDown} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			f.noPush = true
			f.onToken = func(n int, w httpWriter, _ *httpRequest) bool {
				if n == 2 {
					answer(w, http.StatusBadRequest, wire.Error{Code: code, State: wire.StateVerifying, TriesLeft: 2})
				}
				return n == 2
			}
			bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
				began := time.Now()
				awaitState(t, l, desktop.StateVerifying)
				if took := time.Since(began); took != 10*time.Second {
					t.Errorf("learned of it after %v, want the second poll", took)
				}
				if got := l.Current().TriesLeft; got != 2 {
					t.Errorf("%d tries are left, want the server's 2", got)
				}
				synctestUntil(t, 11*time.Second) // a poll that says pending only is no step back
				if got := l.Current(); got.State != desktop.StateVerifying || got.TriesLeft != 2 {
					t.Errorf("got %+v, want it to stay", got)
				}
			})
		})
	}
}

func TestANumberWhoseAnswerGotLost(t *testing.T) {
	cases := []struct {
		name   string
		noPush bool
		number string
		want   error
		left   int
	}{
		{"it was right", false, "47", nil, 0},
		{"it was right, without push", true, "47", nil, 0},
		{"it was wrong", false, "74", desktop.ErrWrongNumber, 2},
		{"it was wrong, and without push nobody says so", true, "74", desktop.ErrOffline, 3},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake()
			f.noPush, f.onNumber = tc.noPush, f.losesFirstNumber
			verifying(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
				began := time.Now()
				triesNumber(t, l, tc.number, tc.want, tc.left)
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("took %v, want a poll's interval at most", took)
				}
				if diff := cmp.Diff([]string{tc.number}, f.numbersSeen()); diff != "" {
					t.Errorf("a number that may have been counted was sent again (-want +got):\n%s", diff)
				}
				if tc.want != nil {
					triesNumber(t, l, "47", nil, 0)
				}
				signedIn(t, l)
			})
		})
	}
}

func TestThePushChannelTellsOfANumberBeforeTheEndpointDoes(t *testing.T) {
	for number, want := range map[string]error{"47": nil, "00": desktop.ErrDenied} {
		t.Run(number, func(t *testing.T) {
			f := newFake()
			f.tries = 1
			f.onNumber = func(_ int, w httpWriter, r *httpRequest) bool {
				f.confirm(r.PostFormValue(wire.ParamNumber))
				return swallow(0, w, r)
			}
			bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
				f.set(wire.StateVerifying)
				await(t, l, "the last try", func(u desktop.Update) bool { return u.TriesLeft == 1 })
				began := time.Now()
				triesNumber(t, l, number, want, 0)
				if took := time.Since(began); took != 0 {
					t.Errorf("took %v, want no waiting for the answer", took)
				}
				_, err := l.Wait(t.Context())
				if !errors.Is(err, want) || want != nil && !errors.Is(err, desktop.ErrWrongNumber) {
					t.Errorf("the login ended with %v, want %v", err, want)
				}
			})
		})
	}
}

func TestANumberThatThePushChannelSwallows(t *testing.T) {
	t.Run("may be typed again", func(t *testing.T) {
		f := newFake()
		f.byFrame, f.deaf = true, true
		verifying(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
			began := time.Now()
			triesNumber(t, l, "47", desktop.ErrOffline, 3)
			if took := time.Since(began); took < 2*time.Second || took > 7*time.Second {
				t.Errorf("took %v, want two seconds and a poll", took)
			}
			f.hears()
			triesNumber(t, l, "47", nil, 0)
			signedIn(t, l)
		})
	})
	t.Run("was right, and then the channel broke", func(t *testing.T) {
		f := newFake()
		f.byFrame, f.deaf, f.onPush = true, true, onlyFirst
		verifying(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
			outcome := make(chan error, 1)
			go func() { outcome <- l.ConfirmNumber(t.Context(), "47") }()
			synctest.Wait()
			f.setUnheard(wire.StateApproved)
			f.drop(closeWith{})
			if err := <-outcome; err != nil {
				t.Errorf("got %v, want it to be right", err)
			}
			signedIn(t, l)
		})
	})
}

func TestWhereThereIsNoWayForANumber(t *testing.T) {
	t.Run("without an endpoint and without push", func(t *testing.T) {
		f := newFake()
		f.byFrame, f.noPush = true, true
		verifying(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
			err := l.ConfirmNumber(t.Context(), "47")
			if err == nil || errors.Is(err, desktop.ErrOffline) || errors.Is(err, desktop.ErrWrongNumber) {
				t.Errorf("got %v, want an error that says so", err)
			}
		})
	})
	t.Run("while the push channel is gone for a moment", func(t *testing.T) {
		f := newFake()
		f.byFrame = true
		verifying(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
			f.drop(closeWith{wire.CloseRestart, wire.FormatRetryAfter(3 * time.Second)})
			awaitLoss(t, l)
			triesNumber(t, l, "47", desktop.ErrOffline, 3)
			awaitPush(t, l)
			triesNumber(t, l, "47", nil, 0)
			signedIn(t, l)
		})
	})
}

func TestANumberThatDidNotGetOutIsSentAgain(t *testing.T) {
	for _, tc := range []struct {
		name string
		away time.Duration
		want error
		took time.Duration // at most
	}{
		{"a server that restarts", 3 * time.Second, nil, 8 * time.Second},
		{"a network that is lost", time.Hour, desktop.ErrOffline, 10 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake()
			f.noPush = true
			verifying(t, f, func(t *testing.T, n *network, l *desktop.Login) {
				n.refuse()
				time.AfterFunc(tc.away, func() { n.setCut(false) })
				began := time.Now()
				if err := l.ConfirmNumber(t.Context(), "47"); !errors.Is(err, tc.want) {
					t.Errorf("got %v, want %v", err, tc.want)
				}
				if took := time.Since(began); took < 3*time.Second || took > tc.took {
					t.Errorf("took %v, want %v at most", took, tc.took)
				}
			})
		})
	}
}

func TestAnswersThatAreNoClearWordOnTheNumber(t *testing.T) {
	cases := []struct {
		name  string
		trick func(w httpWriter)
		want  error
		wait  bool // for a poll
	}{
		{"over budget", func(w httpWriter) { refuse(w, http.StatusTooManyRequests, wire.CodeSlowDown) }, desktop.ErrOffline, false},
		{"a server error", func(w httpWriter) { w.WriteHeader(http.StatusInternalServerError) }, desktop.ErrOffline, true},
		{"a captive portal", func(w httpWriter) { _, _ = w.Write([]byte("<html>pay here")) }, desktop.ErrOffline, true},
		{"a yes that is none", func(w httpWriter) { answer(w, http.StatusOK, wire.DeviceConfirmation{State: wire.StateDenied}) }, desktop.ErrOffline, true},
		{"none is awaited", func(w httpWriter) { refuse(w, http.StatusBadRequest, wire.CodeInvalidRequest) }, desktop.ErrNoNumber, true},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake()
			f.onNumber = func(_ int, w httpWriter, _ *httpRequest) bool { tc.trick(w); return true }
			verifying(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
				polls := len(f.pollTimes())
				triesNumber(t, l, "47", tc.want, 3)
				if asked := len(f.pollTimes()) > polls; asked != tc.wait {
					t.Errorf("asked how the grant stands: got %v, want %v", asked, tc.wait)
				}
			})
		})
	}
	t.Run("a refusal of the app", func(t *testing.T) {
		f := newFake()
		f.onNumber = func(_ int, w httpWriter, _ *httpRequest) bool {
			refuse(w, http.StatusUnauthorized, wire.CodeInvalidClient)
			return true
		}
		verifying(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
			var refused *desktop.OAuthError
			if err := l.ConfirmNumber(t.Context(), "47"); !errors.As(err, &refused) || refused.Code != wire.CodeInvalidClient {
				t.Errorf("got %v, want invalid_client", err)
			}
		})
	})
	t.Run("a wrong number without a count", func(t *testing.T) {
		f := newFake()
		f.onNumber = func(_ int, w httpWriter, _ *httpRequest) bool {
			refuse(w, http.StatusBadRequest, wire.CodeIncorrectNumber)
			return true
		}
		verifying(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
			for _, left := range []int{2, 1, 1} {
				triesNumber(t, l, "74", desktop.ErrWrongNumber, left)
			}
		})
	})
}

func TestOneNumberAtATime(t *testing.T) {
	f := newFake()
	f.noPush = true
	f.onNumber = func(int, httpWriter, *httpRequest) bool { pass(time.Second); return false }
	verifying(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		outcomes := make(chan error, 2)
		for range cap(outcomes) { // an app that hears Enter twice
			go func() { outcomes <- l.ConfirmNumber(t.Context(), "74") }()
			synctest.Wait()
		}
		if err := l.ConfirmNumber(t.Context(), "47"); err == nil || errors.Is(err, desktop.ErrWrongNumber) {
			t.Errorf("another number meanwhile: got %v, want an error that is no try", err)
		}
		for range cap(outcomes) {
			if err := <-outcomes; !errors.Is(err, desktop.ErrWrongNumber) {
				t.Errorf("got %v, want ErrWrongNumber", err)
			}
		}
		if got := l.Current().TriesLeft; got != 2 {
			t.Errorf("%d tries are left, want 2", got)
		}
	})
}

func TestWhoStopsWaitingForTheOutcomeTakesNothingBack(t *testing.T) {
	f := newFake()
	f.onNumber = func(int, httpWriter, *httpRequest) bool { pass(2 * time.Second); return false }
	verifying(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if err := l.ConfirmNumber(ctx, "47"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the ctx's error", err)
		}
		signedIn(t, l)
	})
}

func TestALoginThatEndsWhileANumberIsChecked(t *testing.T) {
	cases := []struct {
		name string
		end  func(f *fake, l *desktop.Login)
		want error
	}{
		{"the phone says no", func(f *fake, _ *desktop.Login) { f.set(wire.StateDenied) }, desktop.ErrDenied},
		{"the app gives up", func(_ *fake, l *desktop.Login) { l.Cancel() }, desktop.ErrCancelled},
		{"the code runs out", func(f *fake, _ *desktop.Login) { f.set(wire.StateExpired) }, desktop.ErrExpired},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake()
			f.onNumber = func(_ int, w httpWriter, r *httpRequest) bool {
				_ = r.ParseForm()
				return swallow(0, w, r)
			}
			verifying(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
				outcome := make(chan error, 1)
				go func() { outcome <- l.ConfirmNumber(t.Context(), "47") }()
				synctest.Wait()
				tc.end(f, l)
				if err := <-outcome; !errors.Is(err, tc.want) || errors.Is(err, desktop.ErrWrongNumber) {
					t.Errorf("got %v, want %v", err, tc.want)
				}
				endsWith(t, l, tc.want)
			})
		})
	}
}

func TestAWrongClockIsNoWrongNumber(t *testing.T) {
	for _, off := range []time.Duration{-10 * 365 * 24 * time.Hour, 10 * 365 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			f := modern()
			n := f.plug(t)
			c := f.client(t, n.transport(t))
			c.SetWall(func() time.Time { return time.Now().Add(off) })
			f.nonces, f.bound = nil, false // clocks and proofs have tests of their own
			l := start(t, c)
			f.set(wire.StateVerifying)
			awaitState(t, l, desktop.StateVerifying)
			triesNumber(t, l, "74", desktop.ErrWrongNumber, 2)
			triesNumber(t, l, "47", nil, 0)
			if _, err := l.Wait(t.Context()); err != nil {
				t.Errorf("a clock that is %v off: got %v", off, err)
			}
		})
	}
}
