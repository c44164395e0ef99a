package oauth

import (
	"context"
	"sync"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
)

// registry knows the open sockets of this node, so that a grant has no more than
// its share and a stopping server can tell them all.
type registry struct {
	perGrant int // 0: no bound

	mu      sync.Mutex
	all     map[*socket]struct{}       // guarded by mu
	byGrant map[auth.GrantID][]*socket // oldest first; guarded by mu
	drained chan struct{}              // closed when all is empty; set by drain; guarded by mu
}

// add takes the socket in; false once the server is stopping.
func (g *registry) add(s *socket) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.drained != nil {
		return false
	}
	if g.all == nil {
		g.all = make(map[*socket]struct{})
		g.byGrant = make(map[auth.GrantID][]*socket)
	}
	g.all[s] = struct{}{}
	return true
}

// bind notes whose socket it is, and returns the one that it replaces, if any.
func (g *registry) bind(s *socket, id auth.GrantID) (replaced *socket) {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := append(g.byGrant[id], s)
	if g.perGrant > 0 && len(list) > g.perGrant {
		replaced, list = list[0], list[1:]
	}
	g.byGrant[id] = list
	return replaced
}

// remove forgets the socket.
func (g *registry) remove(s *socket, id auth.GrantID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.all, s)
	kept := g.byGrant[id][:0:0]
	for _, other := range g.byGrant[id] {
		if other != s {
			kept = append(kept, other)
		}
	}
	if len(kept) == 0 {
		delete(g.byGrant, id)
	} else {
		g.byGrant[id] = kept
	}
	if g.drained != nil && len(g.all) == 0 {
		close(g.drained)
	}
}

func (g *registry) closed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.drained != nil
}

// shut lets no more sockets in, and returns those that are open and a channel
// that is closed when the last is gone.
func (g *registry) shut() ([]*socket, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.drained == nil {
		g.drained = make(chan struct{})
		if len(g.all) == 0 {
			close(g.drained)
		}
	}
	list := make([]*socket, 0, len(g.all))
	for s := range g.all {
		list = append(list, s)
	}
	return list, g.drained
}

const (
	// comeBackRate is how many desktops a second a restarting server asks to have back.
	comeBackRate = 500
	// drainers is how many sockets are told at the same time.
	drainers = 64
)

// comeBack is when the i-th desktop is to come back: one after the other, so that
// they do not all knock at once.
func comeBack(i int) time.Duration {
	return time.Second + time.Duration(i)*time.Second/comeBackRate
}

// Drain tells every desktop to come back, spread over a time that grows with
// their number, and waits until their sockets are closed or ctx ends. No socket
// is let in afterwards.
func (f *Face) Drain(ctx context.Context) error {
	open, drained := f.sockets.shut()
	var tellers sync.WaitGroup
	for n := range drainers {
		tellers.Go(func() {
			for i := n; i < len(open); i += drainers {
				open[i].close(restart(comeBack(i)))
			}
		})
	}
	tellers.Wait()
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
		for _, s := range open {
			_ = s.conn.Close()
		}
		return ctx.Err()
	}
}
