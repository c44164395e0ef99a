package server

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/gate"
)

// inn is a server with room for so many connections, and how to reach it.
type inn struct {
	*connections
	t *testing.T
}

// open serves the handler where there is room for most connections.
func open(t *testing.T, most int, h http.Handler) inn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return openOn(t, newConnections(l, most, slog.New(slog.DiscardHandler)), h, nil)
}

func openOn(t *testing.T, c *connections, h http.Handler, keys *tls.Config) inn {
	t.Helper()
	s := &http.Server{Handler: attended(h), ConnState: c.turn, ConnContext: c.with, TLSConfig: keys, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	served := make(chan error, 1)
	go func() { served <- serveOn(s, c) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return inn{c, t}
}

// attended tells the connection of each request what the observer would.
func attended(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := newRecorder(w, r)
		defer rec.end()
		h.ServeHTTP(rec, r)
	})
}

// caller is one connection to it.
type caller struct {
	net.Conn
	in *bufio.Reader
	t  *testing.T
}

func (h inn) call() caller {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.Addr().String())
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = conn.Close() })
	return caller{conn, bufio.NewReader(conn), h.t}
}

// ask sends a request and returns the status.
func (c caller) ask() int {
	c.t.Helper()
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	r, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, r.Body)
	_ = r.Body.Close()
	return r.StatusCode
}

// ended waits for the server to close the connection.
func (c caller) ended() {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	_, err := io.Copy(io.Discard, c.in)
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		c.t.Error("the connection was left open")
	}
}

// reach waits until there are so many.
func (h inn) reach(want int) {
	h.t.Helper()
	h.await(func() bool { return h.open == want })
}

// settle waits until so many have never sent a request, and so many are idle: an answer
// is out before its connection is known to be idle.
func (h inn) settle(fresh, idle int) {
	h.t.Helper()
	h.await(func() bool { return h.fresh.size == fresh && h.idle.size == idle })
}

func (h inn) await(holds func() bool) {
	h.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; {
		h.mu.Lock()
		held, open, fresh, idle := holds(), h.open, h.fresh.size, h.idle.size
		h.mu.Unlock()
		if held {
			return
		}
		if time.Now().After(end) {
			h.t.Fatalf("%d connections, %d fresh, %d idle", open, fresh, idle)
		}
	}
}

var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })

func TestWhoHasBeenWithoutARequestForLongestMakesRoom(t *testing.T) {
	h := open(t, 3, hello)
	idle := h.call()
	idle.ask()
	h.settle(0, 1)
	silent := h.call()
	h.settle(1, 1)
	dribbling := h.call()
	fmt.Fprint(dribbling, "GET / HT")
	h.settle(2, 1)
	for n, quiet := range []caller{silent, idle} {
		newest := h.call()
		if got := newest.ask(); got != http.StatusOK {
			t.Errorf("newcomer %d: got %d", n, got)
		}
		quiet.ended()
		h.settle(1, 2)
	}
	if _, shed := h.count(); shed != 2 {
		t.Errorf("%d were closed, want 2", shed)
	}
}

func TestAFloodOfTheSilentPushesOutItself(t *testing.T) {
	h := open(t, 6, hello)
	idle := h.call()
	idle.ask()
	h.settle(0, 1)
	for range 50 {
		h.call()
	}
	h.await(func() bool { return h.shed == 45 })
	if got := idle.ask(); got != http.StatusOK {
		t.Errorf("who is kept alive: got %d", got)
	}
}

func TestAFloodOfTheIdlePushesOutItself(t *testing.T) {
	h := open(t, 6, hello)
	newcomer := h.call()
	h.settle(1, 0)
	for n := range 50 {
		h.call().ask()
		h.settle(1, min(n+1, 5))
	}
	if got := newcomer.ask(); got != http.StatusOK {
		t.Errorf("who is about to ask: got %d", got)
	}
}

func TestWhoAsksAgainIsNotTheLongest(t *testing.T) {
	h := open(t, 2, hello)
	first := h.call()
	first.ask()
	h.settle(0, 1)
	second := h.call()
	second.ask()
	h.settle(0, 2)
	first.ask()
	h.settle(0, 2)
	h.call().ask()
	second.ended()
	if got := first.ask(); got != http.StatusOK {
		t.Errorf("who had asked last: got %d", got)
	}
}

