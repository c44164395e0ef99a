package oauth

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/push"
	"github.com/qrauthd/qrauthd/internal/wire"
)

const (
	// sendBuffer is what the kernel keeps of a socket that does not read, in bytes. By
	// itself it would keep megabytes. An hour of news fits in.
	sendBuffer   = 16 << 10
	closeTimeout = 2 * time.Second // for the peer to answer a close frame
)

// heartbeat is how a socket whose desktop has vanished is found out.
type heartbeat struct {
	ping, pong time.Duration
	// send is for the kernel to take what is sent. It does so at once, unless sendBuffer
	// is full, or the machine is so busy that the writer itself has to wait. Who has not
	// read for that long is cut off: the crew is shared, and a few that never read must
	// not keep it from the others.
	send time.Duration
	// pause is the time between two pings that are answered, at least. Those that a
	// stranger can have answered in the life of a grant fit into sendBuffer.
	pause time.Duration
}

// steady lets two pings and a slow network pass before it gives a desktop up.
var steady = heartbeat{ping: 30 * time.Second, pong: 75 * time.Second, send: time.Second, pause: 5 * time.Second}

// socket is one desktop's push channel, whatever it is about. It must cost little:
// while nothing happens it is one goroutine, blocked in a read, and one timer. All that
// takes a stack is done elsewhere, by the face's crew: the hello, and the writing, which
// is somebody's only while there is something to write. What comes meanwhile is a slot
// of one, so that a slow desktop holds up nobody and gets the newest state.
type socket struct {
	face    *Face
	conn    *websocket.Conn
	address netip.Addr
	free    func(netip.Addr) // frees its place in a gauge of its address; nil: it has none

	about subject            // set by hello
	sub   *push.Subscription // set by hello

	mu      sync.Mutex
	news    bool        // something may have changed; guarded by mu
	due     bool        // something is due by the clock; guarded by mu
	writing bool        // a writer is at work; guarded by mu
	sent    hurry       // with which one was sent for that has not come yet; guarded by mu
	closing bool        // a close frame is on its way; guarded by mu
	pongs   *pongs      // nil: no ping has come; guarded by mu
	timer   *time.Timer // fires when a ping is due, or what was told may hold no more; guarded by mu

	// The writer's own: only one is at work at a time.
	told     int64     // the newest seq that the desktop has
	holds    time.Time // until then what was told holds, if nothing happens
	nextPing time.Time
}

func newSocket(f *Face, conn *websocket.Conn, address netip.Addr) *socket {
	s := &socket{face: f, conn: conn, address: address}
	conn.SetReadLimit(wire.MaxHello) // whatever becomes of it
	conn.SetPingHandler(s.pong)
	boundSendBuffer(conn.NetConn())
	return s
}

// boundSendBuffer is about memory only: where it cannot be had, nothing else breaks.
func boundSendBuffer(conn net.Conn) {
	for {
		if c, ok := conn.(interface{ SetWriteBuffer(bytes int) error }); ok {
			_ = c.SetWriteBuffer(sendBuffer)
			return
		}
		outer, ok := conn.(interface{ NetConn() net.Conn }) // a tls.Conn, or what bounds their number
		if !ok {
			return
		}
		conn = outer.NetConn()
	}
}

// refuse closes a socket that is not to be served.
func (s *socket) refuse(code int) {
	defer s.leave()
	s.close(ending{code, "over budget"})
	s.drain()
}

// end is the end of the reader, for an error.
func (s *socket) end(err error, greeted bool) {
	defer s.leave()
	s.fail(err, greeted)
	s.drain()
}

// drain reads what the peer was still sending, until its own close frame or the
// end of its time. A connection that is closed with bytes unread is reset, and the
// peer might never read the close code. After an error of the connection there is
// nothing to read, and it returns at once.
func (s *socket) drain() {
	for {
		if _, _, err := s.conn.NextReader(); err != nil {
			return
		}
	}
}

// fail ends the conversation for an error. The peer is told, if it is still there.
func (s *socket) fail(err error, greeted bool) {
	e := endingOf(err, greeted)
	if e.code != 0 && s.close(e) && e.code == wire.CloseServerError {
		s.face.Log.Error("push channel", slog.String("about", s.name()), slog.Any("error", err))
	}
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
	if !s.shut() {
		return false
	}
	_ = s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(e.code, e.reason), time.Now().Add(s.face.send))
	_ = s.conn.SetReadDeadline(time.Now().Add(closeTimeout))
	return true
}

// shut has nothing more told, and reports whether it was the first to do so.
func (s *socket) shut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.closing
	s.closing = true
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.pongs != nil {
		s.pongs.stop()
	}
	return first
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
	s.shut()
	if s.sub != nil {
		s.sub.Close()
	}
	s.hold(nil)
	s.face.sockets.remove(s, s.name())
	_ = s.conn.Close()
}

// name is the subject's, once there is one.
func (s *socket) name() string {
	if s.about == nil {
		return ""
	}
	return s.about.name()
}
