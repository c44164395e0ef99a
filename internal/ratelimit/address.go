package ratelimit

import "net/netip"

// AddressKey is the key of a peer's address: the address itself for IPv4, its
// /64 for IPv6, since that much is what one subscriber usually has.
func AddressKey(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		p, err := a.Prefix(64)
		if err == nil {
			return p.String()
		}
	}
	return a.String()
}
