package desktop_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// bubble runs a test in fake time, with a login under way.
func bubble(t *testing.T, f *fake, test func(t *testing.T, n *network, l *desktop.Login)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := f.plug(t)
		l := start(t, f.client(t, n.transport(t)))
		synctest.Wait()
		test(t, n, l)
	})
}

// start begins a login that ends, at the latest, with the test.
func start(t *testing.T, c *desktop.Client) *desktop.Login {
	t.Helper()
	l, err := c.Start(t.Context())
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() { l.Cancel(); <-l.Done() })
	return l
}

// await reads updates until one satisfies ok.
func await(t *testing.T, l *desktop.Login, what string, ok func(desktop.Update) bool) desktop.Update {
	t.Helper()
	if u := l.Current(); ok(u) {
		return u
	}
	for u := range l.Updates() {
		if ok(u) {
			return u
		}
	}
	if u := l.Current(); ok(u) {
		return u
	}
	t.Fatalf("the login ended without %s: %+v", what, l.Current())
	return desktop.Update{}
}

func awaitState(t *testing.T, l *desktop.Login, s desktop.State) {
	t.Helper()
	await(t, l, string(s), func(u desktop.Update) bool { return u.State == s })
}

func awaitPush(t *testing.T, l *desktop.Login) {
	t.Helper()
	await(t, l, "push", func(u desktop.Update) bool { return u.Pushed })
}

// signedIn waits for the end and wants tokens.
func signedIn(t *testing.T, l *desktop.Login) *desktop.Session {
	t.Helper()
	s, err := l.Wait(t.Context())
	if err != nil {
		t.Fatalf("Wait: %v", err)
	}
	tok, err := s.Token()
	if err != nil || tok.AccessToken != fakeToken {
		t.Fatalf("Token: got %v, %v", tok, err)
	}
	return s
}

// endsWith waits for the end and wants it to be an error, for good.
func endsWith(t *testing.T, l *desktop.Login, want error) {
	t.Helper()
	for range 2 { // it is sticky
		if _, err := l.Wait(t.Context()); !errors.Is(err, want) {
			t.Fatalf("Wait: got %v, want %v", err, want)
		}
	}
	last := desktop.Update{}
	for u := range l.Updates() {
		last = u
	}
	if cur := l.Current(); !errors.Is(cur.Err, want) || !cur.State.Terminal() || (last.State != "" && last != cur) {
		t.Errorf("last update: got %+v", cur)
	}
}

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

func TestStartDeclaresTheDevice(t *testing.T) {
	f := newFake()
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		want := map[string][]string{
			wire.ParamClientID: {fakeClient}, wire.ParamDeviceName: {"ALICE-PC"},
			wire.ParamDevicePlatform: {"Windows"}, wire.ParamAppVersion: {"v1.2.3"},
		}
		if diff := cmp.Diff(want, map[string][]string(f.starts[0])); diff != "" {
			t.Errorf("form of the start (-want +got):\n%s", diff)
		}
		hello := wire.ClientFrame{Type: wire.FrameHello, ClientID: fakeClient, DeviceCode: fakeDeviceCode}
		if diff := cmp.Diff([]wire.ClientFrame{hello}, f.hellos); diff != "" {
			t.Errorf("hello (-want +got):\n%s", diff)
		}
		u := l.Current()
		if u.UserCode != "WDJB-MJHT" || u.Link() != f.link("WDJB-MJHT") || u.VerificationURI != f.issuer+wire.PathDevice {
			t.Errorf("update: got %+v", u)
		}
		if left := time.Until(u.CodeExpires); left != 45*time.Second {
			t.Errorf("the code is good for %v, want 45s", left)
		}
		if left := time.Until(u.Expires); left != 300*time.Second {
			t.Errorf("the login is good for %v, want 5m", left)
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
		u = await(t, l, "the loss", func(u desktop.Update) bool { return !u.Pushed })
		if u.UserCode != "BCDF-GHJK" || u.CodeExpires != u.Expires {
			t.Errorf("after the loss: got %+v", u)
		}
	})
}

