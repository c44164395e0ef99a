package ratelimit

import (
	"net/netip"
	"time"
)

// AddressKey is the key of a peer's address: the address itself for IPv4, its
// /64 for IPv6, since that much is what one network usually has.
func AddressKey(a netip.Addr) string { return prefixKey(a, 64) }

func prefixKey(a netip.Addr, bits int) string {
	a = a.Unmap().WithZone("")
	if p, err := a.Prefix(bits); err == nil && a.Is6() {
		return p.String()
	}
	return a.String()
}

const (
	// subscriberBits is the most that one IPv6 subscriber is usually given: 65,536
	// networks, which must not be as many budgets.
	subscriberBits = 48
	// subscriberFactor is how many times one network's budget a subscriber has.
	subscriberFactor = 5
)

// Addresses is a budget of each peer by its address, and for IPv6 another, wider
// one of the subscriber that holds many networks. A nil Addresses allows all.
type Addresses struct{ network, subscriber *Limiter }

// NewAddresses makes the budgets. A rate without a count is no limit: it returns nil.
func NewAddresses(rate Rate) *Addresses {
	network := New(rate)
	if network == nil {
		return nil
	}
	return &Addresses{network, New(Rate{Count: rate.Count * subscriberFactor, Per: rate.Per})}
}

// Take spends one of the peer's budget, or returns how long to wait for one.
func (a *Addresses) Take(now time.Time, peer netip.Addr) (wait time.Duration) {
	if a == nil {
		return 0
	}
	if wait := a.subscriber.Take(now, prefixKey(peer, subscriberBits)); wait > 0 {
		return wait
	}
	if wait := a.network.Take(now, AddressKey(peer)); wait > 0 {
		a.subscriber.Return(prefixKey(peer, subscriberBits))
		return wait
	}
	return 0
}

// Return gives back one that was taken and turned out to cost nothing.
func (a *Addresses) Return(peer netip.Addr) {
	if a == nil {
		return
	}
	a.subscriber.Return(prefixKey(peer, subscriberBits))
	a.network.Return(AddressKey(peer))
}
