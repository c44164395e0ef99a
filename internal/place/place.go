// Package place tells roughly where an address is, by MMDB files that the operator
// supplies: MaxMind's (GeoLite2, GeoIP2), and others in their layout, such as DB-IP's.
// Without one it knows nothing, and says so.
//
// A file is read into memory as a whole, never mapped: one that is truncated or
// overwritten while it is in use would end the process otherwise.
package place

import (
	"net/netip"

	"github.com/qrauthd/qrauthd/internal/auth"
)

// Place is what is known of an address. The zero Place is nothing.
type Place struct {
	Country  string // ISO 3166-1 alpha-2
	Name     string // for people, in English: "Frankfurt, Germany", or the country alone
	Operator string // for people: "Example Telecom"
	ASN      uint   // of the operator's autonomous system; 0: not known
}

// or is what the place says, and of the rest what the other one does. A country and
// its name come from one of them, as do a number and its operator.
func (p Place) or(other Place) Place {
	if p.Country == "" {
		p.Country, p.Name = other.Country, other.Name
	}
	if p.ASN == 0 && p.Operator == "" {
		p.ASN, p.Operator = other.ASN, other.Operator
	}
	return p
}

// somewhere is the place of a record's words, which are anybody's: whoever registers
// an autonomous system names it.
func somewhere(country, countryName, city string) Place {
	if !isCountry(country) {
		return Place{}
	}
	name := auth.CleanName(countryName)
	if name == "" {
		name = country
	}
	if city = auth.CleanName(city); city != "" {
		name = city + ", " + name
	}
	return Place{Country: country, Name: name}
}

// isCountry: ZZ is nobody's, and some files have it for what they do not know.
func isCountry(code string) bool {
	letter := func(c byte) bool { return c >= 'A' && c <= 'Z' }
	return len(code) == 2 && letter(code[0]) && letter(code[1]) && code != "ZZ"
}

// carrierGrade is what networks share behind one address (RFC 6598): a packet from
// there came from next door.
func carrierGrade() netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, 0, 0}), 10)
}

// public reports whether the address can be anywhere at all. What is private, local
// or nobody's is in no country, whatever a file says of it.
func public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !carrierGrade().Contains(a)
}
