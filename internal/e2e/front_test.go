package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// front stands between a desktop and its server, as a company's proxy does. It
// can refuse WebSockets and counts the polls. The desktop believes that the front
// is the issuer; a phone goes to the server itself.
type front struct {
	*httptest.Server
	issuer        string
	refuseUpgrade atomic.Bool
	polls         atomic.Int32
}

func newFront(t *testing.T, s *server) *front {
	t.Helper()
	target, err := url.Parse(s.issuer)
	if err != nil {
		t.Fatal(err)
	}
	f := &front{issuer: s.issuer}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = target.Host
		},
		ModifyResponse: f.rename,
	}
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
	f.URL = strings.Replace(f.URL, "127.0.0.1", "localhost", 1)
	t.Cleanup(f.Close)
	return f
}

// phone is the address that a phone opens for the desktop's.
func (f *front) phone(link string) string { return strings.Replace(link, f.URL, f.issuer, 1) }

// rename has the server's JSON name the front wherever it names the issuer.
func (f *front) rename(r *http.Response) error {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	_ = r.Body.Close()
	host := func(u string) string { return strings.TrimPrefix(u, "http://") }
	renamed := strings.ReplaceAll(string(body), host(f.issuer), host(f.URL))
	r.Body = io.NopCloser(strings.NewReader(renamed))
	r.ContentLength = int64(len(renamed))
	r.Header.Set("Content-Length", strconv.Itoa(len(renamed)))
	return nil
}