func TestWithoutPushPollsAtTheInterval(t *testing.T) {
	for name, broken := range map[string]func(*fake){
		"the server has no push channel":   func(f *fake) { f.noPush = true },
		"the upgrade is refused with 403":  func(f *fake) { f.onPush = refusePush(403) },
		"the upgrade is answered with 200": func(f *fake) { f.onPush = refusePush(200) },
		"the upgrade is redirected":        func(f *fake) { f.onPush = refusePush(302) },
		"the upgrade is swallowed":         func(f *fake) { f.onPush = swallow },
		"the push channel is elsewhere": func(f *fake) {
			f.onStart = elsewhere
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			broken(f)
			bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
				began := time.Now()
				synctestUntil(t, 11*time.Second)
				f.set(wire.StateApproved)
				signedIn(t, l)
				if diff := cmp.Diff([]time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second}, since(began, f.pollTimes())); diff != "" {
					t.Errorf("polls (-want +got):\n%s", diff)
				}
			})
		})
	}
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
		await(t, l, "the loss", func(u desktop.Update) bool { return !u.Pushed })
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
		secondDial time.Duration // when it is known
		firstPoll  time.Duration
	}{
		{"a restart is waited for", closeWith{wire.CloseRestart, wire.FormatRetryAfter(17 * time.Second)}, 2, 17 * time.Second, 0},
		{"a malformed frame leaves it to polling", closeWith{wire.CloseMalformed, ""}, 1, 0, 0},
		{"a late hello leaves it to polling", closeWith{wire.CloseNoHello, ""}, 1, 0, 0},
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
				if tc.secondDial != 0 && len(dials) > 1 && dials[1] != tc.secondDial {
					t.Errorf("second dial: got %v, want %v", dials[1], tc.secondDial)
				}
				if polls := since(began, f.pollTimes()); len(polls) == 0 || polls[0] != tc.firstPoll {
					t.Errorf("polls: got %v, want the first after %v", polls, tc.firstPoll)
				}
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
		want := []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second}
		if diff := cmp.Diff(want, since(began, f.pollTimes())); diff != "" {
			t.Errorf("polls (-want +got):\n%s", diff)
		}
	})
}

func TestAServerThatNamesNoIntervalIsPolledEveryFiveSeconds(t *testing.T) {
	f := newFake()
	f.interval, f.noPush = 0, true
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		began := time.Now()
		synctestUntil(t, 11*time.Second)
		if diff := cmp.Diff([]time.Duration{5 * time.Second, 10 * time.Second}, since(began, f.pollTimes())); diff != "" {
			t.Errorf("polls (-want +got):\n%s", diff)
		}
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
		f.mu.Lock()
		f.state = wire.StateApproved // and nobody tells
		f.mu.Unlock()
		signedIn(t, l)
	})
}

func TestANewsDuringATokenRequestIsNotLost(t *testing.T) {
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
	synctest.Test(t, func(t *testing.T) {
		entered, release = make(chan struct{}), make(chan struct{})
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
	cases := []struct {
		name  string
		trick func(w httpWriter)
		want  []time.Duration // the least time to each poll
	}{
		{"500s", func(w httpWriter) { w.WriteHeader(500) }, []time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second}},
		{"429 with Retry-After", func(w httpWriter) {
			w.Header().Set("Retry-After", "20")
			w.WriteHeader(429)
		}, []time.Duration{5 * time.Second, 25 * time.Second, 45 * time.Second}},
		{"a captive portal", func(w httpWriter) { _, _ = w.Write([]byte("<html>pay here")) }, []time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second}},
		{"a redirect", func(w httpWriter) {
			w.Header().Set("Location", "http://localhost:8080/token")
			w.WriteHeader(307)
		}, []time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second}},
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
					if at < tc.want[i] || at > tc.want[i]+20*time.Second {
						t.Errorf("poll %d after %v, want %v or a little later", i+1, at, tc.want[i])
					}
				}
			})
		})
	}
}

