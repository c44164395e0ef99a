package desktop

import (
	"context"
	"time"

	"github.com/gorilla/websocket"
)

// line keeps a push channel, as well as that goes: it knows the channel of the
// moment, and when to dial the next one. It belongs to one goroutine.
type line struct {
	dialer *websocket.Dialer // nil: there is no push
	chance func() float64

	link   link
	socket *socket   // nil: none is open, or being opened
	dialAt time.Time // zero: never again
}

// up reports whether the server has spoken on the channel.
func (l *line) up() bool { return l.socket.up() }

func (l *line) events() <-chan socketEvent {
	if l.socket == nil {
		return nil
	}
	return l.socket.events
}

func (l *line) mayDial() bool { return l.socket == nil && !l.dialAt.IsZero() }

// due reports whether it is time to dial.
func (l *line) due(now time.Time) bool { return l.mayDial() && !now.Before(l.dialAt) }

// dial opens a channel. It ends with ctx, and calls done when it has.
func (l *line) dial(ctx context.Context, h hello, done func()) {
	l.socket = openSocket(ctx, l.dialer, h, done)
}

// heard takes up the channel of a snapshot, and reports whether it was the first.
func (l *line) heard(e socketEvent) (first bool) {
	first = !l.up()
	l.socket.conn = e.conn
	return first
}

// dropped plans what follows the end of a channel.
func (l *line) dropped(d drop) plan {
	var p plan
	l.link, p = l.link.dropped(d, l.chance)
	l.socket, l.dialAt = nil, time.Now().Add(p.wait)
	if p.never {
		l.dialAt = time.Time{}
	}
	return p
}

// woke starts afresh after a sleep: a channel that looks alive is not.
func (l *line) woke() {
	l.link = link{}
	if l.socket != nil {
		l.socket.cancel()
		l.socket, l.dialAt = nil, time.Now()
	} else if !l.dialAt.IsZero() {
		l.dialAt = time.Now()
	}
}

// hangUp ends the channel of the moment, with a word of farewell.
func (l *line) hangUp() {
	if l.socket != nil {
		l.socket.close()
	}
}
