package server

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/place/placetest"
)

func TestPlacesAreKnownFromTheFilesThatAreNamed(t *testing.T) {
	c := demoConfig(t)
	c.Places = []string{placetest.City(t, map[string]placetest.Entry{"192.0.2.0/24": {Country: "DE", CountryName: "Germany", City: "Frankfurt"}})}
	s := run(t, c, nil)
	if got := s.atlas.Look(netip.MustParseAddr("192.0.2.7")).Name; got != "Frankfurt, Germany" {
		t.Errorf("got %q, want Frankfurt", got)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.log.String(), "places are known") {
		t.Errorf("the log does not say so:\n%s", s.log)
	}
}

func TestAFileOfPlacesThatIsNoneIsAFaultOfTheConfiguration(t *testing.T) {
	c := demoConfig(t)
	bad := filepath.Join(t.TempDir(), "x.mmdb")
	if err := os.WriteFile(bad, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Places = []string{bad}
	_, err := New(t.Context(), c, Options{})
	var config *ConfigError
	if !errors.As(err, &config) || !strings.Contains(err.Error(), "places.files: "+bad) {
		t.Errorf("got %v, want a *ConfigError that names the file", err)
	}
	if _, err := os.Stat(c.DataDir); err == nil {
		t.Error("the data were touched")
	}
}
