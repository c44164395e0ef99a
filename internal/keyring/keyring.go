package keyring

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/jws"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/token"
)

// Policy is how the server keeps and replaces its keys. The zero Policy has
// defaults for all of it.
type Policy struct {
	Algorithm   token.Algorithm // of new signing keys; default ES256
	RotateAfter time.Duration   // the age at which one is replaced; default DefaultRotation
	// TokenLife is the longest that a token may live; default an hour. A key stays
	// published for as long after it last signed.
	TokenLife time.Duration
	Sealer    *token.Sealer // nil: keys are stored as they are
}

// DefaultRotation is the age at which a signing key is replaced.
const DefaultRotation = 90 * 24 * time.Hour

func (p Policy) withDefaults() Policy {
	if p.Algorithm == "" {
		p.Algorithm = token.ES256
	}
	if p.RotateAfter == 0 {
		p.RotateAfter = DefaultRotation
	}
	if p.TokenLife == 0 {
		p.TokenLife = time.Hour
	}
	return p
}

// life is how long a token counts where clocks differ.
func (p Policy) life() time.Duration { return p.TokenLife + jws.Skew }

// Keyring is the keys of one store. It is safe for concurrent use.
type Keyring struct {
	store  store.Store
	policy Policy
	now    func() time.Time

	mu    sync.Mutex
	set   *Set      // guarded by mu; replaced, never changed
	since time.Time // guarded by mu
	until time.Time // guarded by mu
	stale int       // guarded by mu; counts the calls of Stale
}

// New makes a keyring. It reads nothing yet. The clock is the one on the wall, by which
// tokens are dated and verified.
func New(st store.Store, p Policy, now func() time.Time) *Keyring {
	inStore := func() time.Time { return now().UTC().Truncate(time.Microsecond) }
	return &Keyring{store: st, policy: p.withDefaults(), now: inStore}
}

// fresh is how old a reading may be where nobody told of a change. It is far
// shorter than the time for which a key is published before it signs.
const fresh = 30 * time.Second

// Set is one reading of the keys, with what is derived from them.
type Set struct {
	*token.Ring
	Nonces   dpop.Nonces
	Subjects []byte // the key of pairwise subjects
	Families []byte // the key of refresh token families
	Links    []byte // the key of what makes a link with a user code ours

	stored []auth.Key
}

// Stale has the next use look at the store again. A reading that is under way at
// the time may have missed the change: it is used once, and not kept for fresh.
func (k *Keyring) Stale() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.until = time.Time{}
	k.stale++
}

// Read is the present reading. The first one of a new database makes the keys.
func (k *Keyring) Read(ctx context.Context) (*Set, error) {
	now := k.now()
	set, stale := k.cached(now)
	if set != nil {
		return set, nil
	}
	stored, err := k.stored(ctx)
	if err != nil {
		return nil, err
	}
	if lacking(stored, now) {
		if err := k.Tend(ctx); err != nil {
			return nil, err
		}
		if stored, err = k.stored(ctx); err != nil {
			return nil, err
		}
	}
	return k.keep(now, stored, stale)
}

// lacking reports whether a key is not there without which there is no Set, or none of
// good use: a clock that was set back is behind the time from which a key signs.
func lacking(stored []auth.Key, now time.Time) bool {
	derives := func(k auth.Key) bool { return k.Use == auth.KeyDerives }
	return !slices.ContainsFunc(stored, derives) || !token.AnySigns(stored, now)
}

// cached is the reading that is fresh, or nil, and how often it became stale so far.
func (k *Keyring) cached(now time.Time) (*Set, int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !now.Before(k.since) && now.Before(k.until) { // the clock may have been set back
		return k.set, k.stale
	}
	return nil, k.stale
}

// keep makes a reading of what is stored, or takes the one that says the same: to
// open keys costs. It is the one of the next uses too, unless Stale was called since
// the store was asked.
func (k *Keyring) keep(now time.Time, stored []auth.Key, stale int) (*Set, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	set := k.set
	if set == nil || !slices.EqualFunc(set.stored, stored, same) {
		var err error
		if set, err = k.open(stored); err != nil {
			return nil, err
		}
	}
	if k.stale == stale {
		k.set, k.since, k.until = set, now, now.Add(fresh)
	}
	return set, nil
}

func (k *Keyring) open(stored []auth.Key) (*Set, error) {
	ring, err := token.NewRing(stored, k.policy.Sealer)
	if err != nil {
		return nil, fmt.Errorf("read the server's keys: %w", err)
	}
	return &Set{
		Ring:     ring,
		Nonces:   dpop.NewNonces(ring.Derive("dpop nonce")),
		Subjects: ring.Derive("pairwise subject"),
		Families: ring.Derive("refresh family"),
		Links:    ring.Derive("verification link"),
		stored:   stored,
	}, nil
}

func same(a, b auth.Key) bool {
	return a.ID == b.ID && bytes.Equal(a.Material, b.Material) && a.SignsFrom.Equal(b.SignsFrom) && a.ExpiresAt.Equal(b.ExpiresAt)
}

// stored is all keys that the store has, oldest first.
func (k *Keyring) stored(ctx context.Context) (keys []auth.Key, err error) {
	err = k.store.View(ctx, func(tx store.Tx) error {
		keys, err = tx.Keys()
		return err
	})
	return keys, err
}
