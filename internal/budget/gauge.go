package budget

import (
	"net/netip"

	"github.com/qrauthd/qrauthd/internal/ratelimit"
)

// AcquireSocket takes a push socket's place for the address, if one is free. Whoever
// got one owes a ReleaseSocket.
func (b *Budgets) AcquireSocket(from netip.Addr) bool {
	return b == nil || b.sockets.Acquire(from)
}

// ReleaseSocket frees the place.
func (b *Budgets) ReleaseSocket(from netip.Addr) {
	if b != nil {
		b.sockets.Release(from)
	}
}

// AcquireWait takes a waiting page's place for the address, if one is free. Whoever got
// one owes a ReleaseWait.
func (b *Budgets) AcquireWait(from netip.Addr) bool {
	return b == nil || b.waits.Acquire(from)
}

// ReleaseWait frees the place.
func (b *Budgets) ReleaseWait(from netip.Addr) {
	if b != nil {
		b.waits.Release(from)
	}
}

// SocketsPerGrant is how many push sockets of one grant may be open; 0: any number.
func (b *Budgets) SocketsPerGrant() int {
	if b == nil {
		return 0
	}
	return b.limits.SocketsPerGrant
}

// Frames makes the budget of one socket's frames; nil: there is none.
func (b *Budgets) Frames() *ratelimit.Limiter {
	if b == nil {
		return nil
	}
	return ratelimit.New(b.limits.Frames)
}
