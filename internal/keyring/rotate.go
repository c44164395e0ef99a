package keyring

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/token"
)

// Why there is no rotation. Test with errors.Is.
var (
	// ErrNoKeys: there is no signing key yet.
	ErrNoKeys = errors.New("there are no signing keys yet: the server makes the first when it starts")
	// ErrUnsealed: there is a key file, of which the server knows nothing yet.
	ErrUnsealed = errors.New("the server's keys are not encrypted, so the server does not know the key file yet: start it with key_file, and it will encrypt them")
)

// Rotate has another key sign from token.PublishLead after now, when whoever
// verifies tokens knows it, and the present one stay until its tokens have ended;
// it is no error when one waits already. It may run in another process than the
// server. It returns all keys as they are then, the oldest first. The errors are
// ErrNoKeys before the server's first start, and ErrUnsealed and those of
// token.NewRing when the Sealer does not fit the keys that are there.
func (k *Keyring) Rotate(ctx context.Context) ([]token.Status, error) {
	return k.rotate(ctx, func(stored []auth.Key, now time.Time) (token.Changes, error) {
		return token.Successor(stored, now, k.policy.Algorithm, k.policy.life())
	})
}

// Replace is Rotate for a key that leaked: the next one signs at once, and the others
// are taken back at once, with every token that they signed.
func (k *Keyring) Replace(ctx context.Context) ([]token.Status, error) {
	return k.rotate(ctx, func(stored []auth.Key, now time.Time) (token.Changes, error) {
		return token.Replacement(stored, now, k.policy.Algorithm)
	})
}

func (k *Keyring) rotate(ctx context.Context, plan func([]auth.Key, time.Time) (token.Changes, error)) (list []token.Status, err error) {
	now := k.now()
	err = k.update(ctx, func(tx store.Tx, stored []auth.Key) error {
		if err := k.rotatable(stored); err != nil {
			return err
		}
		changes, err := plan(stored, now)
		if err != nil {
			return err
		}
		if err := k.apply(tx, changes); err != nil {
			return err
		}
		stored, err = tx.Keys()
		list = token.Statuses(stored, now)
		return err
	})
	return list, err
}

// rotatable makes sure that the server will be able to open the next key: it is
// sealed as those are that are there.
func (k *Keyring) rotatable(stored []auth.Key) error {
	if !slices.ContainsFunc(stored, func(key auth.Key) bool { return key.Use == auth.KeySigns }) {
		return ErrNoKeys
	}
	if k.policy.Sealer != nil && slices.ContainsFunc(stored, isOpen) {
		return ErrUnsealed
	}
	return nil
}

// Statuses tells what each of the keys does now, the oldest first.
func (k *Keyring) Statuses(ctx context.Context) ([]token.Status, error) {
	stored, err := k.stored(ctx)
	return token.Statuses(stored, k.now()), err
}
