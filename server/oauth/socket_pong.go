package oauth

import (
	"time"

	"github.com/gorilla/websocket"
)

// pongs is what a socket remembers of the pings that it has had. Most desktops send none.
type pongs struct {
	last  time.Time   // when one was answered
	owed  string      // what the newest said that is not answered yet
	timer *time.Timer // fires when that is due; nil: nothing is owed
}

func (p *pongs) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

// pong answers a ping, at once or when the pause after the last answer is over. One
// answer stands for all pings until then, and is to the newest (RFC 6455 section 5.5.3).
func (s *socket) pong(data string) error {
	if s.owes(time.Now(), data) {
		return nil
	}
	s.answer(data)
	return nil
}

// owes notes an answer for later, if it is too early for one.
func (s *socket) owes(now time.Time, data string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pongs == nil {
		s.pongs = new(pongs)
	}
	p := s.pongs
	wait := s.face.pause - now.Sub(p.last)
	if wait <= 0 && p.timer == nil {
		p.last = now
		return false
	}
	p.owed = data
	if p.timer == nil && !s.closing {
		p.timer = time.AfterFunc(wait, s.settle)
	}
	return true
}

// settle answers the newest ping, now that it is due.
func (s *socket) settle() {
	s.mu.Lock()
	p := s.pongs
	data := p.owed
	p.last, p.owed, p.timer = time.Now(), "", nil
	s.mu.Unlock()
	s.answer(data)
}

// answer sends a pong. Who does not read it is noticed by the reader, or the writer.
func (s *socket) answer(data string) {
	_ = s.conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(s.face.send))
}
