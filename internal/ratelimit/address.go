package ratelimit

import (
	"net/netip"
	"time"
)

// AddressKey is the key of a peer's address: the address itself for IPv4, its
// /64 for IPv6, since that much is what one network usually has.
func AddressKey(a netip.Addr) string { return prefixKey(a, 64) }

// subscriberKey is the key of whoever holds the address's network and many others.
func subscriberKey(a netip.Addr) string { return prefixKey(a, subscriberBits) }

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

func (r Rate) ofSubscriber() Rate { return Rate{Count: r.Count * subscriberFactor, Per: r.Per} }

// Addresses is a budget of each peer by its address, and for IPv6 another, wider
// one of the subscriber that holds many networks. A nil Addresses allows all.
type Addresses struct{ network, subscriber *Limiter }

// NewAddresses makes the budgets. A rate without a count is no limit: it returns nil.
func NewAddresses(rate Rate) *Addresses {
	if rate.none() {
		return nil
	}
	return &Addresses{New(rate), New(rate.ofSubscriber())}
}

// Take spends one of the peer's budget, or returns how long to wait for one.
func (a *Addresses) Take(now time.Time, peer netip.Addr) (wait time.Duration) {
	if a == nil {
		return 0
	}
	if wait := a.subscriber.Take(now, subscriberKey(peer)); wait > 0 {
		return wait
	}
	if wait := a.network.Take(now, AddressKey(peer)); wait > 0 {
		a.subscriber.Return(subscriberKey(peer))
		return wait
	}
	return 0
}

// Wait is what Take would return. It spends nothing.
func (a *Addresses) Wait(now time.Time, peer netip.Addr) time.Duration {
	if a == nil {
		return 0
	}
	return max(a.subscriber.Wait(now, subscriberKey(peer)), a.network.Wait(now, AddressKey(peer)))
}

// Exceeds is Limiter.Exceeds of the peer's network or of its subscriber.
func (a *Addresses) Exceeds(now time.Time, peer netip.Addr) bool {
	if a == nil {
		return false
	}
	network := a.network.Exceeds(now, AddressKey(peer))
	subscriber := a.subscriber.Exceeds(now, subscriberKey(peer))
	return network || subscriber
}

// Return gives back one that was taken and turned out to cost nothing.
func (a *Addresses) Return(peer netip.Addr) {
	if a == nil {
		return
	}
	a.subscriber.Return(subscriberKey(peer))
	a.network.Return(AddressKey(peer))
}

// AddressWindow is Addresses as a Window. A nil AddressWindow allows all.
type AddressWindow struct{ network, subscriber *Window }

// NewAddressWindow makes the budgets. A rate without a count is no limit: it returns nil.
func NewAddressWindow(rate Rate) *AddressWindow {
	if rate.none() {
		return nil
	}
	return &AddressWindow{NewWindow(rate), NewWindow(rate.ofSubscriber())}
}

// Charges are the peer's budgets.
func (a *AddressWindow) Charges(peer netip.Addr) []Charge {
	if a == nil {
		return nil
	}
	return []Charge{{a.network, AddressKey(peer)}, {a.subscriber, subscriberKey(peer)}}
}

// AddressGauge is Addresses as a Gauge. A nil AddressGauge bounds nothing.
type AddressGauge struct{ network, subscriber *Gauge }

// NewAddressGauge makes the gauge; with max 0 or less there is no bound, and it is nil.
func NewAddressGauge(max int) *AddressGauge {
	if max <= 0 {
		return nil
	}
	return &AddressGauge{NewGauge(max), NewGauge(max * subscriberFactor)}
}

// Acquire takes a place for the peer, if one is free. Whoever got one owes a Release.
func (a *AddressGauge) Acquire(peer netip.Addr) bool {
	if a == nil {
		return true
	}
	if !a.network.Acquire(AddressKey(peer)) {
		return false
	}
	if !a.subscriber.Acquire(subscriberKey(peer)) {
		a.network.Release(AddressKey(peer))
		return false
	}
	return true
}

// Release frees a place.
func (a *AddressGauge) Release(peer netip.Addr) {
	if a == nil {
		return
	}
	a.network.Release(AddressKey(peer))
	a.subscriber.Release(subscriberKey(peer))
}
