package login

import (
	"sync"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
)

const (
	// slowDownStep is what each slow_down adds, for good (RFC 8628 section 3.5).
	slowDownStep = 5 * time.Second
	// slowest keeps even a stubborn client's interval reachable.
	slowest = time.Minute
	// jitter is how much too early a poll may arrive: networks are no metronomes.
	jitter = 500 * time.Millisecond
)

// pace remembers when each pending grant was polled last. It lives in memory
// only: a pending poll writes nothing, and a node that forgot is merely lenient.
type pace struct {
	mu    sync.Mutex
	beats map[auth.GrantID]beat // guarded by mu
	swept time.Time             // guarded by mu
}

type beat struct {
	last     time.Time // the last poll that was in time
	interval time.Duration
	over     time.Time // when the grant ends, and this memory with it
}

// poll reports whether the poll is in time. The first one always is. One that is
// not lengthens the interval but does not move the time from which it counts, so
// that waiting the interval out always helps.
func (p *pace) poll(now time.Time, g grant.Glance) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep(now)
	b, known := p.beats[g.ID]
	if !known {
		p.beats[g.ID] = beat{now, g.Interval, g.ExpiresAt}
		return true
	}
	inTime := now.Sub(b.last) >= b.interval-jitter
	if inTime {
		b.last = now
	} else {
		b.interval = max(b.interval, min(b.interval+slowDownStep, slowest))
	}
	p.beats[g.ID] = b
	return inTime
}

func (p *pace) forget(id auth.GrantID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.beats, id)
}

// sweep drops what belongs to grants that are over, once a minute.
func (p *pace) sweep(now time.Time) {
	if p.beats == nil {
		p.beats = make(map[auth.GrantID]beat)
	}
	if now.Sub(p.swept) < time.Minute {
		return
	}
	p.swept = now
	for id, b := range p.beats {
		if !now.Before(b.over) {
			delete(p.beats, id)
		}
	}
}
