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
	s.dirty = true
	if !s.writing && !s.closing {
		s.writing = true
		go s.write()
	}
}

// write tells the news until there is none left.
func (s *socket) write() {
	for s.more() {
		snap, holds, err := s.about.newest(context.Background())
		if err != nil {
			s.fail(err, true)
			continue
		}
		s.tell(snap, holds)
	}
}

func (s *socket) more() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing = s.dirty && !s.closing
	s.dirty = false
	return s.writing
}

// tell sends the snapshot if it is news, and comes back when it may hold no more.
func (s *socket) tell(snap wire.Snapshot, holds time.Duration) {
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
	s.wait(min(holds, time.Until(s.nextPing)))
}

// wait sets the timer for what is due next.
func (s *socket) wait(next time.Duration) {
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
	var frame bytes.Buffer
	e := json.NewEncoder(&frame)
	e.SetEscapeHTML(false) // the link is spelled as it is
	if err := e.Encode(snap); err != nil {
		return err
	}
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	return s.conn.WriteMessage(websocket.TextMessage, bytes.TrimRight(frame.Bytes(), "\n"))
}
