package sqlite

import (
	"sync"

	"github.com/qrauthd/qrauthd/internal/store"
)

// queueLength bounds how many callers wait, of those who go ahead and of the
// others. Whoever comes beyond is told at once: at the pace of a slow disk they
// would wait for longer than anybody does.
const queueLength = 1024

// line is where callers wait for the writer, those of store.Ahead apart from the
// others. Who leaves it makes room at once.
type line struct {
	came chan struct{} // has one when somebody has come since it was read

	mu     sync.Mutex
	ahead  queue // guarded by mu
	others queue // guarded by mu
}

// queue is a list of those who wait.
type queue struct {
	first, last *job
	length      int
}

func newLine() *line { return &line{came: make(chan struct{}, 1)} }

// join takes the last place, or says that there is none.
func (l *line) join(j *job) error {
	if !l.add(j) {
		return store.ErrOverloaded
	}
	select {
	case l.came <- struct{}{}:
	default:
	}
	return nil
}

func (l *line) add(j *job) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	j.queue = &l.others
	if store.IsAhead(j.ctx) {
		j.queue = &l.ahead
	}
	if j.queue.length == queueLength {
		j.queue = nil
		return false
	}
	j.queue.push(j)
	return true
}

// leave reports whether the job was still waiting, and does no longer.
func (l *line) leave(j *job) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if j.queue == nil {
		return false
	}
	j.queue.remove(j)
	return true
}

// next takes the first of those who go ahead, or of the others where there is none, or
// the other way round; nil when nobody waits.
func (l *line) next(othersFirst bool) *job {
	l.mu.Lock()
	defer l.mu.Unlock()
	j := l.ahead.first
	if j == nil || othersFirst && l.others.first != nil {
		j = l.others.first
	}
	if j != nil {
		j.queue.remove(j)
	}
	return j
}

func (q *queue) push(j *job) {
	j.before = q.last
	if q.last == nil {
		q.first = j
	} else {
		q.last.after = j
	}
	q.last = j
	q.length++
}

func (q *queue) remove(j *job) {
	if j.before == nil {
		q.first = j.after
	} else {
		j.before.after = j.after
	}
	if j.after == nil {
		q.last = j.before
	} else {
		j.after.before = j.before
	}
	j.before, j.after, j.queue = nil, nil, nil
	q.length--
}
