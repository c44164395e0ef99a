package server

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/qrauthd/qrauthd/internal/gate"
	"github.com/qrauthd/qrauthd/internal/push"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// watched serves the handler under an observer and returns its log and metrics.
func watched(t *testing.T, h http.Handler) (http.Handler, *bytes.Buffer, prometheus.Gatherer) {
	t.Helper()
	registry := prometheus.NewRegistry()
	m, err := newMetrics(registry, new(push.Hub))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	o := observer{log: slog.New(slog.NewTextHandler(&log, nil)), metrics: m, now: time.Now}
	return o.watch(h), &log, registry
}

func TestARequestIsOneEventWithoutItsSecrets(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /confirm/{opening}", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "browser", Value: "s3cret-cookie"})
		w.WriteHeader(http.StatusTeapot)
	})
	h, log, m := watched(t, routed(mux))
	r := httptest.NewRequest(http.MethodGet, "/confirm/s3cret-opening?user_code=s3cret-code", nil)
	r.RemoteAddr = "198.51.100.1:4711"
	r.Header.Set("Authorization", "Bearer s3cret-token")
	r.Header.Set("Cookie", "browser=s3cret-cookie")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)

	got := log.String()
	if strings.Contains(got, "s3cret") {
		t.Errorf("the log tells a secret: %s", got)
	}
	if n := strings.Count(got, "\n"); n != 1 {
		t.Errorf("got %d events, want 1: %s", n, got)
	}
	id := w.Header().Get("X-Request-Id")
	for _, want := range []string{"method=GET", `route="GET /confirm/{opening}"`, "status=418", "address=198.51.100.1", "took=", "request=" + id} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in the event: %s", want, got)
		}
	}
	shown := httptest.NewRecorder()
	metricsHandler(m).ServeHTTP(shown, httptest.NewRequest(http.MethodGet, wire.PathMetrics, nil))
	if want := `qrauthd_requests_total{route="GET /confirm/{opening}",status="418"} 1`; !strings.Contains(shown.Body.String(), want) {
		t.Errorf("no %s in the metrics:\n%s", want, shown.Body)
	}
}

func TestAFloodIsToldOfInOneLine(t *testing.T) {
	turned := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.(gate.TurnedAway).TurnedAway()
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	var log bytes.Buffer
	m, err := newMetrics(prometheus.NewRegistry(), new(push.Hub))
	if err != nil {
		t.Fatal(err)
	}
	o := observer{log: slog.New(slog.NewTextHandler(&log, nil)), metrics: m, now: time.Now, flood: &seldom{every: time.Hour}}
	h := o.watch(turned)
	for range 100 {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/token", nil))
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "more requests came than can be answered") {
		t.Errorf("the log says\n%s", got)
	}
}

func TestRequestsAreCountedByTheirRoutes(t *testing.T) {
	for issuer, base := range map[string]string{"https://example.com": "", "https://example.com/auth": "/auth"} {
		c := demoConfig(t)
		c.Demo, c.Listen, c.Issuer = false, "", issuer
		s := run(t, c, nil)
		for _, asked := range []string{"POST /token", "PUT /token", "GET /push", "GET /device", "GET /nowhere/s3cret"} {
			method, path, _ := strings.Cut(asked, " ")
			s.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, issuer+path, nil))
		}
		shown := httptest.NewRecorder()
		metricsHandler(s.options.Gatherer).ServeHTTP(shown, httptest.NewRequest(http.MethodGet, wire.PathMetrics, nil))
		for _, route := range []string{"POST /token", "/token", "GET /push", "GET /device", "/"} {
			if !strings.Contains(shown.Body.String(), fmt.Sprintf("qrauthd_requests_total{route=%q,", route)) {
				t.Errorf("base %q: nothing is counted for %q:\n%s", base, route, shown.Body)
			}
		}
		if strings.Contains(shown.Body.String(), "s3cret") {
			t.Errorf("base %q: a path is told:\n%s", base, shown.Body)
		}
	}
}

func TestAPanicTellsThePeerNothing(t *testing.T) {
	h, log, _ := watched(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the inside story") }))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/token", nil))
	if w.Code != http.StatusInternalServerError {
		t.Errorf("got status %d, want 500", w.Code)
	}
	body := w.Body.String()
	if strings.Contains(body, "inside") || strings.Contains(body, "goroutine") {
		t.Errorf("the peer is told: %s", body)
	}
	if id := w.Header().Get("X-Request-Id"); !strings.Contains(body, id) || !strings.Contains(log.String(), "request="+id) {
		t.Errorf("the reference %s is not in answer and log", id)
	}
	for _, want := range []string{"the inside story", "stack=", "status=500"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log: %s", want, log)
		}
	}
}

func TestAPanicInMidAnswerCutsTheConnection(t *testing.T) {
	h, log, _ := watched(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half an ans")
		_ = http.NewResponseController(w).Flush()
		panic("oh")
	}))
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	resp, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("got a whole answer %q, want a broken one", b)
	}
	s.Close()
	if !strings.Contains(log.String(), "msg=panic") {
		t.Errorf("the panic is not logged: %s", log)
	}
}

// hijackable is a connection that can be taken over.
type hijackable struct {
	*httptest.ResponseRecorder
	err error
}

func (h hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, h.err }

func TestAHijackedConnectionCountsAsSwitched(t *testing.T) {
	for name, tc := range map[string]struct {
		fail error
		want int
	}{
		"taken":   {nil, http.StatusSwitchingProtocols},
		"refused": {errors.New("no"), http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) {
			h, log, _ := watched(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if _, _, err := w.(http.Hijacker).Hijack(); err != nil {
					w.WriteHeader(http.StatusInternalServerError)
				}
			}))
			h.ServeHTTP(hijackable{httptest.NewRecorder(), tc.fail}, httptest.NewRequest(http.MethodGet, "/push", nil))
			if want := fmt.Sprintf("status=%d", tc.want); !strings.Contains(log.String(), want) {
				t.Errorf("no %s in %s", want, log)
			}
		})
	}
}

func TestSecureHeaders(t *testing.T) {
	for _, https := range []bool{false, true} {
		w := httptest.NewRecorder()
		secureHeaders(https, http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if got := w.Header().Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("X-Content-Type-Options %q, want nosniff", got)
		}
		if got := w.Header().Get("Referrer-Policy"); got != "no-referrer" {
			t.Errorf("Referrer-Policy %q, want no-referrer", got)
		}
		if got := w.Header().Get("Strict-Transport-Security"); (got != "") != https {
			t.Errorf("https %t: Strict-Transport-Security %q", https, got)
		}
	}
}
