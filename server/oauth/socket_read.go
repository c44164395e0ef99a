package oauth

import (
	"context"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/wire"
)

func (s *socket) converse() (greeted bool, err error) {
	if greeted, err := s.greet(); err != nil {
		return greeted, err
	}
	return true, s.listen()
}

// greet takes the hello. It is done with before the long wait, which holds no secret.
func (s *socket) greet() (greeted bool, err error) {
	_ = s.conn.SetReadDeadline(time.Now().Add(wire.HelloTimeout))
	hello, err := s.read()
	if err != nil {
		return false, err
	}
	if hello.Type != wire.FrameHello {
		return false, errNotHello
	}
	about, err := s.face.follow(context.Background(), hello, s.address)
	if err != nil {
		return true, err
	}
	return true, s.attach(about)
}

// attach binds the socket to its subject: subscribe first, then read the state, so
// that nothing falls between.
func (s *socket) attach(about subject) error {
	f := s.face
	s.about = about
	if err := about.admit(s); err != nil {
		return err
	}
	s.extend()
	s.conn.SetPongHandler(func(string) error { s.extend(); return nil })
	s.conn.SetReadLimit(wire.MaxClientFrame)
	s.nextPing = time.Now().Add(f.heartbeat.ping)
	s.sub = f.Hub.Subscribe(about.topic(), s.wake)
	s.wake()
	return nil
}

// name is the subject's, once there is one.
func (s *socket) name() string {
	if s.about == nil {
		return ""
	}
	return s.about.name()
}

// listen takes what the desktop says after hello.
func (s *socket) listen() error {
	frames := s.face.Budgets.Frames()
	for {
		frame, err := s.read()
		switch {
		case err != nil:
			return err
		case frames.Take(time.Now(), "") > 0:
			return errFrames
		case frame.Type == wire.FrameHello:
			return errNotHello
		}
		if err := s.about.take(context.Background(), frame, s.address); err != nil {
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
