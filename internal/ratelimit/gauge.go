package ratelimit

import "sync"

// Gauge bounds how many of a thing each key has at the same time. It remembers no key
// that has none, so it is as small as what it counts. A nil Gauge bounds nothing.
type Gauge struct {
	max int

	mu   sync.Mutex
	held map[string]int // guarded by mu
}

// NewGauge makes a gauge; with max 0 or less there is no bound, and it is nil.
func NewGauge(max int) *Gauge {
	if max <= 0 {
		return nil
	}
	return &Gauge{max: max, held: make(map[string]int)}
}

// Acquire takes a place for the key, if one is free. Whoever got one owes a Release.
func (g *Gauge) Acquire(key string) bool {
	if g == nil {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held[key] >= g.max {
		return false
	}
	g.held[key]++
	return true
}

// Release frees a place.
func (g *Gauge) Release(key string) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held[key]--; g.held[key] <= 0 {
		delete(g.held, key)
	}
}
