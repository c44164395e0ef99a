package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/store/sqlite"
)

// growth measures by how much the database grows with each sign-in, and how much of
// that is left when what can be forgotten is.
func (b *bench) growth(ctx context.Context) error {
	file := filepath.Join(b.folder, "growth", "qrauthd.db")
	empty, grown, err := b.signInsIn(ctx, "growth", file)
	if err != nil {
		return err
	}
	b.grew("database: a sign-in", empty, grown)
	for _, later := range []struct {
		name string
		by   time.Duration
	}{
		{"database: a sign-in, its grant pruned", store.GrantKept + time.Hour},
		{"database: a sign-in, its session pruned as well", 60 * 24 * time.Hour},
	} {
		if err := prune(ctx, file, time.Now().Add(later.by)); err != nil {
			return err
		}
		pruned, err := readExtent(file)
		if err != nil {
			return err
		}
		b.grew(later.name, empty, pruned)
	}
	return nil
}

// signInsIn has desktops sign in at a server, and reads the file before and after, each
// time with the server stopped: then the write-ahead log is part of the file.
func (b *bench) signInsIn(ctx context.Context, name, file string) (empty, grown extent, err error) {
	const phones = 8
	s, err := b.open(ctx, name, phones)
	if err != nil {
		return empty, grown, err
	}
	if err := s.close(); err != nil {
		return empty, grown, err
	}
	if empty, err = readExtent(file); err != nil {
		return empty, grown, err
	}
	if err := b.reopen(ctx, s, name); err != nil {
		return empty, grown, err
	}
	_, err = s.signedIn(ctx, b.Growth)
	if err = errors.Join(err, s.close()); err != nil {
		return empty, grown, err
	}
	grown, err = readExtent(file)
	return empty, grown, err
}

// prune deletes from a file what the server will have deleted by then.
func prune(ctx context.Context, file string, now time.Time) error {
	db, err := sqlite.Open(ctx, file, sqlite.Options{})
	if err != nil {
		return err
	}
	_, err = db.Prune(ctx, now)
	return errors.Join(err, db.Close())
}

// grew reports a difference, for each sign-in.
func (b *bench) grew(name string, before, after extent) {
	each := func(bytes int64) float64 { return float64(bytes) / float64(b.Growth) }
	b.report.add(sectionGrowth,
		Figure{Name: name + ", pages in use", Unit: "bytes", Spread: only(each(after.used() - before.used())), Better: lower},
		Figure{Name: name + ", file", Unit: "bytes", Spread: only(each(after.size() - before.size())), Better: lower},
	)
}
