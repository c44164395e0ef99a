package place_test

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qrauthd/qrauthd/internal/place"
	"github.com/qrauthd/qrauthd/internal/place/placetest"
)

// in is a database that knows one address, and places it in the city.
func in(t *testing.T, city string) (path string) {
	t.Helper()
	return placetest.City(t, map[string]placetest.Entry{"203.0.113.7": {Country: "DE", CountryName: "Germany", City: city}})
}

func nameOf(a *place.Atlas) string { return a.Look(netip.MustParseAddr("203.0.113.7")).Name }

// followed runs the test with an Atlas over one file, which is followed meanwhile.
func followed(t *testing.T, test func(t *testing.T, path string, a *place.Atlas, log *strings.Builder)) {
	path := in(t, "Frankfurt")
	synctest.Test(t, func(t *testing.T) {
		a := open(t, path)
		log := new(strings.Builder)
		ctx, cancel := context.WithCancel(t.Context())
		var work sync.WaitGroup
		work.Go(func() { a.Follow(ctx, slog.New(slog.NewTextHandler(log, nil))) })
		defer work.Wait()
		defer cancel()
		test(t, path, a, log)
	})
}

// aMinute passes, and what it brings about is done.
func aMinute() {
	time.Sleep(time.Minute)
	synctest.Wait()
}

// replace moves the new file to where the old one is, as updaters do.
func replace(t *testing.T, path, with string) {
	t.Helper()
	if err := os.Rename(with, path); err != nil {
		t.Fatal(err)
	}
}

// touch gives the file another time than it had.
func touch(t *testing.T, path string, ago time.Duration) {
	t.Helper()
	at := time.Unix(1_700_000_000, 0).Add(-ago)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestANewerFileIsTakenUpWithinAMinute(t *testing.T) {
	followed(t, func(t *testing.T, path string, a *place.Atlas, log *strings.Builder) {
		berlin := in(t, "Berlin")
		touch(t, berlin, 0) // older than the first: a file that was put back counts too
		replace(t, path, berlin)
		if got := nameOf(a); got != "Frankfurt, Germany" {
			t.Errorf("at once: got %q", got)
		}
		aMinute()
		if got := nameOf(a); got != "Berlin, Germany" {
			t.Errorf("a minute later: got %q, want Berlin", got)
		}
		for _, want := range []string{"places are known", "places replaced", "type=GeoIP2-Enterprise", "built=2000-01-01"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not tell %q:\n%s", want, log)
			}
		}
		aMinute()
		if got := strings.Count(log.String(), "places replaced"); got != 1 {
			t.Errorf("taken up %d times, want once", got)
		}
	})
}

func TestABrokenNewFileLeavesTheOldOneAndIsToldOnce(t *testing.T) {
	for name, broken := range map[string]func(t *testing.T, path string){
		"it is cut off": func(t *testing.T, path string) {
			if err := os.Truncate(path, 100); err != nil {
				t.Fatal(err)
			}
		},
		"it is empty": func(t *testing.T, path string) { replace(t, path, put(t, nil)) },
		"it is gone": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
		"it is of another kind": func(t *testing.T, path string) { replace(t, path, placetest.Of(t, "GeoIP2-Domain", nil)) },
		"it is a folder": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			followed(t, func(t *testing.T, path string, a *place.Atlas, log *strings.Builder) {
				broken(t, path)
				aMinute()
				aMinute()
				if got := nameOf(a); got != "Frankfurt, Germany" {
					t.Errorf("got %q, want what was known before", got)
				}
				if got := strings.Count(log.String(), "keep the old places"); got != 1 {
					t.Errorf("told %d times, want once:\n%s", got, log)
				}
				_ = os.Remove(path) // the folder
				replace(t, path, in(t, "Berlin"))
				aMinute()
				if got := nameOf(a); got != "Berlin, Germany" {
					t.Errorf("once it is mended: got %q, want Berlin", got)
				}
			})
		})
	}
}

func TestLookupsGoOnWhileFilesAreReplaced(t *testing.T) {
	followed(t, func(t *testing.T, path string, a *place.Atlas, _ *strings.Builder) {
		done := make(chan struct{})
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				for {
					if got := nameOf(a); got != "Frankfurt, Germany" && got != "Berlin, Germany" {
						t.Errorf("got %q, want either city", got)
						return
					}
					select {
					case <-done:
						return
					case <-time.After(time.Second):
					}
				}
			})
		}
		for i := range 10 {
			next := in(t, []string{"Berlin", "Frankfurt"}[i%2])
			touch(t, next, time.Duration(i)*time.Hour)
			replace(t, path, next)
			aMinute()
		}
		close(done)
		readers.Wait()
		if got := nameOf(a); got != "Frankfurt, Germany" {
			t.Errorf("in the end: got %q, want Frankfurt", got)
		}
	})
}
