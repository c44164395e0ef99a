package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/qrauthd/qrauthd/internal/store"
)

// The statements that frame a transaction.
const (
	beginReading = "BEGIN"
	beginWriting = "BEGIN IMMEDIATE"
	commit       = "COMMIT"
	rollback     = "ROLLBACK"
	save         = "SAVEPOINT caller"
	undo         = "ROLLBACK TO caller"
	release      = "RELEASE caller"
)

// tx is a transaction on a connection that somebody else has begun and will end.
type tx struct {
	// ctx is asked before each statement whether it still stands. They take
	// microseconds, so that none is broken off.
	ctx    context.Context
	conn   *conn // nil once the transaction is over
	writes bool  // false in a View
	saved  bool  // the savepoint is set, which the first write does
	wrote  bool  // a record was
	broken error // the storage failed: nothing that was written before may be kept
	// had is whose user codes were read or written last in this transaction, so that
	// SetGrant need not read them again.
	had ownCodes
}

var _ store.Tx = (*tx)(nil)

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
	if !t.writes {
		return 0, errReadOnly
	}
	if !t.saved {
		if _, err := t.conn.exec(save); err != nil {
			return 0, t.note(err)
		}
		t.saved = true
	}
	n, err := t.conn.exec(query, args...)
	if err != nil {
		return 0, t.note(err)
	}
	t.wrote = t.wrote || n > 0
	return n, nil
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

func (t *tx) query(query string, args ...any) (*statement, error) {
	if err := t.usable(); err != nil {
		return nil, err
	}
	return t.conn.query(query, args...)
}

// one reads the record that the query finds.
func one[T any](t *tx, what string, scan func(*row) T, query string, args ...any) (v T, err error) {
	s, err := t.query(query, args...)
	if err != nil {
		return v, fmt.Errorf("read %s: %w", what, t.note(err))
	}
	defer s.end()
	found := s.next()
	if found {
		v = scan(&s.row)
	}
	if s.row.err != nil {
		return v, fmt.Errorf("read %s: %w", what, t.note(s.row.err))
	}
	if !found {
		return v, fmt.Errorf("read %s: %w", what, store.ErrNotFound)
	}
	return v, nil
}

// all reads every record that the query finds, in its order.
func all[T any](t *tx, what string, scan func(*row) T, query string, args ...any) (list []T, err error) {
	s, err := t.query(query, args...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, t.note(err))
	}
	defer s.end()
	for s.next() && s.row.err == nil {
		list = append(list, scan(&s.row))
	}
	if s.row.err != nil {
		return nil, fmt.Errorf("read %s: %w", what, t.note(s.row.err))
	}
	return list, nil
}

// take reads a record that works once and deletes it. It needs to write, and so
// fails in a View.
func take[T any](t *tx, what string, scan func(*row) T, find, remove string, key any) (T, error) {
	v, err := one(t, what, scan, find, key)
	if err != nil {
		return v, err
	}
	return v, t.change(what, remove, key)
}
