// Package placetest makes databases of places for tests: small MMDB files in the
// layouts of those that operators buy.
package placetest

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// Entry is what a database says of a network. What is empty is left out.
type Entry struct {
	Country     string // ISO 3166-1 alpha-2
	CountryName string
	City        string
	ASN         uint
	Operator    string
}

// City writes a database that tells all that the entries say, by network
// ("203.0.113.0/24") or address, and returns the path of the file. Networks for
// documentation (RFC 5737, RFC 3849) are as good as others.
func City(t testing.TB, entries map[string]Entry) (path string) {
	t.Helper()
	return Of(t, "GeoIP2-Enterprise", entries)
}

// Of writes a database of a type: GeoLite2-City and GeoLite2-Country know nothing of
// operators, GeoLite2-ASN knows nothing else, and all others have the records of City.
func Of(t testing.TB, kind string, entries map[string]Entry) (path string) {
	t.Helper()
	switch kind {
	case "GeoLite2-City", "GeoLite2-Country":
		return write(t, kind, entries, Entry.city)
	case "GeoLite2-ASN":
		return write(t, kind, entries, Entry.operator)
	}
	return write(t, kind, entries, Entry.combined)
}

func write(t testing.TB, kind string, entries map[string]Entry, record func(Entry) mmdbtype.Map) string {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		DatabaseType: kind, Languages: []string{"en"}, RecordSize: 24, IncludeReservedNetworks: true,
		Description: map[string]string{"en": "made by a test"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for network, e := range entries {
		if err := tree.Insert(parse(t, network), record(e)); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), kind+".mmdb")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = tree.WriteTo(f)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// parse reads a network, or an address as the network of one.
func parse(t testing.TB, text string) *net.IPNet {
	t.Helper()
	p, err := netip.ParsePrefix(text)
	if err != nil {
		a, addrErr := netip.ParseAddr(text)
		if addrErr != nil {
			t.Fatal(err)
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

func (e Entry) city() mmdbtype.Map {
	m := mmdbtype.Map{}
	if e.Country != "" {
		country := mmdbtype.Map{"iso_code": mmdbtype.String(e.Country)}
		if e.CountryName != "" {
			country["names"] = names(e.CountryName)
		}
		m["country"] = country
	}
	if e.City != "" {
		m["city"] = mmdbtype.Map{"names": names(e.City)}
	}
	return m
}

func names(english string) mmdbtype.Map { return mmdbtype.Map{"en": mmdbtype.String(english)} }

func (e Entry) operator() mmdbtype.Map {
	m := mmdbtype.Map{}
	if e.ASN != 0 {
		m["autonomous_system_number"] = mmdbtype.Uint32(e.ASN)
	}
	if e.Operator != "" {
		m["autonomous_system_organization"] = mmdbtype.String(e.Operator)
	}
	return m
}

func (e Entry) combined() mmdbtype.Map {
	m := e.city()
	m["traits"] = e.operator()
	return m
}
