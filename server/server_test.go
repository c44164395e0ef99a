package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func demoConfig(t *testing.T) Config {
	t.Helper()
	c := DefaultConfig()
	c.Demo = true
	c.Listen = "127.0.0.1:0"
	c.DataDir = filepath.Join(t.TempDir(), "data")
	c.Registration = RegistrationOpen
	return c
}

// running is a server that runs until it is stopped, or the test ends.
type running struct {
	*Server
	log  *bytes.Buffer // to be read after stop
	stop func() error
}

func run(t *testing.T, c Config, change func(*Server)) running {
	t.Helper()
	var log bytes.Buffer
	s, err := New(t.Context(), c, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- s.Run(ctx, func(issuer string) { ready <- issuer }) }()
	stop := sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = stop() })
	select {
	case <-ready:
	case err := <-done:
		t.Fatalf("Run ended before it was ready: %v", err)
	}
	return running{s, &log, stop}
}

// client closes its connections with the test, so that no goroutine is left.
func newClient(t *testing.T, config *tls.Config) *http.Client {
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func get(t *testing.T, c *http.Client, url string) (status int, body string) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestADemoServesUnderThePortThatItGot(t *testing.T) {
	s := run(t, demoConfig(t), nil)
	if !strings.HasPrefix(s.Issuer(), "http://localhost:") || strings.HasSuffix(s.Issuer(), ":0") {
		t.Fatalf("got issuer %s, want that of the listener", s.Issuer())
	}
	c := newClient(t, nil)
	if status, body := get(t, c, s.Issuer()+wire.PathHealth); status != 200 || body != "ok\n" {
		t.Errorf("health: got %d %q, want 200 ok", status, body)
	}
	_, body := get(t, c, s.Issuer()+wire.WellKnownMetadata)
	var m wire.Metadata
	if err := json.Unmarshal([]byte(body), &m); err != nil || m.Issuer != s.Issuer() {
		t.Errorf("metadata: got %q, %v, want issuer %s", body, err, s.Issuer())
	}
	start(t, c, s.Issuer())
	remembered, err := RememberedIssuer(s.config.DataDir)
	if err != nil || remembered.String() != s.Issuer() {
		t.Errorf("remembered %v, %v, want %s", remembered, err, s.Issuer())
	}
	if err := s.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if !strings.Contains(s.log.String(), "DEMO") {
		t.Error("the log does not say that this is a demo")
	}
}

// start begins a sign-in.
func start(t *testing.T, c *http.Client, issuer string) wire.DeviceAuthorization {
	t.Helper()
	resp, err := c.PostForm(issuer+wire.PathDeviceAuthorization, url.Values{wire.ParamClientID: {DemoClientID}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var d wire.DeviceAuthorization
	if err := json.NewDecoder(resp.Body).Decode(&d); err != nil || d.DeviceCode == "" {
		t.Fatalf("start: status %d, %+v, %v", resp.StatusCode, d, err)
	}
	return d
}

func TestAStoppingServerTellsDesktopsToComeBack(t *testing.T) {
	s := run(t, demoConfig(t), nil)
	desk := attach(t, start(t, newClient(t, nil), s.Issuer()))
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	_, _, err := desk.ReadMessage()
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != wire.CloseRestart {
		t.Fatalf("got %v, want close code %d", err, wire.CloseRestart)
	}
	if _, ok := wire.ParseRetryAfter(closed.Text); !ok {
		t.Errorf("got reason %q, want retry_after", closed.Text)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestRequestsInFlightEndBeforeTheServerDoes(t *testing.T) {
	arrived, leave := make(chan struct{}), make(chan struct{})
	s := run(t, demoConfig(t), func(s *Server) {
		inner := s.root
		s.root = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(arrived)
			<-leave
			inner.ServeHTTP(w, r) // which reads the database
		})
	})
	c := newClient(t, nil)
	answered := make(chan error, 1)
	go func() {
		resp, err := c.Get(s.Issuer() + wire.PathHealth)
		if err == nil {
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				err = errors.New(resp.Status)
			}
		}
		answered <- err
	}()
	<-arrived
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	// The listener closes first, and meanwhile the request is still being worked on.
	for conn, err := net.Dial("tcp", s.addr()); err == nil; conn, err = net.Dial("tcp", s.addr()) {
		_ = conn.Close()
	}
	select {
	case err := <-stopped:
		t.Fatalf("Run ended with a request in flight: %v", err)
	default:
	}
	close(leave)
	if err := <-answered; err != nil {
		t.Errorf("the request in flight: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestAnIssuerWithAPathHasEverythingBelowIt(t *testing.T) {
	c := demoConfig(t)
	c.Listen, c.Issuer = "", "https://example.com/auth"
	s, err := New(t.Context(), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for path, want := range map[string]int{
		wire.WellKnownMetadata + "/auth":       http.StatusOK,
		wire.WellKnownMetadata:                 http.StatusNotFound,
		"/auth" + wire.PathDevice:              http.StatusOK,
		"/auth" + wire.PathHealth:              http.StatusOK,
		wire.PathHealth:                        http.StatusOK,
		wire.PathDevice:                        http.StatusNotFound,
		"/auth" + wire.PathToken:               http.StatusMethodNotAllowed,
		"/auth" + wire.PathUserInfo:            http.StatusUnauthorized,
		"/auth" + wire.PathDevice + "/nothing": http.StatusNotFound,
	} {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://example.com"+path, nil))
		if w.Code != want {
			t.Errorf("GET %s: got %d, want %d", path, w.Code, want)
		}
		if w.Header().Get("Strict-Transport-Security") == "" {
			t.Errorf("GET %s: no HSTS", path)
		}
	}
}

func TestAPathAnswersOtherMethodsWithThoseThatItHas(t *testing.T) {
	for _, base := range []string{"", "/auth"} {
		c := demoConfig(t)
		c.Listen, c.Issuer = "", "https://example.com"+base
		s, err := New(t.Context(), c, Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		for path, allow := range map[string]string{
			wire.WellKnownMetadata + base:       "GET, HEAD",
			wire.PathHealth:                     "GET, HEAD",
			base + wire.PathHealth:              "GET, HEAD",
			base + "/":                          "GET, HEAD",
			base + wire.PathDevice:              "GET, HEAD, POST",
			base + "/confirm/x":                 "GET, HEAD",
			base + "/confirm/x/status":          "GET, HEAD",
			base + "/confirm/x/deny":            "POST",
			base + "/account":                   "GET, HEAD",
			base + "/account/passkeys/x/remove": "POST",
			base + "/assets/x.css":              "GET, HEAD",
			base + wire.PathToken:               "POST",
			base + wire.PathConfirmation:        "POST",
			base + wire.PathComputers:           "GET, HEAD",
			base + "/devices/x/report":          "POST",
			base + wire.PathUserInfo:            "GET, HEAD, POST",
			base + wire.PathPush:                "GET, HEAD",
		} {
			for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions} {
				w := httptest.NewRecorder()
				s.Handler().ServeHTTP(w, httptest.NewRequest(method, "https://example.com"+path, nil))
				if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != allow {
					t.Errorf("%s %s: got %d, Allow %q, want 405, %q", method, path, w.Code, w.Header().Get("Allow"), allow)
				}
			}
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodHead, "https://example.com"+base+wire.PathDevice, nil))
		if w.Code != http.StatusOK {
			t.Errorf("HEAD %s: got %d, want 200", base+wire.PathDevice, w.Code)
		}
	}
}

func TestWhatIsNotThereSaysWhereTheServiceIs(t *testing.T) {
	for base, paths := range map[string][]string{
		"":      {"/nothing", "/assets/", "/assets/nothing.css", "/device/nothing"},
		"/auth": {"/", "/nothing", "/device", "/assets/nothing.css", "/auth/nothing", "/auth/assets/nothing.css"},
	} {
		c := demoConfig(t)
		c.Listen, c.Issuer = "", "https://example.com"+base
		s, err := New(t.Context(), c, Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		for _, path := range paths {
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://example.com"+path, nil))
			if w.Code != http.StatusNotFound || w.Header().Get("Content-Security-Policy") == "" {
				t.Errorf("GET %s: got %d, policy %q, want 404 under a policy", path, w.Code, w.Header().Get("Content-Security-Policy"))
			}
			if want := `href="` + base + wire.PathDevice + `"`; !strings.Contains(w.Body.String(), want) {
				t.Errorf("GET %s: no %s in:\n%s", path, want, w.Body)
			}
			if got := w.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
				t.Errorf("GET %s: got type %q, want that of a page", path, got)
			}
		}
	}
}

func TestServeOverTLS(t *testing.T) {
	c := demoConfig(t)
	c.TLS = writeCertificate(t, t.TempDir(), 1)
	c.Issuer = "https://localhost:8443" // the port is another's business
	s := run(t, c, nil)
	pem, err := os.ReadFile(c.TLS.CertFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := newClient(t, &tls.Config{RootCAs: roots, ServerName: "localhost"})
	resp, err := client.Get("https://" + s.addr() + wire.PathHealth)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 {
		t.Errorf("got %s over %s, want 200 over HTTP/2", resp.Status, resp.Proto)
	}
}

func TestMetricsAreServedOnAnAddressOfTheirOwn(t *testing.T) {
	c := demoConfig(t)
	c.MetricsListen = "localhost:0"
	c.Webhook = Webhook{URL: "http://localhost:1", Secret: webhookSecret, Events: []string{AllEvents}} // where nobody is
	s := run(t, c, nil)
	client := newClient(t, nil)
	start(t, client, s.Issuer())
	_, body := get(t, client, "http://"+s.metricsListener.Addr().String()+wire.PathMetrics)
	for _, want := range []string{
		`qrauthd_requests_total{route="POST /device_authorization",status="200"} 1`, "qrauthd_waiting 0", "go_goroutines",
		"qrauthd_audit_records_total 1", "qrauthd_webhook_waiting 1", // the demo's client was added
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
	if status, _ := get(t, client, s.Issuer()+wire.PathMetrics); status != http.StatusNotFound {
		t.Errorf("metrics on the service's address: got %d, want 404", status)
	}
}

func TestAnEmbeddedServerRunsWithoutListening(t *testing.T) {
	c := demoConfig(t)
	c.Listen, c.Issuer = "", "https://example.com"
	s := run(t, c, nil)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, wire.PathHealth, nil))
	if w.Code != http.StatusOK {
		t.Errorf("got %d, want 200", w.Code)
	}
	if err := s.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestHealthTellsThatTheStoreIsGone(t *testing.T) {
	c := demoConfig(t)
	s, err := New(t.Context(), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, wire.PathHealth, nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("got %d, want 503", w.Code)
	}
}

func TestABodyThatIsTooLargeIsRefused(t *testing.T) {
	s := run(t, demoConfig(t), nil)
	form := url.Values{wire.ParamClientID: {DemoClientID}, wire.ParamDeviceName: {strings.Repeat("x", maxBody)}}
	resp, err := newClient(t, nil).PostForm(s.Issuer()+wire.PathDeviceAuthorization, form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode < 400 || resp.StatusCode >= 500 {
		t.Errorf("got %s, want the client's fault", resp.Status)
	}
}

func TestHeadersThatAreTooLargeAreRefused(t *testing.T) {
	s := run(t, demoConfig(t), nil)
	c := newClient(t, nil)
	for size, want := range map[int]int{
		maxHeader - 1<<10: http.StatusOK, // beside the client's own
		maxHeader:         http.StatusRequestHeaderFieldsTooLarge,
		20000:             http.StatusRequestHeaderFieldsTooLarge,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Issuer()+wire.PathHealth, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Padding", strings.Repeat("x", size))
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("a header of %d bytes: got %s, want %d", size, resp.Status, want)
		}
	}
}

func TestLimitsOffAreSaidLoudlyAndHold(t *testing.T) {
	c := demoConfig(t)
	c.Limits.Off = true
	s := run(t, c, nil)
	client := newClient(t, nil)
	for range 2 * DefaultLimits().Starts.Count {
		start(t, client, s.Issuer())
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.log.String(), "limits are off") {
		t.Error("the log does not warn")
	}
}

func TestAPortInUseIsRefusedBeforeTheDataIsTouched(t *testing.T) {
	s := run(t, demoConfig(t), nil)
	c := demoConfig(t)
	c.Listen = s.addr()
	_, err := New(t.Context(), c, Options{})
	if err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("got %v, want that the port is in use", err)
	}
	if _, err := os.Stat(c.DataDir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the data folder was made: %v", err)
	}
}

func TestNewRefusesAConfigurationAsAConfigError(t *testing.T) {
	_, err := New(t.Context(), Config{}, Options{})
	var config *ConfigError
	if !errors.As(err, &config) {
		t.Errorf("got %v, want a *ConfigError", err)
	}
}

func TestADemoKeepsTheClientThatItHas(t *testing.T) {
	c := demoConfig(t)
	for range 2 {
		s := run(t, c, nil)
		start(t, newClient(t, nil), s.Issuer())
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
	}
}
