package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/qrauthd/qrauthd/internal/store"
)

// pruneBatch bounds the records of one transaction, so that pruning never holds
// the writer for long.
const pruneBatch = 500

// Prune implements store.Store. When it fails it has still deleted what it counts.
func (db *DB) Prune(ctx context.Context, now time.Time) (store.Pruned, error) {
	var p store.Pruned
	for _, noun := range []struct {
		name  string
		count *int
		prune func(t *tx, now time.Time, limit int) (int, error)
	}{
		{"grants", &p.Grants, (*tx).pruneGrants},
		{"sessions", &p.Sessions, expired("sessions", "rowid")},
		{"browsers", &p.Browsers, expired("browsers", "rowid")},
		{"invitations", &p.Invitations, expired("invitations", "rowid")},
		{"ceremonies", &p.Ceremonies, expired("ceremonies", "rowid")},
		{"keys", &p.Keys, expired("keys", "rowid")},
		{"replays", &p.Replays, expired("replays", "hash")},
		{"familiars", &p.Familiars, (*tx).pruneFamiliars},
		{"blocks", &p.Blocks, expired("blocks", "rowid")},
		{"messages", &p.Messages, (*tx).pruneMessages},
	} {
		n, err := db.pruneAll(ctx, now, noun.prune)
		*noun.count = n
		if err != nil {
			return p, fmt.Errorf("prune %s: %w", noun.name, err)
		}
	}
	return p, nil
}

func (db *DB) pruneAll(ctx context.Context, now time.Time, prune func(*tx, time.Time, int) (int, error)) (total int, err error) {
	for {
		var n int
		err := db.Update(ctx, func(t store.Tx) (err error) {
			n, err = prune(t.(*tx), now, pruneBatch)
			return err
		})
		if err != nil {
			return total, err
		}
		total += n
		if n < pruneBatch {
			return total, nil
		}
	}
}

// expired deletes what is past its time from a table, found by its key. Both
// names are this package's own words.
func expired(table, key string) func(*tx, time.Time, int) (int, error) {
	query := `DELETE FROM ` + table + ` WHERE ` + key + ` IN (
		SELECT ` + key + ` FROM ` + table + ` WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`
	return func(t *tx, now time.Time, limit int) (int, error) {
		n, err := t.exec(query, instant(now), limit)
		return int(n), err
	}
}
