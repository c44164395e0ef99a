package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/push"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
	"github.com/qrauthd/qrauthd/internal/secret"
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

// socket is one desktop's push channel. While nothing happens it is one
// goroutine, blocked in a read, and one timer. A writer lives only while there is
// something to write: whoever wakes the socket starts it if none is running, and
// what comes meanwhile is a slot of one, so that a slow desktop holds up nobody
// and gets the newest state.
type socket struct {
	face    *Face
	conn    *websocket.Conn
	address netip.Addr
	counted bool // holds a place in the gauge of its address

	id  auth.GrantID       // set by hello
	sub *push.Subscription // set by hello

	mu      sync.Mutex
	dirty   bool        // something may have changed; guarded by mu
	writing bool        // a writer is running; guarded by mu
	closing bool        // a close frame is on its way; guarded by mu
	timer   *time.Timer // fires when a ping, a rotation or the expiry is due; guarded by mu

	// The writer's own: only one runs at a time.
	told     int64 // the newest seq that the desktop has
	nextPing time.Time
}

func newSocket(f *Face, conn *websocket.Conn, address netip.Addr) *socket {
	conn.SetReadLimit(wire.MaxClientFrame) // whatever becomes of it
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
		s.face.Log.Error("push channel", slog.String("grant", string(s.id)), slog.Any("error", err))
	}
	return e.code != 0 && s.close(e)
}

func (s *socket) converse() (greeted bool, err error) {
	_ = s.conn.SetReadDeadline(time.Now().Add(wire.HelloTimeout))
	hello, err := s.read()
	if err != nil {
		return false, err
	}
	if hello.Type != wire.FrameHello {
		return false, errNotHello
	}
	client := auth.ClientID(hello.ClientID)
	if err := s.attach(client, secret.From(hello.DeviceCode)); err != nil {
		return true, err
	}
	hello = wire.ClientFrame{} // this goroutine stays for minutes; the code need not
	return true, s.listen(client)
}

// attach binds the socket to its grant: subscribe first, then read the state, so
// that nothing falls between. A wrong device code is a guess and costs one; a right one
// costs nothing, so that nobody is kept out by the guesses of a neighbour.
func (s *socket) attach(client auth.ClientID, deviceCode secret.Text) error {
	f := s.face
	g, err := f.Login.Attach(context.Background(), client, deviceCode)
	if errors.Is(err, login.ErrUnknownCode) && f.guesses.Take(time.Now(), s.address) > 0 {
		return errGuesses
	}
	if err != nil {
		return err
	}
	s.id = g.ID
	if oldest := f.sockets.bind(s, g.ID); oldest != nil {
		oldest.close(ending{wire.CloseReplaced, "replaced by a newer connection"})
	}
	s.extend()
	s.conn.SetPongHandler(func(string) error { s.extend(); return nil })
	s.nextPing = time.Now().Add(f.heartbeat.ping)
	s.sub = f.Hub.Subscribe(g.ID, s.wake)
	s.wake()
	return nil
}

// listen takes what the desktop says after hello.
func (s *socket) listen(client auth.ClientID) error {
	frames := ratelimit.New(s.face.Limits.Frames)
	for {
		frame, err := s.read()
		switch {
		case err != nil:
			return err
		case frames.Take(time.Now(), "") > 0:
			return errFrames
		case frame.Type != wire.FrameCancel:
			return errNotHello
		}
		if err := s.face.Login.Cancel(context.Background(), client, s.id); err != nil {
			return err
		}
	}
}

func (s *socket) read() (wire.ClientFrame, error) {
	kind, data, err := s.conn.ReadMessage()
	if err != nil {
		return wire.ClientFrame{}, err
	}
	if kind != websocket.TextMessage {
		return wire.ClientFrame{}, wire.ErrFrame
	}
	return wire.ParseClientFrame(data)
}

// extend gives the desktop until the next pong but one.
func (s *socket) extend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		_ = s.conn.SetReadDeadline(time.Now().Add(s.face.heartbeat.pong))
	}
}

// wake has the desktop told if there is news. It does not block.
func (s *socket) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty = true
	if !s.writing && !s.closing {
		s.writing = true
		go s.write()
	}
}

// write tells the news until there is none left.
func (s *socket) write() {
	for s.more() {
		g, err := s.newest()
		if err != nil {
			s.fail(err, true)
			continue
		}
		s.tell(g)
	}
}

func (s *socket) more() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing = s.dirty && !s.closing
	s.dirty = false
	return s.writing
}

// newest is the grant as it stands, with a fresh user code if one is due.
func (s *socket) newest() (grant.Grant, error) {
	svc := s.face.Login
	g, err := svc.Grant(context.Background(), s.id)
	if now := svc.Now(); err == nil && g.Rotates(now) && !now.Before(g.RotationDue()) {
		return svc.Rotate(context.Background(), s.id)
	}
	return g, err
}

func (s *socket) tell(g grant.Grant) {
	now := s.face.Login.Now()
	snap := s.face.snapshot(now, g)
	if snap.Seq > s.told {
		s.told = snap.Seq
		if err := s.send(snap); err != nil {
			_ = s.conn.Close() // the reader notices; the desktop will come back
			return
		}
	}
	if snap.State.Terminal() {
		s.close(ending{wire.CloseDone, string(snap.State)})
		return
	}
	if time.Now().After(s.nextPing) {
		_ = s.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTimeout))
		s.nextPing = time.Now().Add(s.face.heartbeat.ping)
	}
	s.wait(now, g)
}

// wait sets the timer for whatever is due next.
func (s *socket) wait(now time.Time, g grant.Grant) {
	next := min(g.ExpiresAt.Sub(now), time.Until(s.nextPing))
	if g.Rotates(now) {
		next = min(next, g.RotationDue().Sub(now))
	}
	// A little late rather than too early, which would find nothing due.
	next = max(next, 0) + 5*time.Millisecond
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing:
	case s.timer == nil:
		s.timer = time.AfterFunc(next, s.wake)
	default:
		s.timer.Reset(next)
	}
}

func (s *socket) send(snap wire.Snapshot) error {
	frame, err := json.Marshal(snap)
	if err != nil {
		return err
	}
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	return s.conn.WriteMessage(websocket.TextMessage, frame)
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
	if s.counted {
		s.face.perAddr.Release(ratelimit.AddressKey(s.address))
	}
	s.face.sockets.remove(s, s.id)
	_ = s.conn.Close()
}

// snapshot is the whole truth of a grant, as its desktop may know it.
func (f *Face) snapshot(now time.Time, g grant.Grant) wire.Snapshot {
	snap := wire.Snapshot{Seq: g.SeqAt(now), State: wire.State(g.StateAt(now))}
	if snap.State.Terminal() {
		return snap
	}
	snap.ExpiresIn = wire.Seconds(g.ExpiresAt.Sub(now))
	snap.UserCode = g.Code.String()
	snap.VerificationURIComplete = f.verificationURIComplete(g.Code)
	snap.CodeExpiresIn = snap.ExpiresIn
	if g.Rotates(now) {
		snap.CodeExpiresIn = min(snap.ExpiresIn, wire.Seconds(g.RotationDue().Sub(now)))
	}
	return snap
}
