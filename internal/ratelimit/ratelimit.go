// Package ratelimit keeps budgets: so many of a thing in so much time, for each
// key (an address, a client, a browser).
//
// The decision is the generic cell rate algorithm, a pure function of one stored
// time and the clock that is passed in. Budgets live in this process, are bounded
// in memory and clean themselves up as they are used; another node has its own.
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

// maxKeys bounds what one limiter remembers. Keys beyond it share one budget,
// so that a flood of new keys is slowed and nobody known is forgotten.
const maxKeys = 100_000

// overflow is the key that all keys beyond maxKeys share. No caller uses it.
const overflow = "\x00overflow"

// Limiter holds the budgets of one kind of thing. A nil Limiter allows all.
type Limiter struct {
	rate Rate
	max  int

	mu    sync.Mutex
	full  map[string]time.Time // when each key's budget is whole again; guarded by mu
	swept time.Time            // guarded by mu
}

// New makes a limiter. A rate without a count is no limit: New returns nil.
func New(rate Rate) *Limiter {
	if rate.Count <= 0 || rate.Per <= 0 {
		return nil
	}
	return &Limiter{rate: rate, max: maxKeys, full: make(map[string]time.Time)}
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
	full, wait := spend(l.rate, now, l.full[key])
	if wait == 0 {
		l.full[key] = full
	}
	return wait
}

// Return gives back one that was taken and turned out to cost nothing.
func (l *Limiter) Return(key string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if full, ok := l.full[key]; ok {
		l.full[key] = full.Add(-l.rate.Per / time.Duration(l.rate.Count))
	}
}

// spend is the decision: given when the budget would be whole again, it returns
// that time after one more is spent, or how long until one may be.
func spend(r Rate, now, full time.Time) (time.Time, time.Duration) {
	if full.Before(now) {
		full = now
	}
	next := full.Add(r.Per / time.Duration(r.Count))
	if wait := next.Sub(now) - r.Per; wait > 0 {
		return full, wait
	}
	return next, 0
}

// room returns the key to use: the one given while there is room for it.
func (l *Limiter) room(now time.Time, key string) string {
	if _, known := l.full[key]; known || len(l.full) < l.max {
		l.sweep(now, l.rate.Per)
		return key
	}
	l.sweep(now, min(l.rate.Per, time.Second))
	if len(l.full) < l.max {
		return key
	}
	return overflow
}

// sweep forgets the keys whose budget is whole, at most once in each pause.
func (l *Limiter) sweep(now time.Time, pause time.Duration) {
	if now.Sub(l.swept) < pause {
		return
	}
	l.swept = now
	for key, full := range l.full {
		if !full.After(now) {
			delete(l.full, key)
		}
	}
}
