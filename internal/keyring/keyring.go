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
func (p Policy) life() time.Duration { return p.TokenLife + dpop.Skew }

// Keyring is the keys of one store. It is safe for concurrent use.
type Keyring struct {
	store  store.Store
	policy Policy
	now    func() time.Time

	mu    sync.Mutex
	set   *Set      // guarded by mu; replaced, never changed
	until time.Time // guarded by mu
}

// New makes a keyring. It reads nothing yet.
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

	stored []auth.Key
}

// Stale has the next use look at the store again.
func (k *Keyring) Stale() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.until = time.Time{}
}

// Read is the present reading. The first one of a new database makes the keys.
func (k *Keyring) Read(ctx context.Context) (*Set, error) {
	now := k.now()
	if set, ok := k.cached(now); ok {
		return set, nil
	}
	stored, err := k.List(ctx)
	if err != nil {
		return nil, err
	}
	if len(stored) == 0 {
		if err := k.Tend(ctx); err != nil {
			return nil, err
		}
		if stored, err = k.List(ctx); err != nil {
			return nil, err
		}
	}
	return k.keep(now, stored)
}

func (k *Keyring) cached(now time.Time) (*Set, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.set, k.set != nil && now.Before(k.until)
}

// keep makes a reading of what is stored, or leaves the one that says the same:
// to open keys costs.
func (k *Keyring) keep(now time.Time, stored []auth.Key) (*Set, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.set == nil || !slices.EqualFunc(k.set.stored, stored, same) {
		ring, err := token.NewRing(stored, k.policy.Sealer)
		if err != nil {
			return nil, fmt.Errorf("read the server's keys: %w", err)
		}
		k.set = &Set{
			Ring:     ring,
			Nonces:   dpop.NewNonces(ring.Derive("dpop nonce")),
			Subjects: ring.Derive("pairwise subject"),
			Families: ring.Derive("refresh family"),
			stored:   stored,
		}
	}
	k.until = now.Add(fresh)
	return k.set, nil
}

func same(a, b auth.Key) bool {
	return a.ID == b.ID && bytes.Equal(a.Material, b.Material) && a.SignsFrom.Equal(b.SignsFrom) && a.ExpiresAt.Equal(b.ExpiresAt)
}

// List is all keys that the store has, oldest first.
func (k *Keyring) List(ctx context.Context) (keys []auth.Key, err error) {
	err = k.store.View(ctx, func(tx store.Tx) error {
		keys, err = tx.Keys()
		return err
	})
	return keys, err
}
