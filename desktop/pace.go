package desktop

import "time"

const (
	defaultInterval = 5 * time.Second  // RFC 8628 section 3.5: when the server names none
	slowDownStep    = 5 * time.Second  // RFC 8628 section 3.5: what a slow_down adds, for good
	safetyMin       = 15 * time.Second // while the push channel is up, polling is a safety net
	safetyMax       = 30 * time.Second
	failureCap      = 30 * time.Second
	intervalMax     = time.Hour
)

// pace says how long to wait between two polls. It is a value: each answer makes
// the next one.
type pace struct {
	interval time.Duration
	failures int // in a row
}

func newPace(interval int) pace {
	if interval <= 0 {
		return pace{interval: defaultInterval}
	}
	return pace{interval: min(seconds(interval), intervalMax)}
}

// answered is the pace after any answer of the server's own.
func (p pace) answered() pace {
	p.failures = 0
	return p
}

// slowedDown is the pace after slow_down.
func (p pace) slowedDown() pace {
	p.interval += slowDownStep
	return p.answered()
}

// failed is the pace after a poll without an answer (RFC 8628 section 3.5 asks
// for exponential backoff).
func (p pace) failed() pace {
	p.failures++
	return p
}

// wait is the time from a poll's answer to the next poll. It is never shorter
// than the interval. Pushed says that news would come by the push channel.
func (p pace) wait(pushed bool, chance func() float64) time.Duration {
	switch {
	case p.failures > 0:
		longest := max(p.interval, min(failureCap, doubled(p.interval, p.failures)))
		return between(p.interval, longest, chance)
	case pushed:
		return between(max(p.interval, safetyMin), max(p.interval, safetyMax), chance)
	}
	return p.interval
}

// doubled is d times two to the power of n, without overflow.
func doubled(d time.Duration, n int) time.Duration {
	return d << min(n, 16)
}

// later is a time that a server asked for, and up to half as much more: it may have
// asked many for the same.
func later(d time.Duration, chance func() float64) time.Duration { return between(d, d+d/2, chance) }

// between is a duration by chance from low to high.
func between(low, high time.Duration, chance func() float64) time.Duration {
	return low + time.Duration(chance()*float64(high-low))
}
