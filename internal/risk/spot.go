package risk

import "net/netip"

// Spot is where one end of a sign-in is, as far as that is known.
type Spot struct {
	Address netip.Addr // the zero Addr: not known, or not to be believed
	Country string     // ISO 3166-1 alpha-2; empty: not known
	// Operator names who runs the network, such as an autonomous system's number;
	// empty: not known.
	Operator string
}

// Distance is where two ends stand relative to each other.
type Distance int

// The distances.
const (
	Unknown Distance = iota // nothing is known of one of them, or they speak different protocols
	Same                    // one network
	Other                   // two networks
)

// The bits of an address that one network has in common.
const (
	networkBits4 = 24
	networkBits6 = 64
)

// Compare says how far two ends are from each other. The same network is the same
// /24 of IPv4 or /64 of IPv6, or this very machine.
func Compare(a, b Spot) Distance {
	x, y := a.Address.Unmap().WithZone(""), b.Address.Unmap().WithZone("")
	switch {
	case !x.IsValid() || !y.IsValid():
		return Unknown
	case x.IsLoopback() && y.IsLoopback():
		return Same
	case x.Is4() != y.Is4():
		// One network may give a desktop IPv4 and a phone IPv6. Two operators are two
		// networks; one operator may have any number of them, and whoever is among its
		// customers may choose the protocol.
		if a.Operator != "" && b.Operator != "" && a.Operator != b.Operator {
			return Other
		}
		return Unknown
	case NetworkOf(x) == NetworkOf(y):
		return Same
	}
	return Other
}

// abroad reports whether the two are in different countries, as far as that is known.
func abroad(a, b Spot) bool {
	return a.Country != "" && b.Country != "" && a.Country != b.Country
}

// NetworkOf names the network of an address; empty for none.
func NetworkOf(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	bits := networkBits6
	if a.Is4() {
		bits = networkBits4
	}
	p, err := a.Prefix(bits)
	if err != nil || !p.IsValid() {
		return ""
	}
	return p.String()
}
