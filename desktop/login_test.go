package desktop_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

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

// awaitLoss waits until the push channel is down.
func awaitLoss(t *testing.T, l *desktop.Login) desktop.Update {
	t.Helper()
	return await(t, l, "the loss", func(u desktop.Update) bool { return !u.Pushed })
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
	cur := l.Current()
	if !errors.Is(cur.Err, want) || cur.State != endOf(want) || (last.State != "" && last != cur) {
		t.Errorf("last update: got %+v, want %v in state %s", cur, want, endOf(want))
	}
	if !cur.State.Terminal() {
		t.Errorf("%s is not final", cur.State)
	}
}

// endOf is the state that an error ends in: its own if it has one, and never
// somebody else's.
func endOf(err error) desktop.State {
	switch err {
	case desktop.ErrDenied:
		return desktop.StateDenied
	case desktop.ErrExpired:
		return desktop.StateExpired
	case desktop.ErrCancelled:
		return desktop.StateCancelled
	}
	return desktop.StateFailed
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
	for _, code := range []string{wire.CodeInvalidGrant, wire.CodeInvalidClient, "something_new"} {
		t.Run(code, func(t *testing.T) {
			f := newFake()
			f.noPush = true
			f.onToken = func(_ int, w httpWriter, _ *httpRequest) bool {
				refuse(w, 400, code)
				return true
			}
			bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
				_, err := l.Wait(t.Context())
				var refused *desktop.OAuthError
				if !errors.As(err, &refused) || refused.Code != code {
					t.Errorf("got %v, want %s", err, code)
				}
				if got := l.Current(); got.State != desktop.StateFailed || !errors.Is(got.Err, err) {
					t.Errorf("last update: got %+v, want the state failed and the error", got)
				}
				if n := len(f.pollTimes()); n != 1 {
					t.Errorf("polled %d times, want once", n)
				}
			})
		})
	}
}
