package resource

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
)

// Replays remembers which DPoP proofs were used (RFC 9449 section 11.1). Nodes of
// one API that share it refuse a proof that another node has seen.
type Replays interface {
	// First reports whether the key is new, and remembers it until the time given at
	// least, in one step: of two callers at the same time one is told true. The key is
	// 43 characters of base64url. On an error the request is answered with 503.
	First(ctx context.Context, key string, until time.Time) (bool, error)
}

const (
	// maxProofs bounds a generation: beyond it a proof can neither be remembered nor
	// let through unremembered.
	maxProofs = 500_000
	// generation is as long as a proof can be good.
	generation = dpop.MaxAge + dpop.Skew
)

var errTooManyProofs = errors.New("more DPoP proofs than can be remembered")

// memory is Replays in one process. It forgets by generations: a proof is in the
// current one or the one before, and those before are too old to be good.
type memory struct {
	now func() time.Time
	max int // of a generation

	mu              sync.Mutex // guards what follows
	current, before map[string]struct{}
	began           time.Time // of the current generation
}

var _ Replays = (*memory)(nil)

func newMemory(now func() time.Time) *memory {
	return &memory{now: now, max: maxProofs, current: make(map[string]struct{}), began: now()}
}

// First is Replays.First.
func (m *memory) First(_ context.Context, key string, _ time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(m.now())
	_, inCurrent := m.current[key]
	_, inBefore := m.before[key]
	switch {
	case inCurrent || inBefore:
		return false, nil
	case len(m.current) >= m.max:
		return false, errTooManyProofs
	}
	m.current[key] = struct{}{}
	return true, nil
}

// turn begins a new generation when the current one has had its time. The caller
// holds mu.
func (m *memory) turn(now time.Time) {
	if now.Sub(m.began) < generation {
		return
	}
	m.before, m.current, m.began = m.current, make(map[string]struct{}), now
}
