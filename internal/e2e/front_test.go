package e2e

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// front stands before the server, as a proxy does that people and desktops know
// as the issuer. It can refuse WebSockets and counts the polls. It adds to
// X-Forwarded-For where a request comes from, as its own socket tells; what else a
// client says of that it leaves as it is. A server started with --trusted-proxy
// 127.0.0.1 believes it.
type front struct {
	*httptest.Server
	refuseUpgrade atomic.Bool
	busy          atomic.Int32 // how many of the next decisions are turned away
	polls         atomic.Int32

	mu     sync.Mutex
	places map[string]string // the public address of a loopback one; guarded by mu
	seen   []passage         // guarded by mu
}

// passage is a request that went through, with what a browser says of its origin.
type passage struct {
	method, path, kind, site, origin string
	cookie                           bool
	status                           int
}

// serveBehind starts a server behind a front.
func serveBehind(t *testing.T, args ...string) (*server, *front) {
	t.Helper()
	f := &front{places: map[string]string{}}
	target := &url.URL{Scheme: "http", Host: freeAddress(t)}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			f.tell(r)
		},
		ModifyResponse: f.note,
		// A browser that goes on to another page is no news.
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == wire.PathToken:
			f.polls.Add(1)
		case r.URL.Path == wire.PathPush && f.refuseUpgrade.Load():
			http.Error(w, "WebSockets are not allowed here", http.StatusForbidden)
			return
		case (strings.HasSuffix(r.URL.Path, "/begin") || strings.HasSuffix(r.URL.Path, "/finish")) && f.busy.Add(-1) >= 0:
			turnAway(w)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	f.URL = strings.Replace(f.URL, "127.0.0.1", "localhost", 1)
	s := &server{listen: target.Host, data: t.TempDir(), args: append([]string{"--issuer", f.URL}, args...)}
	s.start(t)
	return s, f
}

// turnAway answers as a server does that has too much to do.
func turnAway(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, `{"error":"busy","message":"Very many people are signing in at the moment. Try again in a moment."}`)
}

// serveTheWorld is serveBehind for a server that believes its front.
func serveTheWorld(t *testing.T, args ...string) (*server, *front) {
	t.Helper()
	return serveBehind(t, append([]string{"--trusted-proxy", "127.0.0.1"}, args...)...)
}

// tell says where the request comes from, behind what it says itself.
func (f *front) tell(r *httputil.ProxyRequest) {
	if said := r.In.Header["Forwarded"]; said != nil {
		r.Out.Header["Forwarded"] = said // which ReverseProxy has dropped
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	host, _, _ := net.SplitHostPort(r.In.RemoteAddr)
	if place, ok := f.places[host]; ok {
		host = place
	}
	r.Out.Header["X-Forwarded-For"] = slices.Concat(r.In.Header["X-Forwarded-For"], []string{host})
}

// note remembers the request, and how it was answered.
func (f *front) note(answer *http.Response) error {
	r := answer.Request
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, passage{
		method: r.Method, path: r.URL.Path, kind: r.Header.Get("Content-Type"), status: answer.StatusCode,
		site: r.Header.Get("Sec-Fetch-Site"), origin: r.Header.Get("Origin"), cookie: r.Header.Get("Cookie") != "",
	})
	return nil
}

// passages are the requests that are like that.
func (f *front) passages(like func(passage) bool) (list []passage) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.seen {
		if like(p) {
			list = append(list, p)
		}
	}
	return list
}

// sources numbers the loopback addresses from which tests dial.
var sources atomic.Uint32

// from is the way to the front of somebody who is at that address.
func (f *front) from(t *testing.T, address string) *http.Transport {
	t.Helper()
	n := sources.Add(1)
	source := net.IPv4(127, 1+byte(n>>16), byte(n>>8), byte(n))
	f.mu.Lock()
	f.places[source.String()] = address
	f.mu.Unlock()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: source}}
	way := &http.Transport{DialContext: func(ctx context.Context, _, target string) (net.Conn, error) {
		return dialer.DialContext(ctx, "tcp4", target)
	}}
	t.Cleanup(way.CloseIdleConnections)
	return way
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
