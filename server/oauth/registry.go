package oauth

import (
	"maps"
	"slices"
	"sync"
)

// registry knows the open sockets of this node, so that a subject has no more than
// its share and a stopping server can tell them all.
type registry struct {
	perSubject int // 0: no bound

	entering sync.WaitGroup // handshakes in progress
	open     sync.WaitGroup // sockets in all

	mu       sync.Mutex
	stopping bool                 // nobody enters any more; guarded by mu
	all      map[*socket]struct{} // guarded by mu
	byName   map[string][]*socket // of their subjects, oldest first; guarded by mu
}

// enter begins a handshake, unless the server is stopping. Whoever has entered
// owes a call of entering.Done, after add if the handshake succeeds.
func (g *registry) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopping {
		return false
	}
	g.entering.Add(1)
	return true
}

// add takes the socket in.
func (g *registry) add(s *socket) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all == nil {
		g.all = make(map[*socket]struct{})
		g.byName = make(map[string][]*socket)
	}
	g.all[s] = struct{}{}
	g.open.Add(1)
}

// join notes what the socket is about, if that has room for one more.
func (g *registry) join(s *socket, name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.perSubject > 0 && len(g.byName[name]) >= g.perSubject {
		return false
	}
	g.byName[name] = append(g.byName[name], s)
	return true
}

// replace notes what the socket is about, and returns the one that goes for it, if any.
func (g *registry) replace(s *socket, name string) (replaced *socket) {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := append(g.byName[name], s)
	if g.perSubject > 0 && len(list) > g.perSubject {
		replaced, list = list[0], list[1:]
	}
	g.byName[name] = list
	return replaced
}

// remove forgets the socket.
func (g *registry) remove(s *socket, name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.all, s)
	kept := g.byName[name][:0:0]
	for _, other := range g.byName[name] {
		if other != s {
			kept = append(kept, other)
		}
	}
	if len(kept) == 0 {
		delete(g.byName, name)
	} else {
		g.byName[name] = kept
	}
	g.open.Done()
}

// shut lets no more sockets in, and returns those that are open.
func (g *registry) shut() []*socket {
	g.mu.Lock()
	g.stopping = true
	g.mu.Unlock()
	// A desktop whose handshake is about to succeed is one of those to be told.
	g.entering.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Collect(maps.Keys(g.all))
}

// left is closed when the last socket is gone. To be asked after shut.
func (g *registry) left() <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		g.open.Wait()
		close(gone)
	}()
	return gone
}
