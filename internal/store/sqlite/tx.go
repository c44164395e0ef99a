package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/qrauthd/qrauthd/internal/store"
)

// tx is a transaction on a connection that somebody else has begun and will end.
type tx struct {
	ctx context.Context
	// below is ctx without its cancellation, for the driver, which would start a
	// goroutine a statement to watch over it. Statements here take microseconds:
	// that ctx still stands is asked before each of them instead.
	below  context.Context
	conn   *sql.Conn // nil once the transaction is over
	writer *session  // nil in a View
	saved  bool      // the savepoint is set, which the first write does
	broken error     // the storage failed: nothing that was written before may be kept
}

var _ store.Tx = (*tx)(nil)

func newTx(ctx context.Context, conn *sql.Conn) *tx {
	return &tx{ctx: ctx, below: context.WithoutCancel(ctx), conn: conn}
}

func (t *tx) usable() error {
	if t.conn == nil {
		return errOver
	}
	if t.broken != nil {
		return t.broken
	}
	return t.ctx.Err()
}

// note keeps the first failure of the storage, which a caller's function could swallow.
func (t *tx) note(err error) error {
	err = failure(err)
	if t.broken == nil && errors.Is(err, store.ErrUnavailable) {
		t.broken = err
	}
	return err
}

// exec runs a statement that writes, and returns how many rows it touched.
func (t *tx) exec(query string, args ...any) (int64, error) {
	if err := t.usable(); err != nil {
		return 0, err
	}
	if t.writer == nil {
		return 0, errReadOnly
	}
	if !t.saved {
		if err := t.writer.savepoint(t.below); err != nil {
			return 0, t.note(err)
		}
		t.saved = true
	}
	res, err := t.conn.ExecContext(t.below, query, args...)
	if err != nil {
		return 0, t.note(err)
	}
	return res.RowsAffected()
}

// add runs an INSERT.
func (t *tx) add(what, query string, args ...any) error {
	if _, err := t.exec(query, args...); err != nil {
		return fmt.Errorf("add %s: %w", what, err)
	}
	return nil
}

// change runs an UPDATE or DELETE of one record, which must be there.
func (t *tx) change(what, query string, args ...any) error {
	n, err := t.exec(query, args...)
	if err == nil && n == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("change %s: %w", what, err)
	}
	return nil
}

// whole runs several statements of which either all or none are to stay, even
// if the caller's function goes on after the error.
func (t *tx) whole(fn func() error) error {
	if _, err := t.exec("SAVEPOINT whole"); err != nil {
		return err
	}
	err := fn()
	if err != nil {
		if _, undo := t.exec("ROLLBACK TO whole"); undo != nil {
			return undo
		}
	}
	if _, end := t.exec("RELEASE whole"); end != nil {
		return end
	}
	return err
}

// row is what a record is scanned from.
type row interface{ Scan(dest ...any) error }

// one reads the record that the query finds.
func one[T any](t *tx, what string, scan func(row) (T, error), query string, args ...any) (T, error) {
	var none T
	if err := t.usable(); err != nil {
		return none, err
	}
	v, err := scan(t.conn.QueryRowContext(t.below, query, args...))
	if err != nil {
		return none, fmt.Errorf("read %s: %w", what, t.note(err))
	}
	return v, nil
}

// all reads every record that the query finds, in its order.
func all[T any](t *tx, what string, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	if err := t.usable(); err != nil {
		return nil, err
	}
	rows, err := t.conn.QueryContext(t.below, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, t.note(err))
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", what, t.note(err))
		}
		list = append(list, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", what, t.note(err))
	}
	return list, nil
}

// take reads a record that works once and deletes it. It needs to write, and so
// fails in a View.
func take[T any](t *tx, what string, scan func(row) (T, error), find, remove string, key any) (T, error) {
	v, err := one(t, what, scan, find, key)
	if err != nil {
		return v, err
	}
	return v, t.change(what, remove, key)
}
