package place_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/place"
	"github.com/qrauthd/qrauthd/internal/place/placetest"
)

func open(t testing.TB, paths ...string) *place.Atlas {
	t.Helper()
	a, err := place.Open(paths...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func frankfurt() placetest.Entry {
	return placetest.Entry{Country: "DE", CountryName: "Germany", City: "Frankfurt", ASN: 64500, Operator: "Example Telecom"}
}

func TestLook(t *testing.T) {
	a := open(t, placetest.City(t, map[string]placetest.Entry{
		"203.0.113.0/24":   frankfurt(),
		"198.51.100.0/25":  {Country: "DE", CountryName: "Germany"},
		"198.51.100.128":   {Country: "FR"},
		"198.51.100.129":   {Country: "ZZ", CountryName: "Nowhere", City: "Nothing"},
		"198.51.100.130":   {Country: "Germany", CountryName: "Germany"},
		"198.51.100.131":   {ASN: 64501, Operator: "Your \u202eown\x00 network\n"},
		"2001:db8:1::/48":  frankfurt(),
		"10.0.0.0/8":       frankfurt(),
		"192.168.0.0/16":   frankfurt(),
		"100.64.0.0/10":    frankfurt(),
		"127.0.0.0/8":      frankfurt(),
		"169.254.0.0/16":   frankfurt(),
		"224.0.0.0/4":      frankfurt(),
		"fc00::/7":         frankfurt(),
		"fe80::/10":        frankfurt(),
		"100.128.0.0/16":   {Country: "US", CountryName: "United States"},
		"100.63.255.0/24":  {Country: "US", CountryName: "United States"},
		"2001:db8:ffff::1": {Country: "FR", CountryName: "France"},
	}))
	whole := place.Place{Country: "DE", Name: "Frankfurt, Germany", Operator: "Example Telecom", ASN: 64500}
	for name, tc := range map[string]struct {
		addr string
		want place.Place
	}{
		"all that can be known":                {"203.0.113.7", whole},
		"IPv6":                                 {"2001:db8:1:2::3", whole},
		"IPv4 in the clothes of IPv6":          {"::ffff:203.0.113.7", whole},
		"IPv6 with a zone":                     {"2001:db8:1:2::3%eth0", whole},
		"a country without a city":             {"198.51.100.1", place.Place{Country: "DE", Name: "Germany"}},
		"a country without a name":             {"198.51.100.128", place.Place{Country: "FR", Name: "FR"}},
		"what a file calls nobody's":           {"198.51.100.129", place.Place{}},
		"a country that is no code":            {"198.51.100.130", place.Place{}},
		"an operator that plays with its name": {"198.51.100.131", place.Place{ASN: 64501, Operator: "Your own network"}},
		"one address":                          {"2001:db8:ffff::1", place.Place{Country: "FR", Name: "France"}},
		"what is not in the file":              {"192.0.2.1", place.Place{}},
		"IPv6 that is not in the file":         {"2001:db8:2::1", place.Place{}},
		"below what carriers share":            {"100.63.255.255", place.Place{Country: "US", Name: "United States"}},
		"above what carriers share":            {"100.128.0.0", place.Place{Country: "US", Name: "United States"}},

		// Whatever the file says:
		"a private network":              {"10.1.2.3", place.Place{}},
		"another one":                    {"192.168.1.1", place.Place{}},
		"a private network of IPv6":      {"fd00::1", place.Place{}},
		"behind a carrier's translation": {"100.64.0.1", place.Place{}},
		"the last of those":              {"100.127.255.255", place.Place{}},
		"in the clothes of IPv6, too":    {"::ffff:100.64.0.1", place.Place{}},
		"this machine":                   {"127.0.0.1", place.Place{}},
		"this machine by IPv6":           {"::1", place.Place{}},
		"link-local":                     {"169.254.1.1", place.Place{}},
		"link-local of IPv6":             {"fe80::1%eth0", place.Place{}},
		"multicast":                      {"224.0.0.1", place.Place{}},
		"no address at all":              {"0.0.0.0", place.Place{}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, a.Look(netip.MustParseAddr(tc.addr))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.addr, diff)
			}
		})
	}
	if got := a.Look(netip.Addr{}); got != (place.Place{}) {
		t.Errorf("the zero address: got %+v, want nothing", got)
	}
}

func TestWhoHasNoFileKnowsNothing(t *testing.T) {
	var none *place.Atlas
	if got := none.Look(netip.MustParseAddr("203.0.113.7")); got != (place.Place{}) {
		t.Errorf("a nil Atlas: got %+v, want nothing", got)
	}
	none.Follow(t.Context(), nil) // returns at once
	if err := none.Close(); err != nil {
		t.Errorf("a nil Atlas: %v", err)
	}
	if got := open(t).Look(netip.MustParseAddr("203.0.113.7")); got != (place.Place{}) {
		t.Errorf("no files: got %+v, want nothing", got)
	}
	a := open(t, placetest.City(t, map[string]placetest.Entry{"203.0.113.0/24": frankfurt()}))
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if got := a.Look(netip.MustParseAddr("203.0.113.7")); got != (place.Place{}) {
		t.Errorf("after Close: got %+v, want nothing", got)
	}
}

