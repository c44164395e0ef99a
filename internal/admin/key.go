package admin

import (
	"context"
	"slices"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/token"
)

// KeyState is what a key does at the moment.
type KeyState string

// The states.
const (
	KeyWaits   KeyState = "waits"   // published, to sign from a time to come
	KeySigns   KeyState = "signs"   // published, and new tokens are signed with it
	KeyStays   KeyState = "stays"   // published until the tokens that it signed have ended
	KeyOver    KeyState = "over"    // no longer published
	KeyDerives KeyState = "derives" // never published: see auth.KeyDerives
)

// KeyStatus is what an operator sees of a key: all but the key.
type KeyStatus struct {
	ID        auth.KeyID
	Algorithm string // of a signing key
	State     KeyState
	Sealed    bool // encrypted with the key file
	CreatedAt time.Time
	SignsFrom time.Time
	ExpiresAt time.Time // zero: no other has been told to take over
}

// Keys lists the server's keys, the oldest first.
func (o Operator) Keys(ctx context.Context) (list []KeyStatus, err error) {
	now := o.now()
	err = o.Store.View(ctx, func(tx store.Tx) error {
		keys, err := tx.Keys()
		if err != nil {
			return err
		}
		list = statuses(keys, now)
		return nil
	})
	return list, err
}

func statuses(keys []auth.Key, now time.Time) []KeyStatus {
	signer := signing(keys, now)
	list := make([]KeyStatus, len(keys))
	for i, k := range keys {
		list[i] = KeyStatus{
			ID: k.ID, Algorithm: k.Algorithm, Sealed: k.Sealed,
			CreatedAt: k.CreatedAt, SignsFrom: k.SignsFrom, ExpiresAt: k.ExpiresAt,
			State: stateOf(k, signer, now),
		}
	}
	return list
}

// signing names the key that signs at that time, if there is one: the last to take
// over.
func signing(keys []auth.Key, now time.Time) (id auth.KeyID) {
	var from time.Time
	for _, k := range keys {
		if k.Use == auth.KeySigns && alive(k, now) && !now.Before(k.SignsFrom) && !k.SignsFrom.Before(from) {
			id, from = k.ID, k.SignsFrom
		}
	}
	return id
}

func alive(k auth.Key, now time.Time) bool { return k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt) }

func stateOf(k auth.Key, signer auth.KeyID, now time.Time) KeyState {
	switch {
	case k.Use == auth.KeyDerives:
		return KeyDerives
	case !alive(k, now):
		return KeyOver
	case k.ID == signer:
		return KeySigns
	case now.Before(k.SignsFrom):
		return KeyWaits
	}
	return KeyStays
}

// RotateRequest says how the next key is to come.
type RotateRequest struct {
	Algorithm token.Algorithm
	TokenLife time.Duration // the longest of those that the present key signs
	// Sealer encrypts the new key, and must open those that are sealed. nil: there is
	// no key file.
	Sealer *token.Sealer
	// Leaked: the keys before are not to be trusted any more. The next one signs at
	// once and theirs are taken back at once, with every token that they signed.
	Leaked bool
}

// RotateKey has another key sign from token.PublishLead after now, when whoever
// verifies tokens knows it, and the present one stay until its tokens have ended;
// it is no error when one waits already. It returns all keys as they are then.
// ErrNoKeys before the server's first start; token.ErrSealed, token.ErrWrongSeal or
// ErrUnsealed when the Sealer does not fit the keys that are there.
func (o Operator) RotateKey(ctx context.Context, r RotateRequest) (list []KeyStatus, err error) {
	now := o.now()
	err = o.Store.Update(ctx, func(tx store.Tx) error {
		keys, err := tx.Keys()
		if err != nil {
			return err
		}
		if err := r.fits(keys); err != nil {
			return err
		}
		changes, err := r.changes(keys, now)
		if err != nil {
			return err
		}
		if err := r.store(tx, changes); err != nil {
			return err
		}
		keys, err = tx.Keys()
		list = statuses(keys, now)
		return err
	})
	return list, err
}

// fits makes sure that the server will be able to open the next key: it opens those
// that are there, and seals as they are sealed.
func (r RotateRequest) fits(keys []auth.Key) error {
	if !slices.ContainsFunc(keys, func(k auth.Key) bool { return k.Use == auth.KeySigns }) {
		return ErrNoKeys
	}
	if r.Sealer != nil && slices.ContainsFunc(keys, func(k auth.Key) bool { return !k.Sealed }) {
		return ErrUnsealed
	}
	_, err := token.NewRing(keys, r.Sealer)
	return err
}

func (r RotateRequest) changes(keys []auth.Key, now time.Time) (token.Changes, error) {
	if r.Leaked {
		return r.replaceAll(keys, now)
	}
	return token.Successor(keys, now, now.Add(token.PublishLead), r.Algorithm, r.TokenLife+dpop.Skew)
}

// replaceAll takes back every signing key. One that waits to sign lay where the
// leaked one lay.
func (r RotateRequest) replaceAll(keys []auth.Key, now time.Time) (ch token.Changes, err error) {
	for _, k := range keys {
		if k.Use == auth.KeySigns && alive(k, now) {
			k.ExpiresAt = now.Add(-dpop.Skew) // for a node whose clock is behind as well
			ch.Set = append(ch.Set, k)
		}
	}
	next, err := token.NewSigningKey(now, now, r.Algorithm)
	ch.Add = []auth.Key{next}
	return ch, err
}

func (r RotateRequest) store(tx store.Tx, ch token.Changes) error {
	for _, k := range ch.Add {
		sealed, err := r.Sealer.Seal(k)
		if err != nil {
			return err
		}
		if err := tx.AddKey(sealed); err != nil {
			return err
		}
	}
	for _, k := range ch.Set {
		if err := tx.SetKey(k); err != nil {
			return err
		}
	}
	return nil
}
