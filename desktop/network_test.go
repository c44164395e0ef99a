package desktop_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
)

// network is a wire in memory, for tests in a bubble of fake time. Cut it, and
// nothing gets through.
type network struct {
	conns  chan net.Conn
	closed chan struct{}
	server *http.Server

	mu    sync.Mutex // guards what follows
	cut   bool
	why   error // of a dial, while it is cut
	alive []net.Conn
}

var errCut = errors.New("network is unreachable")

// plug serves the fake on a network of its own. It ends with the test.
func (f *fake) plug(t testing.TB) *network { return f.plugHandler(t, f) }

func (f *fake) plugHandler(t testing.TB, h http.Handler) *network {
	if f.issuer == "" {
		f.issuer = "http://localhost:8080"
	}
	n := &network{conns: make(chan net.Conn), closed: make(chan struct{})}
	n.server = &http.Server{Handler: h}
	served := make(chan struct{})
	go func() { defer close(served); _ = n.server.Serve(n) }()
	t.Cleanup(func() { n.setCut(true); n.server.Close(); <-served })
	return n
}

// transport dials the network.
func (n *network) transport(t testing.TB) *http.Transport {
	tr := &http.Transport{DialContext: n.dial}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case <-n.closed:
	default:
		close(n.closed)
	}
	return nil
}

func (n *network) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

// setCut cuts the network, which kills what is connected, or mends it.
func (n *network) setCut(cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut, n.why = cut, errCut
	if cut {
		for _, c := range n.alive {
			c.Close()
		}
		n.alive = nil
	}
}

// refuse cuts the network, and a dial fails as a system's does.
func (n *network) refuse() {
	n.setCut(true)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.why = &net.OpError{Op: "dial", Net: "tcp", Err: errCut}
}

func (n *network) dial(context.Context, string, string) (net.Conn, error) {
	n.mu.Lock()
	cut, why := n.cut, n.why
	n.mu.Unlock()
	if cut {
		return nil, why
	}
	near, far := net.Pipe()
	select {
	case n.conns <- far:
	case <-n.closed:
		return nil, errCut
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.alive = append(n.alive, near, far)
	return near, nil
}
