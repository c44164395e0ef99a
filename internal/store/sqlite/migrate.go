package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/mattn/go-sqlite3"
	"github.com/pressly/goose/v3"

	"github.com/qrauthd/qrauthd/internal/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

func newMigrator(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, files,
		goose.WithSlog(slog.New(slog.DiscardHandler)), goose.WithDisableGlobalRegistry(true))
}

// checkOrigin refuses a database that a newer release or another program has
// written. It looks over a connection that cannot write, so that the file keeps
// every byte.
func checkOrigin(ctx context.Context, path string, opts Options) error {
	db := sql.OpenDB(newConnector(path, opts, inspects))
	defer db.Close()
	var tables, ours int
	err := db.QueryRowContext(ctx,
		`SELECT count(*), count(*) FILTER (WHERE name = ?) FROM sqlite_schema WHERE type = 'table'`,
		goose.DefaultTablename).Scan(&tables, &ours)
	if err != nil || tables == 0 {
		return err
	}
	if ours == 0 {
		return errors.New("the file is the database of another program")
	}
	var version int64
	if err := db.QueryRowContext(ctx,
		`SELECT coalesce(max(version_id), 0) FROM `+goose.DefaultTablename).Scan(&version); err != nil {
		return err
	}
	newest, err := newestMigration(db)
	if err != nil {
		return err
	}
	if version > newest {
		return fmt.Errorf("%w: its schema is %d, this version knows up to %d", store.ErrNewerSchema, version, newest)
	}
	return nil
}

func newestMigration(db *sql.DB) (int64, error) {
	m, err := newMigrator(db)
	if err != nil {
		return 0, err
	}
	sources := m.ListSources()
	return sources[len(sources)-1].Version, nil
}

// migrationPause lies between two tries to bring a schema up to date.
const migrationPause = 20 * time.Millisecond

// migrate brings the schema up to date. Another process that opens the same new
// file may be first with a migration, or be changing the file to WAL, of which
// SQLite says "busy" without waiting: the next try finds it done. Patience bounds
// the tries.
func migrate(ctx context.Context, db *sql.DB, patience time.Duration) error {
	m, err := newMigrator(db)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(patience); ; {
		_, err := m.Up(ctx)
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) || unavailable(err) && !busy(err) {
			return fmt.Errorf("bring the schema up to date: %w", err)
		}
		select {
		case <-time.After(migrationPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func busy(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrLocked)
}
