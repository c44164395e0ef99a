package desktop_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestAQuietChannelLivesByItsPings(t *testing.T) {
	cases := []struct {
		name  string
		ping  time.Duration
		dials int // in three minutes
	}{
		{"pinged every 25 seconds it stays", 25 * time.Second, 1},
		{"never pinged it counts as dead after 70", 0, 3},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake()
			f.ping, f.lifetime = tc.ping, 600
			synctest.Test(t, func(t *testing.T) {
				n := f.plug(t)
				start(t, f.client(t, n.transport(t)))
				synctestUntil(t, 3*time.Minute)
				if got := len(f.dialTimes()); got != tc.dials {
					t.Errorf("dialed %d times, want %d", got, tc.dials)
				}
			})
		})
	}
}

func TestAChannelThatMisbehavesLeavesPolling(t *testing.T) {
	upgrade := func(protocols []string, frame string) func(int, httpWriter, *httpRequest) bool {
		return func(_ int, w httpWriter, r *httpRequest) bool {
			up := websocket.Upgrader{Subprotocols: protocols}
			conn, err := up.Upgrade(w, r, nil)
			if err != nil {
				return true
			}
			defer conn.Close()
			_, _, _ = conn.ReadMessage() // the hello
			_ = conn.WriteMessage(websocket.TextMessage, []byte(frame))
			_, _, _ = conn.ReadMessage() // the end
			return true
		}
	}
	ours := []string{wire.PushSubprotocol}
	for name, hook := range map[string]func(int, httpWriter, *httpRequest) bool{
		"it speaks another protocol":   upgrade(nil, `{"seq":1,"state":"denied"}`),
		"it sends no JSON":             upgrade(ours, `hello`),
		"it sends no state":            upgrade(ours, `{"seq":1}`),
		"it sends a state of tomorrow": upgrade(ours, `{"seq":1,"state":"levitating","expires_in":300}`),
		"it sends too much":            upgrade(ours, `{"state":"`+string(make([]byte, 20_000))+`"}`),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			f.onPush = hook
			bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
				synctestUntil(t, time.Minute)
				if n := len(f.dialTimes()); n > 4 {
					t.Errorf("dialed %d times in a minute", n)
				}
				f.set(wire.StateApproved)
				signedIn(t, l)
			})
		})
	}
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
		await(t, l, "the loss", func(u desktop.Update) bool { return !u.Pushed })
		f.set(wire.StateConfirming)
		awaitState(t, l, desktop.StateConfirming)
	})
}

func TestACancelThatTheChannelDoesNotConfirmIsRevoked(t *testing.T) {
	f := newFake()
	f.deaf = true
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		l.Cancel()
		<-l.Done()
		if rs := f.revocations(); len(rs) != 1 || rs[0].Get(wire.ParamToken) != fakeDeviceCode {
			t.Errorf("revocations: got %v, want the device code", rs)
		}
	})
}
