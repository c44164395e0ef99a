package sqlite

import (
	"context"
	"errors"
	"sync"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/store"
)

// View implements store.Store. The reading is fixed by its first statement.
func (db *DB) View(ctx context.Context, fn func(store.Tx) error) error {
	return db.checkup.viewed(db.view(ctx, fn))
}

func (db *DB) view(ctx context.Context, fn func(store.Tx) error) error {
	t, err := db.readers.begin(ctx)
	if err != nil {
		return err
	}
	defer db.readers.end(t)
	if _, err := t.conn.exec(beginReading); err != nil {
		return t.note(err)
	}
	return fn(t)
}

// Glance implements store.Store. A single statement is a reading of its own.
func (db *DB) Glance(ctx context.Context, id auth.GrantID) (g grant.Glance, err error) {
	t, err := db.readers.begin(ctx)
	if err != nil {
		return g, db.checkup.viewed(err)
	}
	defer db.readers.end(t)
	g, err = one(t, "grant", scanGlance, glance, string(id))
	return g, db.checkup.viewed(err)
}

// readers are the connections that cannot write. They are opened when there is
// none to spare, up to a number, and stay open. The one that was given back last
// goes out first: its memory is the warmest.
type readers struct {
	connector *connector
	places    chan struct{} // one for each that is out
	closed    chan struct{}
	close     func() error

	mu    sync.Mutex
	spare []*conn // guarded by mu
}

func newReaders(c *connector, n int) *readers {
	r := &readers{connector: c, places: make(chan struct{}, n), closed: make(chan struct{})}
	r.close = sync.OnceValue(r.shut)
	return r
}

// take waits for a connection by ctx. It is to be given back or dropped.
func (r *readers) take(ctx context.Context) (*conn, error) {
	select {
	case r.places <- struct{}{}:
	default:
		select {
		case r.places <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-r.closed:
			return nil, errClosed
		}
	}
	c, err := r.open()
	if err != nil {
		<-r.places
	}
	return c, err
}

func (r *readers) open() (*conn, error) {
	select {
	case <-r.closed:
		return nil, errClosed
	default:
	}
	r.mu.Lock()
	if last := len(r.spare) - 1; last >= 0 {
		c := r.spare[last]
		r.spare = r.spare[:last]
		r.mu.Unlock()
		return c, nil
	}
	r.mu.Unlock()
	return r.connector.connect()
}

func (r *readers) give(c *conn) {
	r.mu.Lock()
	r.spare = append(r.spare, c)
	r.mu.Unlock()
	<-r.places
}

func (r *readers) drop(c *conn) {
	_ = c.close()
	<-r.places
}

// begin takes a connection for a transaction that reads, which end ends.
func (r *readers) begin(ctx context.Context) (*tx, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := r.take(ctx)
	if err != nil {
		return nil, failure(err)
	}
	return &tx{ctx: ctx, conn: c}, nil
}

// end gives the connection back without a transaction, or not at all.
func (r *readers) end(t *tx) {
	c := t.conn
	t.conn = nil
	var err error
	if !c.idle() {
		_, err = c.exec(rollback)
	}
	if err != nil || t.broken != nil && !passing(t.broken) {
		r.drop(c)
		return
	}
	r.give(c)
}

// shut lets those who read come to their end, and closes what they give back.
func (r *readers) shut() error {
	close(r.closed)
	for range cap(r.places) {
		r.places <- struct{}{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, c := range r.spare {
		errs = append(errs, c.close())
	}
	r.spare = nil
	return errors.Join(errs...)
}
