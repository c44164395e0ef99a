package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// hasty is a demo whose patience with slow peers is short.
func hasty(t *testing.T) *Server {
	t.Helper()
	s, err := New(t.Context(), demoConfig(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	web := s.webServer()
	web.ReadHeaderTimeout, web.ReadTimeout = 100*time.Millisecond, 200*time.Millisecond
	web.WriteTimeout, web.IdleTimeout = 200*time.Millisecond, 100*time.Millisecond
	served := make(chan error, 1)
	go func() { served <- serveOn(web, s.connections) }()
	t.Cleanup(func() {
		if err := web.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// dribble sends a byte a millisecond, until the other side has had enough.
func dribble(conn net.Conn, begin string) error {
	_, err := io.WriteString(conn, begin)
	pace := time.NewTicker(time.Millisecond)
	defer pace.Stop()
	for err == nil {
		<-pace.C
		_, err = io.WriteString(conn, "a")
	}
	return err
}

func TestPatienceWithSlowPeersEnds(t *testing.T) {
	s := hasty(t)
	for name, send := range map[string]func(net.Conn) error{
		"who sends nothing":               func(net.Conn) error { return nil },
		"who sends half of a header":      func(c net.Conn) error { _, err := io.WriteString(c, "GET / HTTP/1.1\r\nX-A: "); return err },
		"who sends headers byte by byte":  func(c net.Conn) error { return dribble(c, "GET / HTTP/1.1\r\nX-A: ") },
		"who never sends the body":        func(c net.Conn) error { return slowForm(c, "") },
		"who sends half of a body":        func(c net.Conn) error { return slowForm(c, "client_id=desk") },
		"who sends the body byte by byte": func(c net.Conn) error { return dribbled(c) },
		"who is idle after an answer": func(c net.Conn) error {
			_, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", s.addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = send(conn) // an error is the server's having had enough
			caller{conn, bufio.NewReader(conn), t}.ended()
		})
	}
}

// slowForm is a start whose body does not come to its end.
func slowForm(conn net.Conn, part string) error {
	_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\n%s",
		wire.PathDeviceAuthorization, part)
	return err
}

func dribbled(conn net.Conn) error {
	if err := slowForm(conn, ""); err != nil {
		return err
	}
	return dribble(conn, "")
}

// Requests without end whose answers nobody takes: the server's buffers fill up, and
// then it has had enough.
func TestPatienceWithWhoReadsNothingEnds(t *testing.T) {
	s := hasty(t)
	conn, err := net.Dial("tcp", s.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	page := "GET /device HTTP/1.1\r\nHost: x\r\n\r\n"
	_ = conn.SetWriteDeadline(time.Now().Add(30 * time.Second))
	for err == nil {
		_, err = io.WriteString(conn, page)
	}
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		t.Error("the connection was left open")
	}
	for end := time.Now().Add(30 * time.Second); ; {
		if open, _ := s.connections.count(); open == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the connection was left open")
		}
	}
	for name, g := range s.gates.ByName() {
		if got := g.Census(); got.In != 0 || got.Waiting != 0 {
			t.Errorf("%s: got %+v, want nobody left", name, got)
		}
	}
}

// There are more of them than places.
func TestWhoSendsNoBodyHoldsNoPlace(t *testing.T) {
	s := run(t, demoConfig(t), nil)
	for range 200 {
		conn, err := net.Dial("tcp", s.addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := slowForm(conn, "client_id="); err != nil {
			t.Fatal(err)
		}
	}
	start(t, newClient(t, nil), s.Issuer())
	if got := s.gates.Starts.Census(); got.Shed != 0 {
		t.Errorf("got %+v, want nobody turned away", got)
	}
}

// The whole server: bodies that do not come hold all connections there are, and keep
// nobody out.
func TestABodyThatDoesNotComeOnEachConnectionKeepsNobodyOut(t *testing.T) {
	c := demoConfig(t)
	c.Limits.Connections = 50
	s := run(t, c, nil)
	for range 50 {
		conn, err := net.Dial("tcp", s.addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := slowForm(conn, "client_id="); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(30 * time.Second); ; {
		if open, _ := s.connections.count(); open == 50 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("they did not come")
		}
	}
	for range 20 {
		if status, _ := get(t, newClient(t, nil), s.Issuer()+"/device"); status != http.StatusOK {
			t.Errorf("a phone: got %d", status)
		}
	}
}

func TestTheMetricsTellOfGatesAndConnections(t *testing.T) {
	c := demoConfig(t)
	c.MetricsListen = "localhost:0"
	s := run(t, c, nil)
	start(t, newClient(t, nil), s.Issuer())
	_, body := get(t, newClient(t, nil), "http://"+s.metricsListener.Addr().String()+wire.PathMetrics)
	for _, want := range []string{
		`qrauthd_shed_total{gate="starts"} 0`, `qrauthd_in_flight{gate="decisions"} 0`, `qrauthd_in_line{gate="tokens"} 0`,
		`qrauthd_connections 1`, `qrauthd_connections_shed_total 0`,
	} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
}
