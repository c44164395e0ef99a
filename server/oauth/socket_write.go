package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/push"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// hurry is how urgently a writer was sent for.
type hurry uint8

const (
	nobody hurry = iota // was sent for
	routine
	urgent
)

// wake has the desktop told if there is news, ahead of the routine if the grant has just
// changed. It does not block.
func (s *socket) wake(why push.Cause) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.news = true
	if why == push.Changed {
		s.sendFor(urgent)
	} else {
		s.sendFor(routine)
	}
}

// ring has done what is due by the clock. It does not block.
func (s *socket) ring() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = true
	s.sendFor(routine)
}

// sendFor sends for a writer, unless one is at work or was sent for with as much hurry.
// One that comes second finds nothing to do. The caller holds mu.
func (s *socket) sendFor(h hurry) {
	if s.closing || s.writing || s.sent >= h {
		return
	}
	s.sent = h
	if h == urgent {
		s.face.crew.hurry(s.write)
	} else {
		s.face.crew.do(s.write)
	}
}

// write tells the news and does what is due, until there is none left.
func (s *socket) write() {
	if !s.begin() {
		return
	}
	for news, more := s.more(); more; news, more = s.more() {
		if err := s.work(news); err != nil {
			s.fail(err, true)
		}
	}
}

// begin reports whether nobody else is at it, who would see to all there is.
func (s *socket) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = nobody
	free := !s.writing
	s.writing = true
	return free
}

// more reports whether there is more to do, and whether it is for news.
func (s *socket) more() (news, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	news = s.news
	s.writing = (s.news || s.due) && !s.closing
	s.news, s.due = false, false
	return news, s.writing
}

// work reads the state if it may be another, pings if that is due, and comes back when
// something is. Its errors are the subject's.
func (s *socket) work(news bool) error {
	if now := time.Now(); news || !now.Before(s.holds) {
		snap, holds, err := s.about.newest(context.Background())
		if err != nil {
			return err
		}
		s.holds = now.Add(holds)
		if !s.tell(snap) {
			return nil
		}
	}
	if now := time.Now(); !now.Before(s.nextPing) {
		_ = s.conn.WriteControl(websocket.PingMessage, nil, now.Add(s.face.send))
		s.nextPing = now.Add(s.face.heartbeat.ping)
	}
	s.wait()
	return nil
}

// tell sends the snapshot if it is news, and reports whether another may follow.
func (s *socket) tell(snap wire.Snapshot) bool {
	if snap.Seq > s.told {
		s.told = snap.Seq
		if err := s.send(snap); err != nil {
			_ = s.conn.Close() // the reader notices; the desktop will come back
			return false
		}
	}
	if snap.State.Terminal() {
		s.close(ending{wire.CloseDone, string(snap.State)})
		return false
	}
	return true
}

// wait sets the timer for what is due next.
func (s *socket) wait() {
	at := s.nextPing
	if s.holds.Before(at) {
		at = s.holds
	}
	// A little late rather than too early, which would find nothing due.
	next := max(time.Until(at), 0) + 5*time.Millisecond
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing:
	case s.timer == nil:
		s.timer = time.AfterFunc(next, s.ring)
	default:
		s.timer.Reset(next)
	}
}

func (s *socket) send(snap wire.Snapshot) error {
	var frame bytes.Buffer
	e := json.NewEncoder(&frame)
	e.SetEscapeHTML(false) // the link is spelled as it is
	if err := e.Encode(snap); err != nil {
		return err
	}
	_ = s.conn.SetWriteDeadline(time.Now().Add(s.face.send))
	return s.conn.WriteMessage(websocket.TextMessage, bytes.TrimRight(frame.Bytes(), "\n"))
}
