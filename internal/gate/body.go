package gate

import (
	"errors"
	"io"
	"net/http"
)

// smallBody is the size of most bodies, in bytes, and all that a request may keep in
// memory without further ado: it counts with what a connection costs. Larger ones are
// bounded by a crowd.
const smallBody = 4 << 10

// body is that of a request, read to its end, or to what was wrong with it.
type body struct {
	data  []byte
	read  int    // of data, by the handler
	fault error  // what follows data; io.EOF: nothing does
	large *large // nil: it is small
}

// take reads the body of the request that w answers, and puts itself in its place. A
// Refusal when it is large and there are too many of them.
func (b *body) take(g *Gate, w http.ResponseWriter, r *http.Request) error {
	b.read, b.fault = 0, nil
	if b.data == nil {
		b.data = make([]byte, 0, 512)
	}
	for b.fault == nil {
		if !b.grow(g, w) {
			return g.turnAway()
		}
		var n int
		n, b.fault = r.Body.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
	}
	if b.large != nil && !b.large.here() {
		return g.turnAway()
	}
	r.Body = b
	return nil
}

// grow makes room for more. It reports false when there is none.
func (b *body) grow(g *Gate, w http.ResponseWriter) bool {
	if len(b.data) < cap(b.data) {
		return true
	}
	if cap(b.data) >= smallBody && b.large == nil {
		if b.large = g.crowd.join(w); b.large == nil {
			return false
		}
	}
	old := b.data
	b.data = append(make([]byte, 0, 2*cap(old)), old...)
	clear(old)
	return true
}

// drop forgets what was read: it may have been a secret, and a large one would stay in
// memory.
func (b *body) drop() {
	clear(b.data[:cap(b.data)])
	b.data = b.data[:0]
	if cap(b.data) > smallBody {
		b.data = nil
	}
	b.large.leave()
	b.large = nil
	b.read, b.fault = 0, errEnded
}

// whole reports whether nothing of the body is missing.
func (b *body) whole() bool { return errors.Is(b.fault, io.EOF) }

var errEnded = errors.New("the request has ended")

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n := copy(p, b.data[b.read:])
	b.read += n
	if b.read < len(b.data) || n > 0 && !b.whole() {
		return n, nil
	}
	return n, b.fault
}

// Close implements io.Closer. The server closes the request's own body.
func (b *body) Close() error { return nil }
