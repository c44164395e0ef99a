package oauth_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/gate"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
	"github.com/qrauthd/qrauthd/server/oauth"
)

// server is the face on a real socket, with the world behind it.
type server struct {
	*logintest.World
	*httptest.Server
	face   *oauth.Face
	pages  *fakePages
	log    *logBuffer
	person *logintest.Person // who signs in; see ada
	t      testing.TB
}

func serve(t testing.TB, limits budget.Limits) *server {
	t.Helper()
	return serveBehind(t, limits, gate.Gates{})
}

func serveBehind(t testing.TB, limits budget.Limits, gates gate.Gates) *server {
	t.Helper()
	w := logintest.New(t)
	log, pages := new(logBuffer), new(fakePages)
	face := oauth.New(oauth.Config{
		Issuer: w.Issuer, Login: w.Service, Hub: w.Hub, Pages: pages, Budgets: budget.New(limits), Gates: gates,
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	face.SetSendTime(patience) // the machine of a test may be busier than a server's
	s := &server{World: w, face: face, pages: pages, log: log, t: t}
	s.Server = httptest.NewServer(s.from(logintest.Home))
	// A redirect is an answer too, and most lead to nowhere.
	s.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(s.Close)
	return s
}

// from is the face, which takes every request to come from that address.
func (s *server) from(a netip.Addr) http.Handler {
	h := s.face.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = netip.AddrPortFrom(a, 40000).String()
		h.ServeHTTP(w, r)
	})
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body []byte
}

func (a answer) oauthError(t testing.TB) string {
	t.Helper()
	var e wire.Error
	if err := json.Unmarshal(a.body, &e); err != nil {
		t.Fatalf("no OAuth error in %q: %v", a.body, err)
	}
	return e.Code
}

// post sends a form. Options may change the request.
func (s *server) post(path string, form url.Values, change ...func(*http.Request)) answer {
	s.t.Helper()
	return s.send(http.MethodPost, path, form.Encode(), append([]func(*http.Request){func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}}, change...)...)
}

func (s *server) send(method, path, body string, change ...func(*http.Request)) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range change {
		c(r)
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(resp.Body); err != nil {
		s.t.Fatal(err)
	}
	return answer{resp, buf.Bytes()}
}

// Client is the HTTP client; World has a method of that name too.
func (s *server) Client() *http.Client { return s.Server.Client() }

// begin starts a grant over HTTP.
func (s *server) begin(form url.Values) wire.DeviceAuthorization {
	s.t.Helper()
	if form == nil {
		form = url.Values{"client_id": {string(logintest.App)}}
	}
	a := s.post(wire.PathDeviceAuthorization, form)
	var d wire.DeviceAuthorization
	if err := json.Unmarshal(a.body, &d); err != nil || a.StatusCode != http.StatusOK {
		s.t.Fatalf("device authorization: %s %s", a.Status, a.body)
	}
	return d
}

// poll asks for tokens over HTTP.
func (s *server) poll(deviceCode string) answer {
	s.t.Helper()
	return s.post(wire.PathToken, url.Values{
		"grant_type": {wire.GrantTypeDeviceCode}, "client_id": {string(logintest.App)}, "device_code": {deviceCode},
	})
}

func basicAuth(id, sec string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(sec)) }
}

func bearer(tok string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+tok) }
}

// logBuffer is a log that a test may read while the server writes.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// grantID is the name of a device code's grant: the date of the code, and its hash.
func grantID(deviceCode string) auth.GrantID {
	date := deviceCode[:max(0, len(deviceCode)-secret.Length)]
	return auth.GrantID(date + secretOf(deviceCode).Hash().String())
}
