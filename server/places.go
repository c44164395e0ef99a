package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/qrauthd/qrauthd/internal/place"
)

// checkPlaces sees that the files are there. What is in them is read once, by openPlaces.
func (c Config) checkPlaces() error {
	var faults []error
	for i, path := range c.Places {
		switch info, err := os.Stat(path); {
		case path == "":
			faults = append(faults, errors.New("places.files has an empty name: leave it out"))
		case slices.Contains(c.Places[:i], path):
			faults = append(faults, fmt.Errorf("places.files names %s twice: leave one out", path))
		case err != nil:
			faults = append(faults, fmt.Errorf("places.files: %w: name an MMDB file that the server's user may read, or leave it out", err))
		case !info.Mode().IsRegular():
			faults = append(faults, fmt.Errorf("places.files: %s is no file: name an MMDB file such as GeoLite2-City.mmdb", path))
		}
	}
	return errors.Join(faults...)
}

// openPlaces reads the files before the database is touched.
func (s *Server) openPlaces(context.Context) (err error) {
	if len(s.config.Places) == 0 {
		return nil
	}
	if s.atlas, err = place.Open(s.config.Places...); err != nil {
		return &ConfigError{prefixed("places.files", err)}
	}
	return nil
}
