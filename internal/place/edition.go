package place

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/oschwald/geoip2-golang/v2"

	"github.com/qrauthd/qrauthd/internal/auth"
)

// edition is what one state of a file says. It never changes.
type edition struct {
	look  func(netip.Addr) (Place, error) // nil: it says nothing
	kind  string                          // as the file calls itself: "GeoLite2-City"
	built time.Time
}

// newEdition reads an MMDB file, which it keeps.
func newEdition(text []byte) (*edition, error) {
	db, err := geoip2.OpenBytes(text)
	if unknown := (geoip2.UnknownDatabaseTypeError{}); errors.As(err, &unknown) {
		return nil, unsuitable(unknown.DatabaseType)
	}
	if err != nil {
		return nil, fmt.Errorf("it is no whole MMDB file: %w", err)
	}
	about := db.Metadata()
	look, err := lookupOf(db)
	if err != nil {
		return nil, err
	}
	return &edition{look, about.DatabaseType, about.BuildTime()}, nil
}

func unsuitable(kind string) error {
	return fmt.Errorf("a database of the type %q tells nothing of places: use one of cities, countries or "+
		"autonomous systems in MaxMind's layout, such as GeoLite2-City, GeoLite2-ASN or DBIP-City-Lite", kind)
}

// lookupOf is the lookup that the database is made for: the first that it does not refuse.
func lookupOf(db *geoip2.Reader) (func(netip.Addr) (Place, error), error) {
	for _, look := range []func(netip.Addr) (Place, error){combined(db), city(db), operator(db)} {
		_, err := look(netip.IPv4Unspecified())
		var not geoip2.InvalidMethodError
		switch {
		case errors.As(err, &not):
			continue
		case err != nil:
			return nil, fmt.Errorf("it cannot be read: %w", err)
		}
		return look, nil
	}
	return nil, unsuitable(db.Metadata().DatabaseType)
}

// combined looks up in databases that tell of cities and of operators.
func combined(db *geoip2.Reader) func(netip.Addr) (Place, error) {
	return func(a netip.Addr) (Place, error) {
		r, err := db.Enterprise(a)
		if err != nil {
			return Place{}, err
		}
		p := somewhere(r.Country.ISOCode, r.Country.Names.English, r.City.Names.English)
		p.ASN, p.Operator = r.Traits.AutonomousSystemNumber, auth.CleanName(r.Traits.AutonomousSystemOrganization)
		return p, nil
	}
}

// city looks up in databases of cities, and in those of countries, which have none.
func city(db *geoip2.Reader) func(netip.Addr) (Place, error) {
	return func(a netip.Addr) (Place, error) {
		r, err := db.City(a)
		if err != nil {
			return Place{}, err
		}
		return somewhere(r.Country.ISOCode, r.Country.Names.English, r.City.Names.English), nil
	}
}

// operator looks up in databases of autonomous systems.
func operator(db *geoip2.Reader) func(netip.Addr) (Place, error) {
	return func(a netip.Addr) (Place, error) {
		r, err := db.ASN(a)
		if err != nil {
			return Place{}, err
		}
		return Place{ASN: r.AutonomousSystemNumber, Operator: auth.CleanName(r.AutonomousSystemOrganization)}, nil
	}
}
