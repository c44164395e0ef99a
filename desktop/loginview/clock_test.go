package loginview

import (
	"sync"
	"time"
)

// epoch is when the tests take place.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fakeClock stands still until it is moved.
type fakeClock struct {
	mu     sync.Mutex
	now    time.Time
	timers map[int]fakeTimer
	last   int
}

type fakeTimer struct {
	at time.Time
	f  func()
}

func (c *fakeClock) clock() clock {
	return clock{
		now: func() time.Time {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.now
		},
		after: func(d time.Duration, f func()) func() bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.last++
			id := c.last
			c.timers[id] = fakeTimer{c.now.Add(d), f}
			return func() bool {
				c.mu.Lock()
				defer c.mu.Unlock()
				_, waits := c.timers[id]
				delete(c.timers, id)
				return waits
			}
		},
	}
}

func (c *fakeClock) waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.timers)
}
