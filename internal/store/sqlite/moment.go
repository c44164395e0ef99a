package sqlite

import (
	"sync/atomic"
	"time"
)

// moment is when something was last, for others to ask about. It is told by the
// monotonic clock.
type moment struct {
	begun time.Time
	at    *atomic.Int64 // nanoseconds after begun; 0: never
}

func newMoment() moment { return moment{begun: time.Now(), at: new(atomic.Int64)} }

func (m moment) now() { m.at.Store(max(1, int64(time.Since(m.begun)))) }

func (m moment) never() { m.at.Store(0) }

// within reports whether it was within d.
func (m moment) within(d time.Duration) bool {
	at := m.at.Load()
	return at != 0 && time.Since(m.begun)-time.Duration(at) < d
}
