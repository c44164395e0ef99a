package login

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/store"
)

// Client finds a client by its public name. The answer may be a few seconds old;
// ErrUnknownClient is never cached.
func (s *Service) Client(ctx context.Context, id auth.ClientID) (auth.Client, error) {
	now := s.now()
	if c, ok := s.clients.get(now, id); ok {
		return c, nil
	}
	var c auth.Client
	err := s.Store.View(ctx, func(tx store.Tx) (err error) {
		c, err = tx.Client(id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return auth.Client{}, ErrUnknownClient
	}
	if err != nil {
		return auth.Client{}, err
	}
	s.clients.put(now, c)
	return c, nil
}

// clientOf finds the client that began the grant. A client that was added under
// its ID since is another one, to which nobody was asked to consent: then too the
// error is store.ErrNotFound.
func (s *Service) clientOf(tx store.Tx, g grant.Grant) (auth.Client, error) {
	c, err := tx.Client(g.ClientID)
	if err == nil && s.addedSince(c, g) {
		return auth.Client{}, store.ErrNotFound
	}
	return c, err
}

// slewed is how far Now is ahead of a wall clock that nobody has set back, at most: what
// keeps it right lets it go slower for a while.
const slewed = time.Second

// addedSince reports whether the client was added after the grant began. A client's time
// is the wall's and a grant's is Now's, so where the clock was set back it is compared
// with what the wall shows in this stretch of its time, unless it is of the stretch before.
func (s *Service) addedSince(c auth.Client, g grant.Grant) bool {
	if c.CreatedAt.After(g.CreatedAt) {
		return true
	}
	ahead := s.Clock.Ahead()
	if ahead < slewed || c.CreatedAt.After(s.wall()) {
		return false
	}
	return c.CreatedAt.After(g.CreatedAt.Add(-ahead))
}

// clientsFresh is how old a cached client may be: an operator's change takes
// effect within it, and sooner where Heed runs. Redeeming reads the store itself.
const clientsFresh = 2 * time.Second

// clientCache spares the pending poll a second read. It holds known clients
// only, so it is bounded by their number.
type clientCache struct {
	mu   sync.RWMutex
	byID map[auth.ClientID]cachedClient // guarded by mu
}

type cachedClient struct {
	auth.Client
	until time.Time
}

func (c *clientCache) get(now time.Time, id auth.ClientID) (auth.Client, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	entry, ok := c.byID[id]
	return entry.Client, ok && now.Before(entry.until)
}

func (c *clientCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.byID)
}

func (c *clientCache) put(now time.Time, client auth.Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byID == nil {
		c.byID = make(map[auth.ClientID]cachedClient)
	}
	c.byID[client.ID] = cachedClient{client, now.Add(clientsFresh)}
}
