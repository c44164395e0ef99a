package oauth

import (
	"context"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/ratelimit"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// serve waits for the hello and hands it over. The five seconds are for the desktop to
// send it: how long it stands in line is not the desktop's fault.
func (s *socket) serve() {
	_ = s.conn.SetReadDeadline(time.Now().Add(wire.HelloTimeout))
	hello, err := s.read()
	if err != nil {
		s.end(err, false)
		return
	}
	s.face.crew.do(func() { s.greet(hello) })
}

// greet takes the hello, and tells the first snapshot. The hello is done with before the
// long wait, which holds no secret and begins on a stack of its own, for one that has
// grown stays as it is.
func (s *socket) greet(hello []byte) {
	if err := s.attach(hello); err != nil {
		go s.end(err, true)
		return
	}
	go s.listen()
	s.write()
}

// attach binds the socket to its subject: subscribe first, then read the state, so
// that nothing falls between.
func (s *socket) attach(hello []byte) error {
	if s.over() {
		return errOver
	}
	about, err := s.subject(hello)
	if err != nil {
		return err
	}
	s.about = about
	if err := about.admit(s); err != nil {
		return err
	}
	s.extend()
	s.conn.SetPongHandler(func(string) error { s.extend(); return nil })
	s.conn.SetReadLimit(wire.MaxClientFrame)
	s.nextPing = time.Now().Add(s.face.heartbeat.ping)
	s.sub = s.face.Hub.Subscribe(about.topic(), s.wake)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.news = true // the first snapshot
	return nil
}

// over reports whether the peer was told so already.
func (s *socket) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// subject is what the hello is about.
func (s *socket) subject(hello []byte) (subject, error) {
	frame, err := wire.ParseClientFrame(hello)
	if err != nil {
		return nil, err
	}
	if frame.Type != wire.FrameHello {
		return nil, errNotHello
	}
	return s.face.follow(context.Background(), frame, s.address)
}

// listen takes what the desktop says after hello.
func (s *socket) listen() {
	var frames *ratelimit.Limiter
	for {
		data, err := s.read()
		if err != nil {
			s.end(err, true)
			return
		}
		if frames == nil { // most desktops never say anything
			frames = s.face.Budgets.Frames()
		}
		if frames.Take(time.Now(), "") > 0 {
			err = errFrames
		} else {
			err = s.take(data)
		}
		if err != nil {
			s.end(err, true)
			return
		}
	}
}

func (s *socket) take(data []byte) error {
	frame, err := wire.ParseClientFrame(data)
	if err != nil {
		return err
	}
	if frame.Type == wire.FrameHello {
		return errNotHello
	}
	return s.about.take(context.Background(), frame, s.address)
}

func (s *socket) read() ([]byte, error) {
	kind, data, err := s.conn.ReadMessage()
	if err == nil && kind != websocket.TextMessage {
		err = wire.ErrFrame
	}
	return data, err
}
