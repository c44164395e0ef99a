package desktop_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// transport is for a test on real sockets.
func transport(t *testing.T) *http.Transport {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
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
	await(t, l, "the loss", func(u desktop.Update) bool { return !u.Pushed })
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
