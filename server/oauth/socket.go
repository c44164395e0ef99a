package oauth

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/push"
	"github.com/qrauthd/qrauthd/internal/wire"
)

const (
	writeTimeout = 5 * time.Second
	closeTimeout = 2 * time.Second // for the peer to answer a close frame
)

// heartbeat is how a socket whose desktop has vanished is found out.
type heartbeat struct{ ping, pong time.Duration }

// steady lets two pings and a slow network pass before it gives a desktop up.
var steady = heartbeat{ping: 30 * time.Second, pong: 75 * time.Second}

// socket is one desktop's push channel, whatever it is about. While nothing happens
// it is one goroutine, blocked in a read, and one timer. A writer lives only while
// there is something to write: whoever wakes the socket starts it if none is running,
// and what comes meanwhile is a slot of one, so that a slow desktop holds up nobody
// and gets the newest state.
type socket struct {
	face    *Face
	conn    *websocket.Conn
	address netip.Addr
	free    func(netip.Addr) // frees its place in a gauge of its address; nil: it has none

	about subject            // set by hello
	sub   *push.Subscription // set by hello

	mu      sync.Mutex
	dirty   bool        // something may have changed; guarded by mu
	writing bool        // a writer is running; guarded by mu
	closing bool        // a close frame is on its way; guarded by mu
	timer   *time.Timer // fires when a ping is due, or what was told may hold no more; guarded by mu

	// The writer's own: only one runs at a time.
	told     int64 // the newest seq that the desktop has
	nextPing time.Time
}

func newSocket(f *Face, conn *websocket.Conn, address netip.Addr) *socket {
	conn.SetReadLimit(wire.MaxHello) // whatever becomes of it
	return &socket{face: f, conn: conn, address: address}
}

// refuse closes a socket that is not to be served.
func (s *socket) refuse(code int) {
	defer s.leave()
	s.close(ending{code, "over budget"})
	s.drain()
}

// serve reads until the conversation ends.
func (s *socket) serve() {
	defer s.leave()
	if greeted, err := s.converse(); s.fail(err, greeted) {
		s.drain()
	}
}

// drain reads what the peer was still sending, until its own close frame or the
// end of its time. A connection that is closed with bytes unread is reset, and the
// peer might never read the close code.
func (s *socket) drain() {
	for {
		if _, _, err := s.conn.ReadMessage(); err != nil {
			return
		}
	}
}

// fail ends the conversation for an error, and reports whether the peer is still
// there to be told.
func (s *socket) fail(err error, greeted bool) bool {
	e := endingOf(err, greeted)
	if e.code == wire.CloseServerError {
		s.face.Log.Error("push channel", slog.String("about", s.name()), slog.Any("error", err))
	}
	return e.code != 0 && s.close(e)
}

// extend gives the desktop until the next pong but one.
func (s *socket) extend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		_ = s.conn.SetReadDeadline(time.Now().Add(s.face.heartbeat.pong))
	}
}

// close tells the peer how the conversation ends and gives it a moment to answer.
// It reports whether it was the first to do so.
func (s *socket) close(e ending) bool {
	s.mu.Lock()
	first := !s.closing
	s.closing = true
	if first && s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	if !first {
		return false
	}
	deadline := time.Now().Add(closeTimeout)
	_ = s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(e.code, e.reason), deadline)
	_ = s.conn.SetReadDeadline(deadline)
	return true
}

// hold notes how the place that the socket now has is freed, and frees the one before.
func (s *socket) hold(free func(netip.Addr)) {
	if s.free != nil {
		s.free(s.address)
	}
	s.free = free
}

// leave frees all that the socket held.
func (s *socket) leave() {
	s.mu.Lock()
	s.closing = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	if s.sub != nil {
		s.sub.Close()
	}
	s.hold(nil)
	s.face.sockets.remove(s, s.name())
	_ = s.conn.Close()
}