func TestNobodyWhoseRequestIsBeingAnsweredMakesRoom(t *testing.T) {
	entered, answer := make(chan bool), make(chan bool)
	h := open(t, 2, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entered <- true
		<-answer
		hello(w, r)
	}))
	done := make(chan int, 2)
	for range 2 {
		c := h.call()
		go func() { done <- c.ask() }()
		<-entered
	}
	h.call().ended() // there is nothing to close for it
	close(answer)
	for range 2 {
		if got := <-done; got != http.StatusOK {
			t.Errorf("got %d", got)
		}
	}
}

// admitted is behind a gate as all that reads a body is.
func admitted(g *gate.Gate, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := g.Admit(w, r)
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		defer v.End()
		h.ServeHTTP(v, r)
	})
}

// stall sends a request and a part of its body.
func (c caller) stall() {
	fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ng")
}

func TestWhoseBodyDoesNotComeMakesRoom(t *testing.T) {
	for name, h := range map[string]http.Handler{
		"behind a gate":   admitted(gate.New(gate.Bounds{Places: 100}), hello),
		"where none is":   hello, // the server itself reads to the body's end then
		"on a slow route": http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }),
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, 5, h)
			var held []caller
			for range 5 {
				c := h.call()
				c.stall()
				held = append(held, c)
			}
			h.settle(5, 0)
			for range 5 {
				if got := h.call().ask(); got != http.StatusOK {
					t.Errorf("who comes: got %d", got)
				}
			}
			held[0].ended()
			held[1].ended()
		})
	}
}

func TestARefusalThatIsKeptBackMakesRoom(t *testing.T) {
	var full atomic.Bool
	full.Store(true)
	h := open(t, 3, admitted(gate.New(gate.Bounds{Places: 9, Line: 9, Closed: full.Load, Hold: time.Hour}), hello))
	for range 3 {
		fmt.Fprint(h.call(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	h.await(func() bool { return h.coming() == 3 })
	full.Store(false)
	if got := h.call().ask(); got != http.StatusOK {
		t.Errorf("who comes: got %d", got)
	}
}

// coming is how many requests are not there, or were turned away. The caller holds mu.
func (c *connections) coming() (n int) {
	for k := c.fresh.end.after; k != &c.fresh.end; k = k.after {
		n += k.coming
	}
	return n
}

func TestARequestWithABodyIsAnsweredInPeace(t *testing.T) {
	entered, answer := make(chan bool), make(chan bool)
	h := open(t, 1, admitted(gate.New(gate.Bounds{Places: 9}), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entered <- true
		<-answer
		hello.ServeHTTP(w, r)
	})))
	c := h.call()
	fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\ng")
	<-entered
	h.call().ended() // there is nothing to close for it
	close(answer)
	if r, err := http.ReadResponse(c.in, nil); err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("got %v, %v", r, err)
	}
}

// Over HTTP/2 a connection has many requests: it makes room when none of them is being
// answered and one does not come.
func TestManyRequestsOfOneConnection(t *testing.T) {
	c := newConnections(nil, 2, slog.New(slog.DiscardHandler))
	k := c.add(nil)
	where := func(what string, want *ring) {
		t.Helper()
		if k.in != want {
			t.Errorf("%s: it is in the wrong ring", what)
		}
	}
	where("new", &c.fresh)
	c.turn(k, http.StateActive)
	k.note(1, 0)
	where("a body that does not come", &c.fresh)
	k.note(0, 1)
	where("and one that is answered", nil)
	k.note(0, 1)
	k.note(0, -1)
	where("one answered, another still to be", nil)
	k.note(0, -1)
	where("both answered", &c.fresh)
	k.note(-1, 1)
	where("the body has come", nil)
	k.note(0, -1)
	where("its answer is on its way", nil)
	c.turn(k, http.StateIdle)
	where("idle", &c.idle)
	k.note(0, 1)
	where("a request that was cancelled, and is still looked at", nil)
	k.note(0, -1)
	where("and no more", &c.idle)
	k.end()
	k.note(0, 1)
	k.note(1, -1)
	where("closed", nil)
}

