package phone

import (
	"net/netip"
	"testing"

	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/mobileweb"
)

func TestPlace(t *testing.T) {
	tests := []struct {
		name, desktop, phone string
		want                 mobileweb.Network
	}{
		{"the same address", "192.0.2.7", "192.0.2.7", mobileweb.NetworkSame},
		{"the same /24", "192.0.2.7", "192.0.2.200", mobileweb.NetworkSame},
		{"another /24", "192.0.2.7", "192.0.3.7", mobileweb.NetworkOther},
		{"the same /64", "2001:db8::1", "2001:db8::ffff", mobileweb.NetworkSame},
		{"another /64", "2001:db8::1", "2001:db8:0:1::1", mobileweb.NetworkOther},
		{"both on this machine", "127.0.0.1", "::1", mobileweb.NetworkSame},
		{"IPv4 and IPv6, of which nothing can be said", "192.0.2.7", "2001:db8::1", mobileweb.NetworkUnknown},
		{"an address that nobody knows", "", "192.0.2.7", mobileweb.NetworkUnknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			desktop, _ := netip.ParseAddr(tt.desktop)
			phone, _ := netip.ParseAddr(tt.phone)
			if got := placeOf(desktop, phone).Network; got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestNothingIsSaidOfPlacesBehindAProxyThatNobodyNamed(t *testing.T) {
	f := &Face{Config: Config{AddressesUnsure: true}}
	g := grant.Grant{Origin: netip.MustParseAddr("10.0.0.1")}
	if got := f.place(nil, g); got != (mobileweb.Place{Network: mobileweb.NetworkUnknown}) {
		t.Errorf("got %+v, want nothing known", got)
	}
}
