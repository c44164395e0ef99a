package budget

import (
	"net/netip"

	"github.com/qrauthd/qrauthd/internal/ratelimit"
)

// AcquireSocket takes a push socket's place for the address, if one is free: that of a
// sign-in, or of who has not said hello. Whoever got one owes a ReleaseSocket.
func (b *Budgets) AcquireSocket(from netip.Addr) bool {
	return b == nil || b.sockets.Acquire(from)
}

// ReleaseSocket frees the place.
func (b *Budgets) ReleaseSocket(from netip.Addr) {
	if b != nil {
		b.sockets.Release(from)
	}
}

// AcquireSessionSocket takes the place of a session's push socket for the address, if
// one is free. Whoever got one owes a ReleaseSessionSocket. Desktops that are signed in
// stay for days, and must not keep those out that want to sign in.
func (b *Budgets) AcquireSessionSocket(from netip.Addr) bool {
	return b == nil || b.sessionSockets.Acquire(from)
}

// ReleaseSessionSocket frees the place.
func (b *Budgets) ReleaseSessionSocket(from netip.Addr) {
	if b != nil {
		b.sessionSockets.Release(from)
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

// SocketsPerGrant is how many push sockets of one grant, or of one session, may be
// open; 0: any number.
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
