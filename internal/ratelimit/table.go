package ratelimit

import "time"

// maxKeys bounds what one limiter remembers. Keys beyond it share one budget,
// so that a flood of new keys is slowed and nobody known is forgotten.
const maxKeys = 100_000

// overflow is the key that all keys beyond maxKeys share. No caller uses it.
const overflow = "\x00overflow"

// table is what is remembered of each key: max rows, and one more of overflow. The
// caller guards it.
type table[V any] struct {
	max   int
	rows  map[string]V
	swept time.Time
}

func newTable[V any](max int) table[V] { return table[V]{max: max, rows: make(map[string]V)} }

// room returns the key to use: the one given while there is room for it. It forgets
// the idle rows, at most once in each pause, and more often while there is no room.
func (t *table[V]) room(now time.Time, key string, pause time.Duration, idle func(V) bool) string {
	if _, known := t.rows[key]; known || len(t.rows) < t.max {
		t.sweep(now, pause, idle)
		return key
	}
	t.sweep(now, min(pause, time.Second), idle)
	if len(t.rows) < t.max {
		return key
	}
	return overflow
}

func (t *table[V]) sweep(now time.Time, pause time.Duration, idle func(V) bool) {
	if now.Sub(t.swept) < pause {
		return
	}
	t.swept = now
	for key, row := range t.rows {
		if idle(row) {
			delete(t.rows, key)
		}
	}
}