func TestHowALoginEnds(t *testing.T) {
	cases := []struct {
		name  string
		state wire.State
		want  error
	}{
		{"denied on the phone", wire.StateDenied, desktop.ErrDenied},
		{"expired", wire.StateExpired, desktop.ErrExpired},
		{"redeemed, and the answer was lost", wire.StateRedeemed, desktop.ErrInterrupted},
		{"cancelled elsewhere", wire.StateCancelled, desktop.ErrCancelled},
	}
	for _, tc := range cases {
		t.Run(tc.name+", by push", func(t *testing.T) {
			f := newFake()
			bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
				f.set(tc.state)
				endsWith(t, l, tc.want)
				if n := len(f.starts); n != 1 {
					t.Errorf("started %d times: the SDK must not begin anew by itself", n)
				}
			})
		})
		if tc.want == desktop.ErrCancelled || tc.want == desktop.ErrInterrupted {
			continue // a poll alone can't tell
		}
		t.Run(tc.name+", by polling", func(t *testing.T) {
			f := newFake()
			f.noPush = true
			bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
				f.set(tc.state)
				endsWith(t, l, tc.want)
			})
		})
	}
}

func TestOtherRefusalsEndTheLogin(t *testing.T) {
	f := newFake()
	f.noPush = true
	f.set(wire.StateRedeemed) // by somebody else: plain invalid_grant
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		_, err := l.Wait(t.Context())
		var refused *desktop.OAuthError
		if !errors.As(err, &refused) || refused.Code != wire.CodeInvalidGrant {
			t.Errorf("got %v, want invalid_grant", err)
		}
		if n := len(f.pollTimes()); n != 1 {
			t.Errorf("polled %d times, want once", n)
		}
	})
}

func TestALostAnswerIsToldApart(t *testing.T) {
	f := newFake()
	f.noPush = true
	f.onToken = func(n int, w httpWriter, _ *httpRequest) bool {
		if n == 1 { // redeemed, and the connection breaks before the answer is out
			f.set(wire.StateRedeemed)
			panic(abort)
		}
		return false
	}
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		endsWith(t, l, desktop.ErrInterrupted)
	})
}

func TestALostAnswersSessionIsRevoked(t *testing.T) {
	lost := func(f *fake) {
		f.onToken = func(n int, _ httpWriter, _ *httpRequest) bool {
			if n == 1 {
				f.set(wire.StateRedeemed)
				panic(abort)
			}
			return false
		}
	}
	want := map[string][]string{
		wire.ParamToken: {fakeDeviceCode}, wire.ParamTokenTypeHint: {wire.ParamDeviceCode}, wire.ParamClientID: {fakeClient},
	}
	for _, noPush := range []bool{false, true} {
		t.Run(fmt.Sprintf("without push: %v", noPush), func(t *testing.T) {
			f := newFake()
			f.noPush = noPush
			lost(f)
			bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
				f.set(wire.StateApproved)
				endsWith(t, l, desktop.ErrInterrupted)
				<-l.Done()
				if rs := f.revocations(); len(rs) != 1 || !cmp.Equal(want, map[string][]string(rs[0])) {
					t.Errorf("revocations: got %v, want %v", rs, want)
				}
			})
		})
	}
	t.Run("not for long when there is no answer", func(t *testing.T) {
		f := newFake()
		f.noPush, f.onRevoke = true, swallow
		lost(f)
		bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
			endsWith(t, l, desktop.ErrInterrupted)
			began := time.Now()
			<-l.Done()
			if took := time.Since(began); took != 3*time.Second {
				t.Errorf("the rest took %v, want 3s", took)
			}
		})
	})
}

func TestACancelThatComesAfterTheRedemptionIsRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.deaf = true
		entered := make(chan struct{})
		f.onToken = func(_ int, w httpWriter, r *httpRequest) bool {
			close(entered)
			_ = r.ParseForm()
			return swallow(0, w, r) // the answer never comes
		}
		n := f.plug(t)
		l := start(t, f.client(t, n.transport(t)))
		f.set(wire.StateApproved)
		<-entered
		l.Cancel()
		synctest.Wait()
		f.set(wire.StateRedeemed) // and so the channel closes as after any last state
		endsWith(t, l, desktop.ErrCancelled)
		<-l.Done()
		if rs := f.revocations(); len(rs) != 1 || rs[0].Get(wire.ParamToken) != fakeDeviceCode {
			t.Errorf("revocations: got %v, want the device code", rs)
		}
	})
}

