package desktop

import (
	"net/http"
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

const (
	dialBase    = time.Second
	dialCap     = 30 * time.Second
	refusedBase = 30 * time.Second // after a refusal that seems meant
	refusedCap  = 5 * time.Minute
	steadyAfter = 10 * time.Second // a channel that lived so long was a good one
)

// link remembers how the push channel fared. It is a value: each end of a
// channel makes the next one.
type link struct {
	failures int // dials that failed and channels that broke, in a row
	refusals int // ends that a server or a proxy seems to mean
}

// drop is how a channel, or the attempt to open one, ended.
type drop struct {
	code       int           // close code, or zero
	reason     string        // of the close frame
	status     int           // of a refused upgrade, or zero
	retryAfter time.Duration // of a refused upgrade
	lived      time.Duration // since its first snapshot
	err        error
}

// plan is what to do about a drop.
type plan struct {
	never bool          // do not reconnect
	wait  time.Duration // before the next dial, when not never
	ask   bool          // one poll tells the truth
}

// dropped decides when to dial again.
func (l link) dropped(d drop, chance func() float64) (link, plan) {
	if d.lived >= steadyAfter {
		l = link{}
	}
	switch d.code {
	case wire.CloseDone, wire.CloseUnknown:
		return l, plan{never: true, ask: true}
	case wire.CloseMalformed:
		return l, plan{never: true} // dialing again would end the same way
	case wire.CloseRestart:
		if wait, ok := wire.ParseRetryAfter(d.reason); ok {
			// The server spreads its clients, by whole seconds; chance does the rest.
			return l, plan{wait: between(wait, wait+time.Second, chance)}
		}
	}
	if d.refused() {
		l.refusals++
		longest := min(refusedCap, doubled(refusedBase, l.refusals-1))
		return l, plan{wait: max(later(d.retryAfter, chance), between(longest/2, longest, chance))}
	}
	l.failures++
	longest := min(dialCap, doubled(dialBase, l.failures-1))
	return l, plan{wait: max(later(d.retryAfter, chance), between(0, longest, chance))} // full jitter
}

// refused reports whether the end was meant: a proxy without WebSocket, another
// channel in our place, a budget. A server in trouble (5xx) is not that.
func (d drop) refused() bool {
	if d.status != 0 {
		return d.status < http.StatusInternalServerError
	}
	switch d.code {
	case wire.CloseNoHello: // the network was slow, or one of us had too much to do, and that passes
		return false
	case 1002, 1003, 1007, 1008, 1009, 1010: // RFC 6455 section 7.4.1: we spoke wrongly
		return true
	}
	return d.code >= 4000 // CloseReplaced, CloseOverBudget, and what is yet to come
}
