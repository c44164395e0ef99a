package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/qrauthd/qrauthd/internal/store"
)

// View implements store.Store. The reading is fixed by its first statement.
func (db *DB) View(ctx context.Context, fn func(store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	conn, err := db.readers.Conn(ctx)
	if err != nil {
		return readerFailure(ctx, err)
	}
	defer conn.Close()
	t := newTx(ctx, conn)
	if _, err := conn.ExecContext(t.below, "BEGIN"); err != nil {
		return failure(err)
	}
	defer t.endReading()
	return fn(t)
}

// endReading gives the connection back without a transaction, or not at all.
func (t *tx) endReading() {
	conn := t.conn
	t.conn = nil
	if _, err := conn.ExecContext(t.below, "ROLLBACK"); err != nil {
		discard(conn)
	}
}

func readerFailure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, sql.ErrConnDone) || unavailable(err) {
		return failure(err)
	}
	return errClosed // database/sql has no name for what a closed pool reports
}

// discard closes the connection behind conn instead of keeping it for reuse.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
}