func TestAServerThatStaysAwayEndsTheLoginAfterItsTime(t *testing.T) {
	f := newFake()
	bubble(t, f, func(t *testing.T, n *network, l *desktop.Login) {
		began := time.Now()
		n.setCut(true)
		endsWith(t, l, desktop.ErrOffline)
		if took := time.Since(began); took < 300*time.Second || took > 320*time.Second {
			t.Errorf("gave up after %v, want the lifetime and some slack", took)
		}
	})
}

func TestAServerThatNeverSaysExpiredEndsTheLoginToo(t *testing.T) {
	f := newFake()
	f.noPush = true
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		began := time.Now()
		endsWith(t, l, desktop.ErrExpired)
		if took := time.Since(began); took < 300*time.Second || took > 320*time.Second {
			t.Errorf("gave up after %v, want the lifetime and some slack", took)
		}
	})
}

func TestCancelTellsTheServer(t *testing.T) {
	t.Run("by the push channel", func(t *testing.T) {
		f := newFake()
		bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
			l.Cancel()
			endsWith(t, l, desktop.ErrCancelled)
			<-l.Done()
			if f.cancels != 1 || len(f.revocations()) != 0 {
				t.Errorf("got %d cancel frames and %v, want one frame", f.cancels, f.revocations())
			}
		})
	})
	t.Run("by revoking the device code", func(t *testing.T) {
		f := newFake()
		f.noPush = true
		bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
			l.Cancel()
			endsWith(t, l, desktop.ErrCancelled)
			<-l.Done()
			want := map[string][]string{
				wire.ParamToken: {fakeDeviceCode}, wire.ParamTokenTypeHint: {wire.ParamDeviceCode}, wire.ParamClientID: {fakeClient},
			}
			if rs := f.revocations(); len(rs) != 1 || !cmp.Equal(want, map[string][]string(rs[0])) {
				t.Errorf("revocations: got %v, want %v", rs, want)
			}
		})
	})
	t.Run("when the ctx of Start ends", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			n := f.plug(t)
			ctx, cancel := context.WithCancel(t.Context())
			l, err := f.client(t, n.transport(t)).Start(ctx)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			cancel()
			endsWith(t, l, desktop.ErrCancelled)
			<-l.Done()
			if f.cancels != 1 {
				t.Errorf("got %d cancel frames, want 1", f.cancels)
			}
		})
	})
	t.Run("not for long when there is no network", func(t *testing.T) {
		f := newFake()
		bubble(t, f, func(t *testing.T, n *network, l *desktop.Login) {
			n.setCut(true)
			began := time.Now()
			l.Cancel()
			endsWith(t, l, desktop.ErrCancelled)
			if took := time.Since(began); took != 0 {
				t.Errorf("Wait took %v", took)
			}
			<-l.Done()
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("the rest took %v", took)
			}
		})
	})
}

func TestTokensThatArriveAfterACancelAreRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.noPush = true
		entered, release := make(chan struct{}), make(chan struct{})
		f.onToken = func(int, httpWriter, *httpRequest) bool {
			close(entered)
			<-release
			return false
		}
		n := f.plug(t)
		l := start(t, f.client(t, n.transport(t)))
		f.set(wire.StateApproved)
		<-entered
		l.Cancel()
		endsWith(t, l, desktop.ErrCancelled)
		close(release)
		<-l.Done()
		rs := f.revocations()
		if len(rs) != 2 || rs[1].Get(wire.ParamToken) != fakeToken {
			t.Errorf("revocations: got %v, want the code and then the token", rs)
		}
	})
}

func TestWaitsOwnCtxDoesNotCancelTheLogin(t *testing.T) {
	f := newFake()
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Wait: got %v, want the ctx's error", err)
		}
		f.set(wire.StateApproved)
		signedIn(t, l)
	})
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

func TestASlowReaderGetsTheNewest(t *testing.T) {
	f := newFake()
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		for _, s := range []wire.State{wire.StateScanned, wire.StateConfirming, wire.StateApproved} {
			f.set(s)
			synctest.Wait()
		}
		u, open := <-l.Updates()
		if !open || u.State != desktop.StateRedeemed {
			t.Errorf("got %+v, %v, want the last update", u, open)
		}
		if _, open := <-l.Updates(); open {
			t.Error("the channel is open after the last update")
		}
	})
}
