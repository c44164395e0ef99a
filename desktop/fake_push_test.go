package desktop_test

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// fakeSocket is one open push channel.
type fakeSocket struct {
	conn *websocket.Conn
	tell func() wire.Snapshot
	news chan struct{}  // a slot of one
	bye  chan closeWith // ends it
}

type closeWith struct {
	code   int // zero: hang up without a word
	reason string
}

func (f *fake) servePush(w http.ResponseWriter, r *http.Request) {
	n := note(f, &f.dials, time.Now())
	if f.onPush != nil && f.onPush(n, w, r) {
		return
	}
	up := websocket.Upgrader{Subprotocols: []string{wire.PushSubprotocol}}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	var hello wire.ClientFrame
	if conn.ReadJSON(&hello) != nil {
		return
	}
	tell := f.snapshot
	switch {
	case hello.AccessToken != "" && f.ofOld:
		hangUp(conn, closeWith{wire.CloseMalformed, ""})
		return
	case hello.AccessToken != "" && f.knows(hello.AccessToken):
		tell = f.ofSession
	case hello.DeviceCode != fakeDeviceCode || hello.ClientID != fakeClient:
		hangUp(conn, closeWith{wire.CloseUnknown, ""})
		return
	}
	f.speak(conn, hello, tell)
}

// speak sends the newest snapshot at each news until the channel ends.
func (f *fake) speak(conn *websocket.Conn, hello wire.ClientFrame, tell func() wire.Snapshot) {
	s := &fakeSocket{conn: conn, tell: tell, news: make(chan struct{}, 1), bye: make(chan closeWith, 1)}
	f.mu.Lock()
	f.hellos = append(f.hellos, hello)
	f.sockets[s] = true
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.sockets, s)
	}()
	gone := make(chan struct{})
	go f.listen(s, gone)
	defer func() { conn.Close(); <-gone }()
	for {
		snap := s.tell()
		if conn.WriteJSON(snap) != nil {
			return
		}
		if snap.State.Terminal() {
			hangUp(conn, closeWith{wire.CloseDone, ""})
			return
		}
		select {
		case <-s.news:
		case c := <-s.bye:
			hangUp(conn, c)
			return
		case <-f.pingTime():
			_ = conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
		case <-gone:
			return
		}
	}
}

func (f *fake) pingTime() <-chan time.Time {
	if f.ping == 0 {
		return nil
	}
	return time.After(f.ping)
}

func (f *fake) listen(s *fakeSocket, gone chan struct{}) {
	defer close(gone)
	for {
		_, data, err := s.conn.ReadMessage()
		if err != nil {
			return
		}
		var frame wire.ClientFrame
		f.mu.Lock()
		deaf := f.deaf
		f.mu.Unlock()
		if json.Unmarshal(data, &frame) != nil || deaf {
			continue
		}
		switch frame.Type {
		case wire.FrameCancel:
			f.mu.Lock()
			f.cancels++
			f.mu.Unlock()
			f.set(wire.StateCancelled)
		case wire.FrameConfirm:
			f.confirm(frame.Number)
		}
	}
}

// hears makes a deaf one hear.
func (f *fake) hears() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deaf = false
}

func hangUp(conn *websocket.Conn, c closeWith) {
	if c.code != 0 {
		_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(c.code, c.reason), time.Now().Add(time.Second))
	}
	conn.Close()
}

func (f *fake) snapshot() wire.Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := wire.Snapshot{
		Seq: f.seq, State: f.state, UserCode: f.code, VerificationURIComplete: f.link(f.code),
		CodeExpiresIn: f.codeLeft, ExpiresIn: f.lifetime,
	}
	if f.state == wire.StateVerifying {
		s.TriesLeft = f.tries
	}
	return s
}

func (f *fake) tellAll() {
	for s := range f.sockets {
		select {
		case s.news <- struct{}{}:
		default:
		}
	}
}

// drop ends every push channel.
func (f *fake) drop(c closeWith) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.sockets {
		s.bye <- c
	}
}
