// Package clock is the present, of which there are two.
//
// Now is for what lives for seconds or minutes and for what comes first: it follows
// the wall clock forward and never goes back, whatever becomes of that. Wall is what
// the system says, for what is told to others, compared with what others tell, or
// lives for days.
//
// While nobody sets the clock they are the same. After it was set back, Now goes on
// ahead of it for as long as the process runs; after it was set forward, or after the
// machine slept, Now follows. No difference between two of its times is ever less than
// what the monotonic clock has counted.
package clock

import (
	"sync/atomic"
	"time"
)

// Reading is what the clocks of a machine show at one moment.
type Reading struct {
	Wall time.Time
	// Elapsed is monotonic, from whatever moment it counts.
	Elapsed time.Duration
}

// Clock tells the present. It is safe for concurrent use.
type Clock struct {
	read  func() Reading
	start time.Time    // of Elapsed, by the wall clock as it was in New
	ahead atomic.Int64 // the most that the wall clock was seen ahead of start + Elapsed, in nanoseconds
}

// farthest is how far ahead of itself a Clock follows the wall clock at most, so that no
// sum of durations overflows.
const farthest = 250 * 365 * 24 * time.Hour

// System is the clock of this machine.
func System() *Clock {
	start := time.Now()
	return New(func() Reading {
		now := time.Now()
		return Reading{Wall: now, Elapsed: now.Sub(start)}
	})
}

// New is a clock with that source, which must be safe for concurrent use and never
// show less Elapsed than before.
func New(read func() Reading) *Clock {
	r := read()
	return &Clock{read: read, start: plain(r.Wall).Add(-r.Elapsed)}
}

// Now is no earlier than any time that Now has returned before. In UTC.
func (c *Clock) Now() time.Time {
	r := c.read()
	return c.start.Add(r.Elapsed + c.most(c.aheadAt(r)))
}

// Ahead is how far Now is ahead of Wall: 0 while nobody has set the clock back, or when
// it has caught up.
func (c *Clock) Ahead() time.Duration {
	ahead := c.aheadAt(c.read())
	return c.most(ahead) - ahead
}

// aheadAt is how far the wall clock is ahead of start + Elapsed.
func (c *Clock) aheadAt(r Reading) time.Duration {
	return min(plain(r.Wall).Sub(c.start), farthest) - r.Elapsed
}

// most is the most that was seen so far, this one included.
func (c *Clock) most(ahead time.Duration) time.Duration {
	for {
		most := time.Duration(c.ahead.Load())
		if ahead <= most {
			return most
		}
		if c.ahead.CompareAndSwap(int64(most), int64(ahead)) {
			return ahead
		}
	}
}

// Wall is what the system says, which may be earlier than it said before. In UTC.
func (c *Clock) Wall() time.Time { return plain(c.read().Wall) }

// Differ is how far apart two clocks may be that mean the same: those of two processes,
// or those of one before and after its restart.
const Differ = time.Minute

// During reports whether now is from the one time until before the other. What is from
// the future is not, but for a minute: a clock that was ahead has made it, and it must
// not wait for another clock to come to its time.
func During(now, from, until time.Time) bool {
	return now.Before(until) && !now.Before(from.Add(-Differ))
}

// plain is the time without its monotonic reading, by which Sub would compare it.
func plain(t time.Time) time.Time { return t.Round(0).UTC() }
