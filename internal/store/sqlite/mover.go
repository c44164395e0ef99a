package sqlite

import (
	"context"
	"sync"
	"sync/atomic"
)

const (
	// moveAt is how many pages of the log make it worth while to move them into the
	// database: 8 MiB of them. At wal_autocheckpoint a commit does it, come what may.
	moveAt = 2000
	// quiet is the largest batch after which there is time for it. With more callers
	// than that, somebody else who writes to the disk would hold them up for longer
	// than the commit does that moves it all.
	quiet = 16
)

// mover moves the log into the database beside the writer: a commit that did so
// would have its callers wait for ten times as long as others. Only what was
// committed meanwhile is left to the writer, and then the log begins anew.
type mover struct {
	readers *readers
	state   atomic.Int32
	work    sync.WaitGroup
}

// The states of a mover.
const (
	resting int32 = iota
	moving        // on a goroutine of its own
	moved         // the rest is the writer's
)

// begin is called by the writer after a commit for so many callers, and moves the log
// if that is worth while. What fails here, the next commit finds out.
func (m *mover) begin(c *conn, callers int) {
	if callers > quiet || m.state.Load() != resting {
		return
	}
	if left, err := checkpoint(c, "NOOP"); err == nil && left >= moveAt {
		m.state.Store(moving)
		m.work.Go(m.move)
	}
}

// end is called by the writer when nobody waits for its answer. It moves the rest.
func (m *mover) end(c *conn) {
	if m.state.Load() == moved {
		_, _ = checkpoint(c, "PASSIVE")
		m.state.Store(resting)
	}
}

// move borrows a connection of the readers, which may not write but may do this.
func (m *mover) move() {
	defer m.state.Store(moved)
	c, err := m.readers.take(context.Background())
	if err != nil {
		return
	}
	if _, err := checkpoint(c, "PASSIVE"); err != nil {
		m.readers.drop(c)
		return
	}
	m.readers.give(c)
}

// checkpoint returns how many pages of the log are not in the database. In no mode
// that is used here it waits for anybody (https://sqlite.org/pragma.html#pragma_wal_checkpoint).
func checkpoint(c *conn, mode string) (left int64, err error) {
	s, err := c.query("PRAGMA wal_checkpoint(" + mode + ")")
	if err != nil {
		return 0, err
	}
	defer s.end()
	if !s.next() {
		return 0, s.row.err
	}
	_ = s.row.flag() // whether somebody else does it at the moment
	log, done := number[int64](&s.row), number[int64](&s.row)
	return log - done, s.row.err
}
