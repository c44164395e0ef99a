package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// wake has the desktop told if there is news. It does not block.
func (s *socket) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.news = true
	if s.sendFor() {
		s.face.crew.hurry(s.write)
	}
}

// ring has done what is due by the clock. It does not block.
func (s *socket) ring() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = true
	if s.sendFor() {
		s.face.crew.do(s.write)
	}
}

// sendFor reports whether a writer is to be sent for. The caller holds mu.
func (s *socket) sendFor() bool {
	if s.writing || s.closing {
		return false
	}
	s.writing = true
	return true
}

// write tells the news and does what is due, until there is none left.
func (s *socket) write() {
	for news, more := s.more(); more; news, more = s.more() {
		if err := s.work(news); err != nil {
			s.fail(err, true)
		}
	}
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
