package phone

import (
	"net/netip"
	"testing"

	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/place"
	"github.com/qrauthd/qrauthd/internal/risk"
	"github.com/qrauthd/qrauthd/mobileweb"
)

func TestPlaces(t *testing.T) {
	at := grant.Grant{Origin: netip.MustParseAddr("192.0.2.7")}
	for name, tt := range map[string]struct {
		sight login.Sight
		want  mobileweb.Place
	}{
		"on the same network": {
			login.Sight{Grant: at, Distance: risk.Same, Placed: true},
			mobileweb.Place{Network: mobileweb.NetworkSame, Address: "192.0.2.7"},
		},
		"on another one, whose place is known": {
			login.Sight{Grant: at, Distance: risk.Other, Placed: true, Place: place.Place{Name: "Frankfurt, Germany", Operator: "Example Telecom"}},
			mobileweb.Place{Network: mobileweb.NetworkOther, Address: "192.0.2.7", Text: "Frankfurt, Germany", Operator: "Example Telecom"},
		},
		"behind a proxy that nobody named, nothing is said": {
			login.Sight{Grant: at, Distance: risk.Unknown},
			mobileweb.Place{Network: mobileweb.NetworkUnknown},
		},
		"of an address that nobody knows, nothing is said": {
			login.Sight{Distance: risk.Unknown, Placed: true},
			mobileweb.Place{Network: mobileweb.NetworkUnknown},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := placeOf(tt.sight); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestEveryReasonHasAWarning(t *testing.T) {
	for _, reason := range []risk.Reason{
		risk.OtherNetwork, risk.UnknownNetwork, risk.OtherCountry, risk.UnusualCountry, risk.OpenedTwice, risk.ManyStarts, risk.Reported,
	} {
		if _, ok := warnings[reason]; !ok {
			t.Errorf("%s: no page can say it", reason)
		}
	}
}
