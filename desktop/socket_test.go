package desktop_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
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
			bubble(t, f, func(t *testing.T, _ *network, _ *desktop.Login) {
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

func TestOnRealSocketsPushBeatsTheInterval(t *testing.T) {
	f := newFake()
	f.interval = 60
	f.serve(t)
	l := start(t, f.client(t, transport(t)))
	awaitPush(t, l)
	f.set(wire.StateScanned)
	awaitState(t, l, desktop.StateScanned)
	began := time.Now()
	f.set(wire.StateApproved)
	signedIn(t, l)
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("took %v, want no waiting for the interval of a minute", took)
	}
}

func TestOnRealSocketsARefusedUpgradeLeavesPolling(t *testing.T) {
	f := newFake()
	f.interval, f.onPush = 1, refusePush(http.StatusForbidden)
	f.serve(t)
	l := start(t, f.client(t, transport(t)))
	f.set(wire.StateApproved)
	signedIn(t, l)
}

func TestOnRealSocketsAKilledSocketLeavesPolling(t *testing.T) {
	f := newFake()
	f.interval, f.onPush = 1, onlyFirst
	f.serve(t)
	l := start(t, f.client(t, transport(t)))
	awaitPush(t, l)
	f.drop(closeWith{})
	awaitLoss(t, l)
	f.set(wire.StateApproved)
	signedIn(t, l)
}

func TestOverTLSPushUsesTheAppsTrust(t *testing.T) {
	f := newFake()
	f.interval = 60
	srv := httptest.NewUnstartedServer(f)
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	f.issuer = srv.URL
	tr := srv.Client().Transport.(*http.Transport)
	tr.ForceAttemptHTTP2 = true // which makes the transport offer h2, where no upgrade is
	t.Cleanup(tr.CloseIdleConnections)
	l := start(t, f.client(t, tr))
	awaitPush(t, l)
	f.set(wire.StateApproved)
	signedIn(t, l)
}

func TestARestartOfTheServerIsSurvived(t *testing.T) {
	f := newFake()
	f.interval = 1
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	f.issuer = "http://" + addr
	first := &http.Server{Handler: f}
	go first.Serve(ln)
	l := start(t, f.client(t, transport(t)))
	awaitPush(t, l)

	first.Close()
	f.drop(closeWith{wire.CloseRestart, wire.FormatRetryAfter(0)})
	await(t, l, "the loss", func(u desktop.Update) bool { return u.Offline })

	// Another connection of this machine may have the port for a moment.
	for late := time.Now().Add(10 * time.Second); ; {
		if ln, err = net.Listen("tcp", addr); err == nil {
			break
		}
		if time.Now().After(late) {
			t.Fatal(err)
		}
	}
	second := &http.Server{Handler: f}
	go second.Serve(ln)
	t.Cleanup(func() { second.Close() })
	f.set(wire.StateApproved)
	signedIn(t, l)
}

// opaque is a RoundTripper that does not tell how it dials.
type opaque struct{ http.RoundTripper }

func TestPushGoesNoOtherWayThanTheAppsRequests(t *testing.T) {
	cases := []struct {
		name string
		way  func(t *testing.T) http.RoundTripper
		push bool
	}{
		{"a transport can be borrowed from", func(t *testing.T) http.RoundTripper { return transport(t) }, true},
		{"none is the default transport", func(*testing.T) http.RoundTripper { return nil }, true},
		{"an unknown RoundTripper leaves it to polling", func(t *testing.T) http.RoundTripper { return opaque{transport(t)} }, false},
		{"a transport that dials TLS the old way leaves it to polling", func(t *testing.T) http.RoundTripper {
			tr := transport(t)
			//lint:ignore SA1019 apps still do
			tr.DialTLS = func(network, addr string) (net.Conn, error) { return tls.Dial(network, addr, nil) }
			return tr
		}, false},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake()
			f.interval = 1
			f.serve(t)
			l := start(t, f.client(t, tc.way(t)))
			if tc.push {
				awaitPush(t, l)
			}
			f.set(wire.StateApproved)
			signedIn(t, l)
			if dials := len(f.dialTimes()); (dials > 0) != tc.push {
				t.Errorf("dialed %d times, want push: %v", dials, tc.push)
			}
		})
	}
}
