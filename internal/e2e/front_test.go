package e2e

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// front stands before the server, as a proxy does that people and desktops know
// as the issuer. It can refuse WebSockets and counts the polls.
type front struct {
	*httptest.Server
	refuseUpgrade atomic.Bool
	polls         atomic.Int32
}

// serveBehind starts a server behind a front.
func serveBehind(t *testing.T) (*server, *front) {
	t.Helper()
	target := &url.URL{Scheme: "http", Host: freeAddress(t)}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}
	f := new(front)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == wire.PathToken:
			f.polls.Add(1)
		case r.URL.Path == wire.PathPush && f.refuseUpgrade.Load():
			http.Error(w, "WebSockets are not allowed here", http.StatusForbidden)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	f.URL = strings.Replace(f.URL, "127.0.0.1", "localhost", 1)
	s := &server{listen: target.Host, data: t.TempDir(), args: []string{"--issuer", f.URL}}
	s.start(t)
	return s, f
}

// freeAddress is one that nobody listens on at the moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