func TestEachTypeSaysWhatItKnowsAndTheFirstFileHasTheWord(t *testing.T) {
	one := map[string]placetest.Entry{"203.0.113.0/24": frankfurt()}
	other := map[string]placetest.Entry{
		"203.0.113.0/24":  {Country: "FR", CountryName: "France", City: "Paris", ASN: 64502, Operator: "Other Telecom"},
		"198.51.100.0/24": {Country: "FR", CountryName: "France", City: "Paris", ASN: 64502, Operator: "Other Telecom"},
	}
	city := place.Place{Country: "DE", Name: "Frankfurt, Germany"}
	whole := place.Place{Country: "DE", Name: "Frankfurt, Germany", ASN: 64500, Operator: "Example Telecom"}
	for name, tc := range map[string]struct {
		paths []string
		want  place.Place
	}{
		"cities":              {[]string{placetest.Of(t, "GeoLite2-City", one)}, city},
		"cities, of DB-IP":    {[]string{placetest.Of(t, "DBIP-City-Lite", one)}, city},
		"countries":           {[]string{placetest.Of(t, "GeoLite2-Country", map[string]placetest.Entry{"203.0.113.0/24": {Country: "DE", CountryName: "Germany"}})}, place.Place{Country: "DE", Name: "Germany"}},
		"operators":           {[]string{placetest.Of(t, "GeoLite2-ASN", one)}, place.Place{ASN: 64500, Operator: "Example Telecom"}},
		"both in one":         {[]string{placetest.City(t, one)}, whole},
		"one of each":         {[]string{placetest.Of(t, "GeoLite2-City", one), placetest.Of(t, "GeoLite2-ASN", one)}, whole},
		"in the other order":  {[]string{placetest.Of(t, "GeoLite2-ASN", one), placetest.Of(t, "GeoLite2-City", one)}, whole},
		"two that contradict": {[]string{placetest.City(t, one), placetest.City(t, other)}, whole},
		"the first for cities, another for operators": {
			[]string{placetest.Of(t, "GeoLite2-City", one), placetest.City(t, other)},
			place.Place{Country: "DE", Name: "Frankfurt, Germany", ASN: 64502, Operator: "Other Telecom"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, open(t, tc.paths...).Look(netip.MustParseAddr("203.0.113.7"))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	a := open(t, placetest.City(t, one), placetest.City(t, other))
	if got := a.Look(netip.MustParseAddr("198.51.100.1")); got.Name != "Paris, France" {
		t.Errorf("what only the second knows: got %+v", got)
	}
}

// put makes a file of bytes.
func put(t *testing.T, text []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "x.mmdb")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func bytesOf(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOpenTellsWhatIsWrongWithAFile(t *testing.T) {
	good := placetest.City(t, map[string]placetest.Entry{"203.0.113.0/24": frankfurt()})
	whole := bytesOf(t, good)
	for name, tc := range map[string]struct{ path, want string }{
		"one that is not there":       {filepath.Join(t.TempDir(), "none.mmdb"), "no such file"},
		"a folder":                    {t.TempDir(), "no file of places"},
		"a device that never ends":    {"/dev/zero", "no file of places"},
		"an empty one":                {put(t, nil), "no whole MMDB file"},
		"words":                       {put(t, []byte("not a database")), "no whole MMDB file"},
		"one that lost its end":       {put(t, whole[:len(whole)/2]), "no whole MMDB file"},
		"one that lost its beginning": {put(t, whole[len(whole)/2:]), "no whole MMDB file"},
		"one of connections":          {placetest.Of(t, "GeoIP2-Connection-Type", nil), "tells nothing of places"},
		"one that nobody knows":       {placetest.Of(t, "Something Else", nil), `the type "Something Else" tells nothing`},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := place.Open(good, tc.path)
			if a != nil || err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), tc.path) {
				t.Errorf("got %v, %v, want a fault of %s with %q", a, err, tc.path, tc.want)
			}
		})
	}
	_, err := place.Open("/nowhere/one", good, "/nowhere/two")
	for _, want := range []string{"/nowhere/one", "/nowhere/two"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want the fault of %s as well", err, want)
		}
	}
}

func BenchmarkLook(b *testing.B) {
	entries := map[string]placetest.Entry{"203.0.113.0/24": frankfurt(), "2001:db8::/32": frankfurt()}
	for name, paths := range map[string][]string{
		"combined": {placetest.City(b, entries)},
		"two":      {placetest.Of(b, "GeoLite2-City", entries), placetest.Of(b, "GeoLite2-ASN", entries)},
	} {
		a := open(b, paths...)
		for _, addr := range []netip.Addr{netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("2001:db8::7"), netip.MustParseAddr("192.168.1.7")} {
			b.Run(name+"/"+addr.String(), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					a.Look(addr)
				}
			})
		}
	}
}
