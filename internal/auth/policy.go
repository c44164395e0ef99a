package auth

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Demand is what it takes to approve a sign-in of some risk.
type Demand string

// The demands, each harder than the one before.
const (
	// DemandPasskey: the passkey, and nothing else.
	DemandPasskey Demand = "passkey"
	// DemandNumber: the passkey, and then a number that the phone shows and the person
	// types on the computer. Whoever lured the person here has no such person at theirs.
	DemandNumber Demand = "number"
	// DemandRefuse: it cannot be approved.
	DemandRefuse Demand = "refuse"
)

// demands are all of them, in their order.
func demands() []Demand { return []Demand{DemandPasskey, DemandNumber, DemandRefuse} }

// harder is the one of the two that asks for more. One that nobody knows counts as
// the hardest.
func harder(a, b Demand) Demand {
	if !slices.Contains(demands(), a) || !slices.Contains(demands(), b) {
		return DemandRefuse
	}
	if slices.Index(demands(), a) > slices.Index(demands(), b) {
		return a
	}
	return b
}

// Bounds of Policy.Unconfirmed, where it is not 0.
const (
	MinUnconfirmed = time.Minute
	MaxUnconfirmed = 7 * 24 * time.Hour
)

// Policy is what an operator demands of a client's sign-ins, beside the passkey that
// each of them takes.
type Policy struct {
	Medium Demand // of a request of medium risk
	High   Demand // of a request of high risk: DemandNumber or DemandRefuse
	// RequireKnownDevice lets only computers be approved that the account has had
	// before, by their DPoP key. One becomes known by the authorization code flow in
	// its own browser, to which this does not apply.
	RequireKnownDevice bool
	// Networks are where sign-ins may be started from; none: anywhere.
	Networks []netip.Prefix
	// ReducedScopes are what is left of the scopes of a request that is not of low
	// risk, and of an unconfirmed computer's; none: nothing is taken away.
	ReducedScopes Scopes
	// Unconfirmed is how long a computer that is new to the account has only the
	// ReducedScopes, unless the person confirms it before; 0: it is confirmed at once.
	Unconfirmed time.Duration
}

// DefaultPolicy is that of a client of which nobody has said anything.
func DefaultPolicy() Policy { return Policy{Medium: DemandNumber, High: DemandRefuse} }

// Allows reports whether a sign-in may be started from the address.
func (p Policy) Allows(a netip.Addr) bool {
	return len(p.Networks) == 0 || slices.ContainsFunc(p.Networks, func(n netip.Prefix) bool { return n.Contains(a.Unmap().WithZone("")) })
}

// Reduce is what is left of the scopes where they are reduced.
func (p Policy) Reduce(s Scopes) Scopes {
	if len(p.ReducedScopes) == 0 {
		return s
	}
	return s.And(p.ReducedScopes)
}

// Validate reports all that is wrong with the policy at once, each with what to do.
// Each fault begins with the name of the setting that it is about.
func (p Policy) Validate() error {
	return errors.Join(
		p.checkMedium(),
		p.checkHigh(),
		checkNetworks(p.Networks),
		checkReduced(p.ReducedScopes),
		p.checkUnconfirmed(),
	)
}

func (p Policy) checkMedium() error {
	if !slices.Contains(demands(), p.Medium) {
		return fmt.Errorf("medium %q is not known: use passkey, number or refuse", p.Medium)
	}
	return nil
}

func (p Policy) checkHigh() error {
	switch {
	case p.High == DemandPasskey:
		return errors.New(`high "passkey" is too little: whoever relays a code to somebody far away gets their passkey with it; use number or refuse`)
	case !slices.Contains(demands(), p.High):
		return fmt.Errorf("high %q is not known: use number or refuse", p.High)
	case p.Medium == DemandRefuse && p.High != DemandRefuse:
		return fmt.Errorf("high %q asks for less than medium %q: use refuse for both, or number for medium", p.High, p.Medium)
	}
	return nil
}

func checkNetworks(list []netip.Prefix) error {
	var faults []error
	for _, n := range list {
		switch {
		case !n.IsValid():
			faults = append(faults, errors.New("networks has an entry that is no network: use addresses or networks such as 192.0.2.7 or 10.0.0.0/8"))
		case n.Bits() == 0:
			faults = append(faults, fmt.Errorf("networks has %s, which is everybody: leave networks out to allow all", n))
		case n != network(n):
			faults = append(faults, fmt.Errorf("networks has %s, which is not how that network is written: use %s", n, network(n)))
		}
	}
	return errors.Join(faults...)
}

func checkReduced(list Scopes) error {
	var faults []error
	for _, name := range list {
		if s, err := ParseScopes(name); err != nil || len(s) != 1 || s[0] != name {
			faults = append(faults, fmt.Errorf("reduced_scopes has %q, which is no scope: use one name for each, without spaces and quotes (RFC 6749 section 3.3)", name))
		}
	}
	return errors.Join(faults...)
}

func (p Policy) checkUnconfirmed() error {
	switch d := p.Unconfirmed; {
	case d == 0:
		return nil
	case d < MinUnconfirmed || d > MaxUnconfirmed || d%time.Second != 0:
		return fmt.Errorf("unconfirmed %s is out of bounds: use whole seconds from %s to %s, or 0s for none", d, MinUnconfirmed, MaxUnconfirmed)
	case len(p.ReducedScopes) == 0:
		return fmt.Errorf("unconfirmed %s withholds nothing: name in reduced_scopes what a computer may have that is not confirmed", d)
	}
	return nil
}

// ParseNetwork reads a network, or an address as a network of its own, into the one
// form that Policy.Networks has it in.
func ParseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		return network(netip.PrefixFrom(addr, addr.BitLen())), nil
	}
	n, err := netip.ParsePrefix(text)
	if err != nil {
		return n, fmt.Errorf("%q is neither an address nor a network: use forms such as 192.0.2.7 or 10.0.0.0/8", text)
	}
	return network(n), nil
}

// network is the network without the bits of an address in it, and one of IPv4 where
// it is written as IPv6.
func network(n netip.Prefix) netip.Prefix {
	const mapped = 96 // bits before the IPv4 address (RFC 4291 section 2.5.5.2)
	if n.Addr().Is4In6() && n.Bits() >= mapped {
		n = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-mapped)
	}
	return n.Masked()
}
