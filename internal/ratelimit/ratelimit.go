// Package ratelimit keeps budgets: so many of a thing in so much time, for each
// key (an address, a client, a browser).
//
// A Limiter decides by the generic cell rate algorithm, a pure function of one stored
// time and the clock that is passed in: cheap, and good enough against floods. In any
// one Per it lets through at most twice its Count. A Window remembers each time and
// lets through no more than Count in any Per: for what a proof is built on. A Gauge
// bounds how many there are at the same time.
//
// Budgets live in this process, are bounded in memory and clean themselves up as they
// are used; another node has its own.
package ratelimit

import (
	"sync"
	"time"
)

// Rate is a budget: Count at once, and as many again over each Per.
type Rate struct {
	Count int
	Per   time.Duration
}

// none reports whether the rate is no limit.
func (r Rate) none() bool { return r.Count <= 0 || r.Per <= 0 }

// each is how long it takes until there is one more.
func (r Rate) each() time.Duration { return r.Per / time.Duration(r.Count) }

// Limiter holds the budgets of one kind of thing. A nil Limiter allows all.
type Limiter struct {
	rate Rate

	mu   sync.Mutex
	full table[time.Time] // when each key's budget is whole again; guarded by mu
}

// New makes a limiter. A rate without a count is no limit: New returns nil.
func New(rate Rate) *Limiter {
	if rate.none() {
		return nil
	}
	return &Limiter{rate: rate, full: newTable[time.Time](maxKeys)}
}

// Take spends one of the key's budget. When there is none left it spends nothing
// and returns how long to wait for one, which is more than zero.
func (l *Limiter) Take(now time.Time, key string) (wait time.Duration) {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key = l.room(now, key)
	full, wait := spend(l.rate, now, l.full.rows[key])
	if wait == 0 {
		l.full.rows[key] = full
	}
	return wait
}

// Wait is what Take would return. It spends nothing.
func (l *Limiter) Wait(now time.Time, key string) time.Duration {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, wait := spend(l.rate, now, l.full.rows[l.room(now, key)])
	return wait
}

// Exceeds counts one that happens whatever the budget says, and reports whether it is
// beyond it. Somebody who goes on at more than the rate is beyond it each time, and
// within it again a Per after the last at the latest.
func (l *Limiter) Exceeds(now time.Time, key string) bool {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key = l.room(now, key)
	full, wait := spend(l.rate, now, l.full.rows[key])
	if wait > 0 {
		full = earlier(full, now.Add(2*(l.rate.Per-l.rate.each()))).Add(l.rate.each())
	}
	l.full.rows[key] = full
	return wait > 0
}

// Return gives back one that was taken and turned out to cost nothing.
func (l *Limiter) Return(key string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if full, ok := l.full.rows[key]; ok {
		l.full.rows[key] = full.Add(-l.rate.each())
	}
}

// spend is the decision: given when the budget would be whole again, it returns
// that time after one more is spent, or how long until one may be.
func spend(r Rate, now, full time.Time) (time.Time, time.Duration) {
	full = later(full, now)
	next := full.Add(r.each())
	if wait := next.Sub(now) - r.Per; wait > 0 {
		return full, wait
	}
	return next, 0
}

func (l *Limiter) room(now time.Time, key string) string {
	return l.full.room(now, key, l.rate.Per, func(full time.Time) bool { return !full.After(now) })
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
