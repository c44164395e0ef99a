package phone

import (
	"net/http"
	"net/netip"

	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/peer"
	"github.com/qrauthd/qrauthd/mobileweb"
)

// place is what a page may say of where the desktop is.
func (f *Face) place(r *http.Request, g grant.Grant) mobileweb.Place {
	if f.AddressesUnsure {
		return mobileweb.Place{Network: mobileweb.NetworkUnknown}
	}
	return placeOf(g.Origin, peer.Address(r))
}

// placeOf says where the desktop's address stands relative to the phone's: the
// same network is the same /24 of IPv4 or /64 of IPv6.
func placeOf(desktop, phone netip.Addr) mobileweb.Place {
	if !desktop.IsValid() || !phone.IsValid() {
		return mobileweb.Place{Network: mobileweb.NetworkUnknown}
	}
	place := mobileweb.Place{Network: mobileweb.NetworkOther, Address: desktop.String()}
	switch {
	case sameNetwork(desktop, phone), desktop.IsLoopback() && phone.IsLoopback():
		place.Network = mobileweb.NetworkSame
	case desktop.Is4() != phone.Is4():
		// One network may give a desktop IPv4 and a phone IPv6: nothing is known.
		place.Network = mobileweb.NetworkUnknown
	}
	return place
}

func sameNetwork(a, b netip.Addr) bool {
	bits := 24
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	return err == nil && p.Contains(b)
}
