package login

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// oneTime is what may be used once: a DPoP proof (RFC 9449 section 11.1) or a
// client's assertion (RFC 7523 section 3).
type oneTime interface {
	ReplayKey() secret.Hash
	Expires() time.Time
}

// spend remembers the use in the store, within the transaction that it leads to, so
// that no other node takes it again. ErrReplay when one has.
func spend(tx store.Tx, what oneTime) error {
	err := tx.AddReplay(auth.Replay{Hash: what.ReplayKey(), ExpiresAt: what.Expires().UTC().Truncate(time.Microsecond)})
	if errors.Is(err, store.ErrConflict) {
		return ErrReplay
	}
	return err
}

// maxReplays bounds what is remembered in memory: two halves of this many.
const maxReplays = 1 << 16

// replays remembers uses in this process too: what the store need not be asked, and
// what a flood keeps out of it.
type replays struct {
	mu       sync.Mutex
	newer    map[secret.Hash]time.Time // guarded by mu; until when it is refused for its age
	older    map[secret.Hash]time.Time // guarded by mu
	swapped  time.Time                 // guarded by mu
	lifetime time.Duration             // guarded by mu: the longest seen
}

// first reports whether this is the first use here. Each half is dropped when all
// in it is over; a flood drops it sooner, which the store does not notice.
func (r *replays) first(now time.Time, what oneTime) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(now)
	key := what.ReplayKey()
	for _, half := range []map[secret.Hash]time.Time{r.newer, r.older} {
		if until, used := half[key]; used && now.Before(until) {
			return false
		}
	}
	r.newer[key] = what.Expires()
	r.lifetime = max(r.lifetime, what.Expires().Sub(now))
	return true
}

// settle forgets a use of which the transaction that was to remember it says that nothing
// came: the same request may come again.
func (r *replays) settle(what oneTime, err error) {
	if err != nil && !errors.Is(err, ErrReplay) {
		r.forget(what)
	}
}

// forget is for who was told that a use is the first, and made none of it.
func (r *replays) forget(what oneTime) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.newer, what.ReplayKey())
	delete(r.older, what.ReplayKey())
}

// undecided reports that the storage, or the patience of who asked, has failed: nothing
// was kept, and nothing refused.
func undecided(err error) bool {
	return errors.Is(err, store.ErrOverloaded) || errors.Is(err, store.ErrUnavailable) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func (r *replays) sweep(now time.Time) {
	if r.newer != nil && len(r.newer) < maxReplays && now.Sub(r.swapped) < r.lifetime {
		return
	}
	r.older, r.newer, r.swapped = r.newer, make(map[secret.Hash]time.Time), now
}
