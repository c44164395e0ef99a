package place

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"
)

// checkEvery is how often the files are looked at for newer ones.
const checkEvery = 30 * time.Second

// Atlas looks places up. A nil Atlas knows nothing. It is safe for concurrent use.
type Atlas struct{ files []*file }

// Open reads the files, of which each may tell of cities, countries or network
// operators, or of all of these. Where two tell of the same, the first has the word.
// The error has the faults of all files. Close it in the end.
func Open(paths ...string) (*Atlas, error) {
	a := new(Atlas)
	var faults []error
	for _, path := range paths {
		f, err := openFile(path)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		a.files = append(a.files, f)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return a, nil
}

// Look finds the address. What is private, local or not in the files is the zero Place.
func (a *Atlas) Look(addr netip.Addr) Place {
	addr = addr.Unmap().WithZone("")
	if a == nil || !public(addr) {
		return Place{}
	}
	var p Place
	for _, f := range a.files {
		p = p.or(f.look(addr))
	}
	return p
}

// Follow takes up newer files, within a minute, until ctx ends. One that cannot be used
// is logged, and what was read before stays. It is to run once at a time.
func (a *Atlas) Follow(ctx context.Context, log *slog.Logger) {
	if a == nil || len(a.files) == 0 {
		return
	}
	a.tell(log)
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, f := range a.files {
			f.refresh(log)
		}
	}
}

// tell logs what is known, and how old it is.
func (a *Atlas) tell(log *slog.Logger) {
	for _, f := range a.files {
		f.tell(log, "places are known")
	}
}

// Close lets go of what was read: from then on nothing is known.
func (a *Atlas) Close() error {
	if a == nil {
		return nil
	}
	for _, f := range a.files {
		f.edition.Store(new(edition))
	}
	return nil
}
