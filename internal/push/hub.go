// Package push wakes whoever waits for a grant to change: a desktop's socket, a
// phone's long poll.
//
// The hub carries no state and no secrets. It says only "this grant has
// changed"; the one who waits reads the store and so always sees the newest
// truth, whatever order two publishers came in. Publish after the commit,
// subscribe before the read, and nothing falls between.
package push

import (
	"sync"

	"github.com/qrauthd/qrauthd/internal/auth"
)

// Hub knows who waits for which grant on this node. The zero value is ready.
type Hub struct {
	mu      sync.Mutex
	waiters map[auth.GrantID]map[*Subscription]struct{} // guarded by mu
}

// Subscription is one waiter's place in the hub.
type Subscription struct {
	hub  *Hub
	id   auth.GrantID
	wake func()
}

// Subscribe calls wake after each Publish of the grant, until the subscription
// is closed. Wake must not block and must not call the hub: a publisher is
// waiting. Several publications may lead to several calls or be seen as one.
func (h *Hub) Subscribe(id auth.GrantID, wake func()) *Subscription {
	s := &Subscription{hub: h, id: id, wake: wake}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiters == nil {
		h.waiters = make(map[auth.GrantID]map[*Subscription]struct{})
	}
	if h.waiters[id] == nil {
		h.waiters[id] = make(map[*Subscription]struct{}, 1)
	}
	h.waiters[id][s] = struct{}{}
	return s
}

// Close ends the subscription. A wake that has begun may still be running.
// Closing twice is no error.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	delete(s.hub.waiters[s.id], s)
	if len(s.hub.waiters[s.id]) == 0 {
		delete(s.hub.waiters, s.id)
	}
}

// Publish wakes all who wait for the grant.
func (h *Hub) Publish(id auth.GrantID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.waiters[id] {
		s.wake()
	}
}

// PublishAll wakes everybody: any grant may have changed.
func (h *Hub) PublishAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, set := range h.waiters {
		for s := range set {
			s.wake()
		}
	}
}

// Waiting is the number of subscriptions.
func (h *Hub) Waiting() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, set := range h.waiters {
		n += len(set)
	}
	return n
}

// Signal is a wake function with a channel to wait on: a slot of one, so that a
// slow reader never holds up a publisher and misses nothing but repetitions.
func Signal() (wake func(), c <-chan struct{}) {
	slot := make(chan struct{}, 1)
	return func() {
		select {
		case slot <- struct{}{}:
		default:
		}
	}, slot
}
