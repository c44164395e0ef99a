package budget

import (
	"net/netip"
	"time"
)

// Start charges a sign-in that is begun to the address and to the client, or to
// neither: *Spent. client is the ID of a client that exists; "" when none is named.
//
// crowded says that the address begins more than Limits.Crowd: whoever lures many
// people begins many sign-ins. It refuses nothing, and what is refused does not add to it.
func (b *Budgets) Start(now time.Time, from netip.Addr, client string) (crowded bool, err error) {
	if b == nil {
		return false, nil
	}
	if wait := b.starts.Take(now, from); wait > 0 {
		return false, spent(wait)
	}
	if wait := b.startOf(now, client); wait > 0 {
		b.starts.Return(from)
		return false, spent(wait)
	}
	return b.crowd.Exceeds(now, from), nil
}

// MayStart charges nothing: *Spent when Start would refuse the address, whatever the
// client. It is for who wants to know before there is anything to do.
func (b *Budgets) MayStart(now time.Time, from netip.Addr) error {
	if b == nil {
		return nil
	}
	return spent(b.starts.Wait(now, from))
}

func (b *Budgets) startOf(now time.Time, client string) time.Duration {
	if client == "" {
		return 0
	}
	return b.clients.Take(now, client)
}