func TestSocketsLeaveRoomForOthersAndAreNeverClosed(t *testing.T) {
	taken := make(chan net.Conn)
	h := open(t, 8, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
		}
		taken <- conn
	}))
	var sockets []net.Conn
	var callers []caller
	for range 7 {
		if h.noSockets() {
			t.Fatalf("no more than %d sockets", len(sockets))
		}
		c := h.call()
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		sockets, callers = append(sockets, <-taken), append(callers, c)
	}
	if !h.noSockets() {
		t.Error("there may be more sockets than their share")
	}
	quiet := h.call()
	h.reach(8)
	h.call()
	quiet.ended()
	for i, s := range sockets {
		if _, err := io.WriteString(s, "!"); err != nil {
			t.Errorf("socket %d: %v", i, err)
		}
		if b, err := callers[i].in.ReadByte(); err != nil || b != '!' {
			t.Errorf("socket %d: got %q, %v", i, b, err)
		}
		_ = s.Close()
		_ = s.Close()
	}
	if h.noSockets() {
		t.Error("sockets that have ended count")
	}
	h.reach(1)
}

func TestOverTLSAsWell(t *testing.T) {
	s := httptest.NewUnstartedServer(hello)
	s.StartTLS()
	defer s.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := openOn(t, newConnections(l, 2, slog.New(slog.DiscardHandler)), hello, &tls.Config{Certificates: s.TLS.Certificates})
	silent := h.call()
	h.reach(1)
	way := s.Client().Transport.(*http.Transport).TLSClientConfig
	for _, protocols := range [][]string{{"http/1.1"}, {"h2"}} {
		transport := &http.Transport{TLSClientConfig: way.Clone(), ForceAttemptHTTP2: true}
		transport.TLSClientConfig.NextProtos, transport.TLSClientConfig.ServerName = protocols, "example.com"
		c := &http.Client{Transport: transport}
		for range 2 {
			if status, _ := get(t, c, "https://"+h.Addr().String()); status != http.StatusOK {
				t.Errorf("%s: got %d", protocols, status)
			}
		}
		defer transport.CloseIdleConnections()
	}
	silent.ended()
	h.reach(2)
}

// fileless is a listener that finds no file for the next connection, once it is short.
type fileless struct {
	net.Listener
	short atomic.Bool
}

func (f *fileless) Accept() (net.Conn, error) {
	conn, err := f.Listener.Accept()
	if err == nil && f.short.CompareAndSwap(true, false) {
		_ = conn.Close()
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return conn, err
}

func TestAQuietConnectionMakesRoomWhenFilesRunOut(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	short := &fileless{Listener: l}
	c := newConnections(short, 100, slog.New(slog.DiscardHandler))
	h := openOn(t, c, hello, nil)
	silent := h.call()
	h.reach(1)
	short.short.Store(true)
	h.call().ended()
	silent.ended()
	if got := h.call().ask(); got != http.StatusOK {
		t.Errorf("who comes then: got %d", got)
	}
}

func TestRoomForConnections(t *testing.T) {
	for _, tc := range []struct {
		name              string
		files, wish, want int
	}{
		{"some files are ours", 20_000, 0, 19_744},
		{"the operator wants fewer", 20_000, 5_000, 5_000},
		{"the operator wants more than there are", 1024, 5_000, 768},
		{"few files", 100, 0, 75},
		{"no limit on files", noLimit, 65_536, 65_536},
	} {
		if got := roomFor(tc.files, tc.wish); got != tc.want {
			t.Errorf("%s: got %d, want %d", tc.name, got, tc.want)
		}
	}
	if n := filesAllowed(); n < 64 {
		t.Errorf("%d files are allowed to this process", n)
	}
}

func TestAStormOfConnectionsLeavesNoneBehind(t *testing.T) {
	h := open(t, 16, hello)
	var work sync.WaitGroup
	for n := range 32 {
		work.Go(func() {
			for range 50 {
				conn, err := net.Dial("tcp", h.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				if n%2 == 0 {
					fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				}
				_ = conn.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
				_, _ = io.Copy(io.Discard, conn)
				_ = conn.Close()
			}
		})
	}
	work.Wait()
	h.reach(0)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fresh.first() != nil || h.idle.first() != nil {
		t.Error("the rings are not empty")
	}
}

// BenchmarkTurn is what a request costs on a connection that is kept alive.
func BenchmarkTurn(b *testing.B) {
	c := newConnections(nil, 1000, slog.New(slog.DiscardHandler))
	for range 500 {
		c.add(nil)
	}
	k := c.add(nil)
	b.ReportAllocs()
	for b.Loop() {
		c.turn(k, http.StateActive)
		c.turn(k, http.StateIdle)
	}
}
