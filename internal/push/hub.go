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
	waiters map[auth.GrantID]*Subscription // the newest of each grant; guarded by mu
	waiting int                            // subscriptions in all; guarded by mu
}

// Cause is why somebody is woken.
type Cause int

const (
	Changed    Cause = iota // the grant has just changed
	MayChanged              // any grant may have: to look is soon enough when there is time
)

// Subscription is one waiter's place in the hub. A grant has few, mostly one: they are
// a list, since a map for each would weigh more than all else here.
type Subscription struct {
	hub  *Hub
	id   auth.GrantID
	wake func(Cause)

	older *Subscription // of the same grant; guarded by hub.mu
	gone  bool          // guarded by hub.mu
}

// Subscribe calls wake after each Publish of the grant, and each PublishAll, until the
// subscription is closed. Wake must not block and must not call the hub: a publisher is
// waiting. Several publications may lead to several calls or be seen as one.
func (h *Hub) Subscribe(id auth.GrantID, wake func(Cause)) *Subscription {
	s := &Subscription{hub: h, id: id, wake: wake}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiters == nil {
		h.waiters = make(map[auth.GrantID]*Subscription)
	}
	s.older = h.waiters[id]
	h.waiters[id] = s
	h.waiting++
	return s
}

// Close ends the subscription. A wake that has begun may still be running.
// Closing twice is no error.
func (s *Subscription) Close() {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.gone {
		return
	}
	s.gone = true
	h.waiting--
	if left := without(h.waiters[s.id], s); left != nil {
		h.waiters[s.id] = left
	} else {
		delete(h.waiters, s.id)
	}
}

// without is the list, which s is in, without s.
func without(newest, s *Subscription) *Subscription {
	if newest == s {
		return s.older
	}
	newer := newest
	for newer.older != s {
		newer = newer.older
	}
	newer.older = s.older
	return newest
}

// Publish wakes all who wait for the grant.
func (h *Hub) Publish(id auth.GrantID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := h.waiters[id]; s != nil; s = s.older {
		s.wake(Changed)
	}
}

// PublishAll wakes everybody: any grant may have changed.
func (h *Hub) PublishAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, newest := range h.waiters {
		for s := newest; s != nil; s = s.older {
			s.wake(MayChanged)
		}
	}
}

// Waiting is the number of subscriptions.
func (h *Hub) Waiting() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.waiting
}

// Signal is a wake function with a channel to wait on: a slot of one, so that a
// slow reader never holds up a publisher and misses nothing but repetitions.
func Signal() (wake func(Cause), c <-chan struct{}) {
	slot := make(chan struct{}, 1)
	return func(Cause) {
		select {
		case slot <- struct{}{}:
		default:
		}
	}, slot
}
