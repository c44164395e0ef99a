package loginview

import "time"

// clock is the time that a view lives by. Callbacks of after come on a goroutine
// of their own.
type clock struct {
	now   func() time.Time
	after func(d time.Duration, f func()) (stop func() bool)
}

func systemClock() clock {
	return clock{
		now:   time.Now,
		after: func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop },
	}
}
