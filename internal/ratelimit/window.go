package ratelimit

import (
	"slices"
	"sync"
	"time"
)

// maxTimes bounds how many times one Window remembers, over all keys.
const maxTimes = 1 << 20

// settling is the wait where what is being tried at this moment may yet give its place
// back.
const settling = time.Second

// Window is a budget that holds exactly: no half-open span of time as long as Per has
// more than Count in it, wherever it begins. It remembers the time of each, so it is
// for small counts. A nil Window allows all.
type Window struct {
	rate Rate

	mu   sync.Mutex
	logs table[*log] // guarded by mu
	seen time.Time   // the newest time of all calls; guarded by mu
}

// log is one key's. A Place keeps the log that it was taken from.
type log struct {
	spent []time.Time // oldest first
	open  int         // places that are neither spent nor returned
}

// NewWindow makes a window. A rate without a count is no limit: it returns nil.
func NewWindow(rate Rate) *Window {
	if rate.none() {
		return nil
	}
	rate.Count = min(rate.Count, maxTimes)
	return &Window{rate: rate, logs: newTable[*log](min(maxKeys, maxTimes/rate.Count))}
}

// Place is one that was taken of a Window's budget. Whoever got it owes either Spend or
// Return, once. A nil Place is of no budget.
type Place struct {
	window *Window
	key    string
	log    *log
	at     time.Time
}

// Take takes a place of the key's budget, before it is known whether it costs
// anything. When there is none left it returns how long to wait for one, which is more
// than zero; while others' places are not settled yet that is a second at most.
func (w *Window) Take(now time.Time, key string) (*Place, time.Duration) {
	if w == nil {
		return nil, 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = later(w.seen, now)
	key = w.room(key)
	l := w.logs.rows[key]
	if l == nil {
		l = new(log)
		w.logs.rows[key] = l
	}
	if wait := l.wait(w.rate, w.seen); wait > 0 {
		return nil, wait
	}
	l.open++
	return &Place{w, key, l, w.seen}, 0
}

// Wait is what Take would return, with nothing taken.
func (w *Window) Wait(now time.Time, key string) time.Duration {
	if w == nil {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = later(w.seen, now)
	if l := w.logs.rows[w.room(key)]; l != nil {
		return l.wait(w.rate, w.seen)
	}
	return 0
}

// Spend has the place count, from the time it was taken at.
func (p *Place) Spend() {
	if p == nil {
		return
	}
	p.window.mu.Lock()
	defer p.window.mu.Unlock()
	p.log.open--
	i, _ := slices.BinarySearchFunc(p.log.spent, p.at, time.Time.Compare)
	p.log.spent = slices.Insert(p.log.spent, i, p.at)
}

// Return gives the place back: it cost nothing.
func (p *Place) Return() {
	if p == nil {
		return
	}
	p.window.mu.Lock()
	defer p.window.mu.Unlock()
	p.log.open--
	if p.log.open == 0 && len(p.log.spent) == 0 {
		delete(p.window.logs.rows, p.key)
	}
}

// wait is how long until there is a place; 0: there is one. It forgets what is past.
func (l *log) wait(r Rate, now time.Time) time.Duration {
	l.forget(now.Add(-r.Per))
	switch {
	case len(l.spent)+l.open < r.Count:
		return 0
	case len(l.spent) == 0:
		return settling
	}
	wait := l.spent[0].Add(r.Per).Sub(now)
	if l.open > 0 {
		return min(wait, settling)
	}
	return wait
}

// forget drops the times up to that one, which is out of the window itself.
func (l *log) forget(last time.Time) {
	n := 0
	for n < len(l.spent) && !l.spent[n].After(last) {
		n++
	}
	l.spent = slices.Delete(l.spent, 0, n)
}

func (w *Window) room(key string) string {
	past := w.seen.Add(-w.rate.Per)
	return w.logs.room(w.seen, key, w.rate.Per, func(l *log) bool {
		return l.open == 0 && (len(l.spent) == 0 || !l.spent[len(l.spent)-1].After(past))
	})
}
