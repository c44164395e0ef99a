package oauth_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/wire"
	"github.com/qrauthd/qrauthd/server/oauth"
)

// bare is the yardstick: a handler that parses a form and answers 200 bytes of JSON.
func bare() http.Handler {
	body := `{"x":"` + strings.Repeat("x", 192) + `"}`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	})
}

// rate is how many such posts a second 64 clients get through.
func rate(b *testing.B, h http.Handler, path string, form url.Values, want int) float64 {
	b.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	b.SetParallelism(32) // of two processors: 64 clients
	b.ResetTimer()
	began := time.Now()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r, err := client.PostForm(server.URL+path, form)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			r.Body.Close()
			if r.StatusCode != want {
				b.Errorf("got %s, want %d", r.Status, want)
				return
			}
		}
	})
	b.StopTimer()
	return float64(b.N) / time.Since(began).Seconds()
}

// BenchmarkHTTP compares our endpoints with a bare handler in the same run.
func BenchmarkHTTP(b *testing.B) {
	w := logintest.New(b)
	c := w.Config
	c.NoPace = true
	face := oauth.New(oauth.Config{Issuer: w.Issuer, Login: login.New(c), Hub: w.Hub, Log: slog.New(slog.DiscardHandler)})
	_, code := w.Start(logintest.App)
	app := string(logintest.App)
	poll := url.Values{"grant_type": {wire.GrantTypeDeviceCode}, "client_id": {app}, "device_code": {code.Reveal()}}
	start := url.Values{"client_id": {app}, "device_name": {"ALICE-PC"}}

	yardstick := 1.0
	b.Run("yardstick", func(b *testing.B) {
		yardstick = rate(b, bare(), wire.PathToken, poll, http.StatusOK)
	})
	b.Run("pending poll", func(b *testing.B) {
		b.ReportMetric(rate(b, face.Handler(), wire.PathToken, poll, http.StatusBadRequest)/yardstick, "of-yardstick")
	})
	b.Run("start", func(b *testing.B) {
		b.ReportMetric(rate(b, face.Handler(), wire.PathDeviceAuthorization, start, http.StatusOK)/yardstick, "of-yardstick")
	})
}

// BenchmarkDecisionToFrame is the time from a decision on the phone, its commit
// included, to the frame at the desktop.
func BenchmarkDecisionToFrame(b *testing.B) {
	w := logintest.New(b)
	face := oauth.New(oauth.Config{Issuer: w.Issuer, Login: w.Service, Hub: w.Hub, Log: slog.New(slog.DiscardHandler)})
	server := httptest.NewServer(face.Handler())
	defer server.Close()
	for b.Loop() {
		b.StopTimer()
		g, code := w.Start(logintest.App)
		desk := connectBench(b, server.URL, wire.ClientFrame{
			Type: wire.FrameHello, ClientID: string(logintest.App), DeviceCode: code.Reveal(),
		})
		b.StartTimer()
		if err := w.Deny(b.Context(), logintest.At("phone"), g.ID); err != nil {
			b.Fatal(err)
		}
		awaitBench(b, desk, wire.StateDenied)
		b.StopTimer()
		desk.Close()
		b.StartTimer()
	}
}

// BenchmarkSignOutToFrame is the time from "Sign out" on the phone, its commit
// included, to the frame at the desktop that it signs out.
func BenchmarkSignOutToFrame(b *testing.B) {
	w := logintest.New(b)
	face := oauth.New(oauth.Config{Issuer: w.Issuer, Login: w.Service, Hub: w.Hub, Log: slog.New(slog.DiscardHandler)})
	server := httptest.NewServer(face.Handler())
	defer server.Close()
	ada := w.Join("Ada")
	for b.Loop() {
		b.StopTimer()
		tok := w.SignIn(ada, logintest.App, logintest.NoKey)
		desk := connectBench(b, server.URL, wire.ClientFrame{Type: wire.FrameHello, AccessToken: tok.Access.Reveal()})
		session := w.Sessions(ada)[0]
		b.StartTimer()
		if err := w.SignOutComputer(b.Context(), ada.Visitor(), session.ID); err != nil {
			b.Fatal(err)
		}
		awaitBench(b, desk, wire.StateSignedOut)
		b.StopTimer()
		desk.Close()
		b.StartTimer()
	}
}

// connectBench is a desktop that waits, with its first snapshot read.
func connectBench(b *testing.B, address string, hello wire.ClientFrame) *websocket.Conn {
	b.Helper()
	conn, _, err := websocket.DefaultDialer.DialContext(b.Context(), "ws"+strings.TrimPrefix(address, "http")+wire.PathPush, nil)
	if err != nil {
		b.Fatal(err)
	}
	if err := conn.WriteJSON(hello); err != nil {
		b.Fatal(err)
	}
	var snap wire.Snapshot
	if err := conn.ReadJSON(&snap); err != nil {
		b.Fatal(err)
	}
	return conn
}

func awaitBench(b *testing.B, desk *websocket.Conn, state wire.State) {
	b.Helper()
	for {
		var snap wire.Snapshot
		if err := desk.ReadJSON(&snap); err != nil {
			b.Fatal(err)
		}
		if snap.State == state {
			return
		}
	}
}
