package desktop_test

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// revokedTheCode wants one revocation, of the device code (RFC 7009 section 2.1).
func revokedTheCode(t *testing.T, f *fake) {
	t.Helper()
	want := []url.Values{{
		wire.ParamToken: {fakeDeviceCode}, wire.ParamTokenTypeHint: {wire.ParamDeviceCode}, wire.ParamClientID: {fakeClient},
	}}
	if diff := cmp.Diff(want, f.revocations()); diff != "" {
		t.Errorf("revocations (-want +got):\n%s", diff)
	}
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
			revokedTheCode(t, f)
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

func TestACancelThatTheChannelDoesNotConfirmIsRevoked(t *testing.T) {
	f := newFake()
	f.deaf = true
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		l.Cancel()
		<-l.Done()
		revokedTheCode(t, f)
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
		revokedTheCode(t, f)
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

func TestALostAnswerIsToldApart(t *testing.T) {
	f := newFake()
	f.noPush = true
	f.onToken = f.loseFirst
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		endsWith(t, l, desktop.ErrInterrupted)
	})
}

func TestALostAnswersSessionIsRevoked(t *testing.T) {
	for _, noPush := range []bool{false, true} {
		t.Run(fmt.Sprintf("without push: %v", noPush), func(t *testing.T) {
			f := newFake()
			f.noPush, f.onToken = noPush, f.loseFirst
			bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
				f.set(wire.StateApproved)
				endsWith(t, l, desktop.ErrInterrupted)
				<-l.Done()
				revokedTheCode(t, f)
			})
		})
	}
	t.Run("not for long when there is no answer", func(t *testing.T) {
		f := newFake()
		f.noPush, f.onToken, f.onRevoke = true, f.loseFirst, swallow
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
