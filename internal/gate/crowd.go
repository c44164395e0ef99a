package gate

import (
	"container/list"
	"net/http"
	"sync"
	"time"
)

// largeBodies are the requests of a gate with a larger body than smallBody, at a time.
// The server bounds each body to 64 KiB, for which the buffer may have twice as much: the
// five gates together have 40 MiB of them at most. Who has no gate has no body.
const largeBodies = 64

// crowd bounds the large bodies of a gate. Where there are too many, the one that has
// been on its way for longest makes room for who comes: bodies that come slowly, or not
// at all, push out themselves.
type crowd struct {
	mu     sync.Mutex
	size   int       // guarded by mu, as all that follows
	coming list.List // of *large, those that are being read, the oldest first
}

// large is one of them.
type large struct {
	of  *crowd
	w   http.ResponseWriter // of its request
	at  *list.Element       // in coming; nil: it is here, or was pushed out. Guarded by of.mu
	out bool                // it was pushed out, and counts no more; guarded by of.mu
}

// join counts one more, which is being read. It returns nil when there is no room: when
// all are here, and wait to be answered.
func (c *crowd) join(w http.ResponseWriter) *large {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size >= largeBodies && !c.pushOut() {
		return nil
	}
	c.size++
	l := &large{of: c, w: w}
	l.at = c.coming.PushBack(l)
	return l
}

// pushOut ends the one that has been on its way for longest, if there is one. The caller
// holds the mutex.
func (c *crowd) pushOut() bool {
	first := c.coming.Front()
	if first == nil {
		return false
	}
	l := c.coming.Remove(first).(*large)
	l.at, l.out = nil, true
	c.size--
	_ = http.NewResponseController(l.w).SetReadDeadline(longAgo) // or else the server's own ends the read
	return true
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// here says that it was read. It reports false when it was pushed out before.
func (l *large) here() bool {
	l.of.mu.Lock()
	defer l.of.mu.Unlock()
	l.arrive()
	return !l.out
}

// arrive takes it off those that are being read. The caller holds the mutex.
func (l *large) arrive() {
	if l.at != nil {
		l.of.coming.Remove(l.at)
		l.at = nil
	}
}

// leave says that it is no more in memory.
func (l *large) leave() {
	if l == nil {
		return
	}
	l.of.mu.Lock()
	defer l.of.mu.Unlock()
	l.arrive()
	if !l.out {
		l.of.size--
	}
}
