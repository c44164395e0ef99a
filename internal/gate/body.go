package gate

import (
	"errors"
	"io"
	"net/http"
)

const (
	// smallBody is the size of most bodies, in bytes, and all that a request may keep in
	// memory without further ado.
	smallBody = 4 << 10
	// largeBodies are the requests of a gate with a larger body, at a time. The server
	// bounds each; together they are some megabytes.
	largeBodies = 256
)

// body is that of a request, read to its end, or to what was wrong with it.
type body struct {
	data  []byte
	read  int   // of data, by the handler
	fault error // what follows data; io.EOF: nothing does
	among *Gate // whose large ones it is counted with; nil: it is small
}

// take reads the request's body and puts itself in its place. A Refusal when it is large
// and too many others of the gate are.
func (b *body) take(g *Gate, r *http.Request) error {
	b.read, b.fault = 0, nil
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	if b.data == nil {
		b.data = make([]byte, 0, 512)
	}
	for b.fault == nil {
		if err := b.grow(g); err != nil {
			return err
		}
		var n int
		n, b.fault = r.Body.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
	}
	r.Body = b
	return nil
}

// grow makes room for more.
func (b *body) grow(g *Gate) error {
	if len(b.data) < cap(b.data) {
		return nil
	}
	if cap(b.data) >= smallBody && b.among == nil && g != nil {
		if b.among = g; g.large.Add(1) > largeBodies {
			return g.turnAway()
		}
	}
	b.data = append(make([]byte, 0, 2*cap(b.data)), b.data...)
	return nil
}

// drop forgets what was read: it may have been a secret, and a large one would stay in
// memory.
func (b *body) drop() {
	if b.among != nil {
		b.among.large.Add(-1)
		b.among = nil
	}
	if cap(b.data) > smallBody {
		b.data = nil
	}
	clear(b.data)
	b.data = b.data[:0]
	b.read, b.fault = 0, errEnded
}

var errEnded = errors.New("the request has ended")

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n := copy(p, b.data[b.read:])
	b.read += n
	if b.read < len(b.data) || n > 0 && !errors.Is(b.fault, io.EOF) {
		return n, nil
	}
	return n, b.fault
}

// Close implements io.Closer. The server closes the request's own body.
func (b *body) Close() error { return nil }
