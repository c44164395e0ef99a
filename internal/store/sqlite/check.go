package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/qrauthd/qrauthd/internal/store"
)

const (
	// inspectionTime bounds one inspection, which keeps the log from being used anew.
	inspectionTime = 20 * time.Second
	// inspectionRest is the least time between two, and inspectionShare what part of
	// all the time they may take: one in so many.
	inspectionRest  = 2 * time.Second
	inspectionShare = 20
	// neighbours is for how long another process that has written is taken to run, and
	// so to wake at each commit here. Meanwhile a commit shows for spared that writing
	// works: a little less than lies between two looks of a server that nobody asks.
	neighbours = time.Minute
	spared     = 9 * time.Second
)

// touch writes a page of the file, and with it the log, and changes nothing: SQLite
// does not look whether the number is another (https://sqlite.org/pragma.html#pragma_user_version).
const touch = "PRAGMA user_version = 0"

// Check implements store.Store. What it writes takes the way of all writing, ahead of
// most. It writes each time, unless Watch has seen that another process uses the file,
// which then reads everything anew: then a commit of the last seconds is enough. Damage
// that any transaction has met is remembered until an inspection of the whole file finds
// none; Check begins one beside everything else and does not wait for it.
func (db *DB) Check(ctx context.Context) error {
	if err := db.checkup.known(); err != nil {
		return err
	}
	if err := db.checkup.inPlace(); err != nil {
		return err
	}
	var err error
	if !db.checkup.others.within(neighbours) || !db.writer.kept.within(spared) {
		err = db.checkup.touch(ctx, db.touch)
	}
	if err == nil {
		err = db.View(ctx, func(t store.Tx) error {
			_, err := t.AuditHead()
			return err
		})
	}
	return db.checkup.explain(err)
}

func (db *DB) touch() error {
	return db.Update(store.Ahead(db.checkup.ctx), func(t store.Tx) error {
		own := t.(*tx)
		_, err := own.exec(touch)
		own.wrote = err == nil
		return err
	})
}

// checkup is what a DB knows of its own health.
type checkup struct {
	path  string
	opts  Options
	files map[string]os.FileInfo // that the connections have open

	others  moment                // when Watch has seen that another process has written
	trouble atomic.Pointer[error] // why the newest Update failed; nil: it did not

	ctx  context.Context // of what goes on beside
	end  context.CancelFunc
	work sync.WaitGroup

	mu         sync.Mutex
	damage     error     // the newest that was met, until an inspection finds none; guarded by mu
	met        time.Time // when; guarded by mu
	rest       time.Time // no inspection before that; guarded by mu
	inspecting bool      // guarded by mu
	touching   *touching // the write under way, nil: none; guarded by mu
}

// touching is a write that somebody waits for.
type touching struct {
	done chan struct{}
	err  error // set when done is closed
}

// touch waits by ctx for the write, or for one that is under way: an Update that has
// been begun comes to its end whatever becomes of its context.
func (c *checkup) touch(ctx context.Context, write func() error) error {
	t, err := c.touched(ctx, write)
	if err != nil {
		return err
	}
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *checkup) touched(ctx context.Context, write func() error) (*touching, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case c.ctx.Err() != nil:
		return nil, errClosed
	case c.touching != nil:
		return c.touching, nil
	}
	t := &touching{done: make(chan struct{})}
	c.touching = t
	c.work.Go(func() {
		t.err = write()
		c.mu.Lock()
		defer c.mu.Unlock()
		c.touching = nil
		close(t.done)
	})
	return t, nil
}

// newCheckup is for a database that has just been opened.
func newCheckup(path string, opts Options) *checkup {
	c := &checkup{path: path, opts: opts, files: make(map[string]os.FileInfo, 3), others: newMoment()}
	c.ctx, c.end = context.WithCancel(context.Background())
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if info, err := os.Stat(name); err == nil {
			c.files[name] = info
		}
	}
	return c
}

// close ends what goes on beside, and lets nothing more begin.
func (c *checkup) close() {
	c.mu.Lock()
	c.end()
	c.mu.Unlock()
	c.work.Wait()
}

// inPlace fails when a file was moved, removed or replaced: what is written goes to
// the old one then, and nobody will find it after a restart.
func (c *checkup) inPlace() error {
	for name, opened := range c.files {
		info, err := os.Stat(name)
		if errors.Is(err, os.ErrNotExist) || err == nil && !os.SameFile(info, opened) {
			return becauseOf(store.CauseMoved, nil)
		}
	}
	return nil
}

// viewed notes what came of a View, and returns it.
func (c *checkup) viewed(err error) error {
	if err != nil {
		c.note(err)
	}
	return err
}

// updated notes what came of an Update, and returns it.
func (c *checkup) updated(err error) error {
	switch {
	case err == nil:
		if c.trouble.Load() != nil {
			c.trouble.Store(nil)
		}
	case errors.Is(err, store.ErrUnavailable):
		kept := err // in an answer without trouble nothing escapes to the heap
		c.trouble.Store(&kept)
		c.note(err)
	}
	return err
}

// note remembers damage.
func (c *checkup) note(err error) {
	var cause store.Cause
	if !errors.Is(err, store.ErrUnavailable) || !errors.As(err, &cause) || cause != store.CauseDamaged {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.damage, c.met = err, time.Now()
}

// explain tells why there was no time to find out, where it is known: a lock is
// waited for for longer than a check lasts.
func (c *checkup) explain(err error) error {
	switch {
	case c.ctx.Err() != nil:
		return errClosed
	case !errors.Is(err, context.DeadlineExceeded):
		return err
	}
	if trouble := c.trouble.Load(); trouble != nil {
		return *trouble
	}
	return becauseOf(store.CauseSlow, err)
}

// known is the damage that was met, and has it looked for.
func (c *checkup) known() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.damage != nil && !c.inspecting && c.ctx.Err() == nil && time.Now().After(c.rest) {
		c.inspecting = true
		c.work.Go(c.inspect)
	}
	return c.damage
}

// inspect forgets the damage if there is none any more: what was read wrongly is read
// rightly, or the page has been written anew.
func (c *checkup) inspect() {
	ctx, cancel := context.WithTimeout(c.ctx, inspectionTime)
	defer cancel()
	begun := time.Now()
	sound := isSound(ctx, c.path, c.opts)
	ended := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inspecting = false
	c.rest = ended.Add(max(inspectionRest, inspectionShare*ended.Sub(begun)))
	if sound && c.met.Before(begun) {
		c.damage = nil
	}
}

// isSound reads the whole file, over a connection of its own that has nothing in its
// cache. The quick check would not find out that an index lacks a row, which a
// transaction that meets it takes for damage.
func isSound(ctx context.Context, path string, opts Options) bool {
	db := sql.OpenDB(newConnector(path, opts, inspects))
	defer db.Close()
	var said string
	err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&said)
	return err == nil && said == "ok"
}
