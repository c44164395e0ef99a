package gate

import (
	"container/list"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// Bounds are those of one Gate.
type Bounds struct {
	Places int // requests that are let in at a time
	Line   int // requests that wait for a place at a time
	// Patience is the longest wait. When the first in the line has waited for half of
	// it, the line does not move fast enough, and nobody joins it.
	Patience time.Duration
	// Hold is how long a refusal is kept back, for heldShare times as many at a time as
	// may be in the line. Who does not heed Retry-After would come again at once otherwise,
	// and the refusing alone would leave no time for anything else.
	Hold time.Duration
	// Closed reports that nobody may come in at the moment; nil: somebody always may.
	Closed func() bool
}

// heldShare bounds the refusals that are kept back, by the length of the line.
const heldShare = 4

// Gate lets requests in. It is made by New; a nil Gate lets in everybody.
type Gate struct {
	Bounds

	mu   sync.Mutex
	in   int       // places that are taken; guarded by mu, as all that follows
	line list.List // of *waiter, in the order of their coming; empty while a place is free
	shed uint64
	held int // refusals that are kept back

	crowd crowd // of large bodies
}

// waiter is somebody in the line.
type waiter struct {
	since  time.Time
	at     *list.Element
	turn   chan struct{} // closed when a place is theirs
	called bool          // the same, guarded by the gate's mu
}

// New makes a gate.
func New(b Bounds) *Gate { return &Gate{Bounds: b} }

// Refusal turns somebody away, for so long at least.
type Refusal time.Duration

func (Refusal) Error() string { return "more requests came than can be answered" }

// RetryAfter is when to come again.
func (r Refusal) RetryAfter() time.Duration { return time.Duration(r) }

// spread is the longest time that anybody is turned away for.
const spread = 5 * time.Second

// Later is when to come again: in one to five whole seconds, by chance, so that those who
// are turned away together do not come again together.
func Later() time.Duration { return time.Second + rand.N(spread/time.Second)*time.Second }

// After is when to come again, of an error of Enter or Admit.
func After(err error) time.Duration {
	if r, ok := errors.AsType[Refusal](err); ok {
		return r.RetryAfter()
	}
	return Later()
}

// Enter takes a place, which Leave gives back. Where none is free it waits in the line. A
// Refusal: there was no place, or none in time. When ctx ends first, its error.
func (g *Gate) Enter(ctx context.Context) error {
	if g == nil {
		return nil
	}
	closed := g.Closed != nil && g.Closed()
	w, err := g.come(closed)
	if w == nil {
		return err
	}
	return g.wait(ctx, w)
}

// come takes a place, or one in the line: then the waiter is not nil.
func (g *Gate) come(closed bool) (*waiter, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.in < g.Places && !closed {
		g.in++
		return nil, nil
	}
	now := time.Now()
	if closed || g.line.Len() >= g.Line || g.slow(now) {
		return nil, g.refuse()
	}
	w := &waiter{since: now, turn: make(chan struct{})}
	w.at = g.line.PushBack(w)
	return w, nil
}

// slow reports whether the line does not move fast enough.
func (g *Gate) slow(now time.Time) bool {
	first := g.line.Front()
	return first != nil && now.Sub(first.Value.(*waiter).since) >= g.Patience/2
}

// refuse turns somebody away. The caller holds the mutex.
func (g *Gate) refuse() error {
	g.shed++
	return Refusal(Later())
}

// turnAway is refuse for who does not hold the mutex.
func (g *Gate) turnAway() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refuse()
}

func (g *Gate) wait(ctx context.Context, w *waiter) error {
	timer := time.NewTimer(g.Patience)
	defer timer.Stop()
	select {
	case <-w.turn:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	return g.giveUp(ctx, w)
}

// giveUp leaves the line, unless the waiter's turn has come meanwhile.
func (g *Gate) giveUp(ctx context.Context, w *waiter) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if w.called {
		return nil
	}
	g.line.Remove(w.at)
	if err := ctx.Err(); err != nil {
		return err
	}
	return g.refuse()
}

// hold keeps a refusal back.
func (g *Gate) hold(ctx context.Context) {
	if g == nil || g.Hold == 0 || !g.keep(1) {
		return
	}
	defer g.keep(-1)
	timer := time.NewTimer(g.Hold)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// keep counts one more that is held, or one less. It reports whether that is not too many.
func (g *Gate) keep(more int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held+more > heldShare*g.Line {
		return false
	}
	g.held += more
	return true
}

// Leave gives the place back, to the first in the line if there is one.
func (g *Gate) Leave() {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	first := g.line.Front()
	if first == nil {
		g.in--
		return
	}
	w := g.line.Remove(first).(*waiter)
	w.called = true
	close(w.turn)
}

// Census is who is where.
type Census struct {
	In      int    // have a place
	Waiting int    // are in the line
	Shed    uint64 // were turned away, ever
}

// Census counts.
func (g *Gate) Census() Census {
	if g == nil {
		return Census{}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return Census{g.in, g.line.Len(), g.shed}
}
