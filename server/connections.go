package server

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// connections bounds how many there are at a time, sockets of the push channel
// included, so that neither files nor memory run out, and nobody can take all of them
// by holding on. Where there is room for no more, one makes room for who comes: of
// those of which no whole request is here, its body included, or of those that are kept
// alive and idle, whichever are more, the one that has been so for longest. A flood of
// the ones thus pushes out itself and not the others. It is never one whose request is
// being answered, and never a socket; to be turned away by a gate is no answer.
type connections struct {
	net.Listener // nil: embedded, and nothing is bounded
	most         int
	log          *slog.Logger
	shedding     seldom // that there is no room

	mu      sync.Mutex
	fresh   ring // those of which no whole request is here; guarded by mu, as all that follows
	idle    ring // those that are kept alive
	open    int
	sockets int
	shed    uint64 // closed to make room, or for want of it
}

// socketShare is the part of all connections, in eighths, that sockets of the push
// channel may be: they stay for as long as they like, and phones need some too.
const socketShare = 7

// connectionsEvery is how often, at most, the log tells that there are too many.
const connectionsEvery = time.Minute

// newConnections bounds those of the listener to most.
func newConnections(l net.Listener, most int, log *slog.Logger) *connections {
	c := &connections{Listener: l, most: most, log: log, shedding: seldom{every: connectionsEvery}}
	c.fresh.open()
	c.idle.open()
	return c
}

// connection is one of them.
type connection struct {
	net.Conn
	of *connections

	// What follows is guarded by the mutex of connections.
	in            *ring // nil: it has a request, or is a socket
	before, after *connection
	home          *ring // in which it is while nothing is answered; nil: it is a socket, or closed
	coming        int   // requests of which a part is missing, or that were turned away
	answering     int   // requests that are here; over HTTP/2 there may be many of either kind
	socket        bool
	closed        bool
}

// Accept implements net.Listener.
func (c *connections) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		switch {
		case err == nil && c.room():
			return c.add(conn), nil
		case err == nil:
			_ = conn.Close()
		case !outOfFiles(err) || !c.part():
			return nil, err
		}
	}
}

// outOfFiles reports whether somebody else in the process took what was left for us.
func outOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// room reports whether there is some for one more, and makes it if that is possible.
func (c *connections) room() bool {
	c.mu.Lock()
	full := c.open >= c.most
	c.mu.Unlock()
	return !full || c.part()
}

// part closes the connection that is to make room. It reports false when there is none.
func (c *connections) part() bool {
	if c.shedding.due(time.Now()) {
		c.log.Warn("more connections than there is room for: the ones that are idle for longest are closed; see docs/operating.md", "room", c.most)
	}
	c.mu.Lock()
	c.shed++
	longest := c.fresh.first()
	if c.idle.size > c.fresh.size {
		longest = c.idle.first()
	}
	if longest == nil {
		c.mu.Unlock()
		return false
	}
	longest.leave()
	longest.home = nil
	c.mu.Unlock()
	_ = longest.Close() // whoever reads from it is told
	return true
}

func (c *connections) add(conn net.Conn) *connection {
	k := &connection{Conn: conn, of: c}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open++
	k.live(&c.fresh)
	return k
}

// turn is the http.Server's ConnState. A connection is told to be active when the headers
// of a request have been read to their end. It is still fresh then, until all of the
// request is here.
func (c *connections) turn(conn net.Conn, to http.ConnState) {
	k := plain(conn)
	if k == nil || to == http.StateNew || to == http.StateClosed {
		return // New is as it was added, and Close is told by itself
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	k.leave()
	switch {
	case k.closed:
	case to == http.StateActive:
		k.live(&c.fresh)
	case to == http.StateIdle:
		k.live(&c.idle)
	case to == http.StateHijacked:
		k.home, k.socket = nil, true
		c.sockets++
	}
}

// live has it in a ring while nothing is answered. The caller holds the mutex.
func (k *connection) live(r *ring) {
	k.home = r
	if k.answering == 0 {
		k.join(r)
	}
}

// plain is the connection below TLS; nil: it is none of ours.
func plain(conn net.Conn) *connection {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	k, _ := conn.(*connection)
	return k
}

// connectionKey is that of the connection in a request's context.
type connectionKey struct{}

// with is the http.Server's ConnContext: it has requests know their connection.
func (c *connections) with(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, plain(conn))
}

// connectionOf is the request's; nil where nobody knows it.
func connectionOf(r *http.Request) *connection {
	k, _ := r.Context().Value(connectionKey{}).(*connection)
	return k
}

// note counts so many more requests that are coming, and that are being answered. Nil is
// none of ours.
func (k *connection) note(coming, answering int) {
	if k == nil {
		return
	}
	k.of.mu.Lock()
	defer k.of.mu.Unlock()
	k.coming += coming
	k.answering += answering
	switch {
	case k.answering > 0:
		k.leave()
	case k.in != nil || k.home == nil:
	case k.home == &k.of.idle || k.coming > 0: // else an answer may be on its way, and it is idle or closed after that
		k.join(k.home)
	}
}

// noSockets reports that sockets have their share already.
func (c *connections) noSockets() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Listener != nil && c.sockets >= c.most*socketShare/8
}

// count is how many there are, and how many were closed for want of room.
func (c *connections) count() (open int, shed uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open, c.shed
}

// NetConn is the connection itself, as that of a tls.Conn, for who sets it up.
func (k *connection) NetConn() net.Conn { return k.Conn }

// CloseWrite ends what is written and goes on reading, as net/http wants of a connection
// before it closes one from which something is still coming: or the peer's system throws
// the answer away.
func (k *connection) CloseWrite() error {
	if half, ok := k.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close implements net.Conn.
func (k *connection) Close() error {
	k.end()
	return k.Conn.Close()
}

func (k *connection) end() {
	c := k.of
	c.mu.Lock()
	defer c.mu.Unlock()
	if k.closed {
		return
	}
	k.closed, k.home = true, nil
	k.leave()
	c.open--
	if k.socket {
		c.sockets--
	}
}

// ring has connections in the order in which they joined it.
type ring struct {
	size int
	end  connection // between the last and the first
}

func (r *ring) open() { r.end.before, r.end.after = &r.end, &r.end }

// first is nil when there is none.
func (r *ring) first() *connection {
	if r.size == 0 {
		return nil
	}
	return r.end.after
}

// join puts the connection at the end of a ring.
func (k *connection) join(r *ring) {
	k.in, k.before, k.after = r, r.end.before, &r.end
	k.before.after, r.end.before = k, k
	r.size++
}

// leave takes it out of its ring, if it is in one.
func (k *connection) leave() {
	if k.in == nil {
		return
	}
	k.in.size--
	k.before.after, k.after.before = k.after, k.before
	k.in, k.before, k.after = nil, nil, nil
}
