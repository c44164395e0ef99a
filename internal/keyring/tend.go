package keyring

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/token"
)

// TendEvery is how often a server looks whether a key has come of age.
const TendEvery = time.Minute

// Tend makes the keys that are missing, publishes a successor for a signing key
// that has come of age, and seals what was stored before there was a key file.
// Doing it twice, or on two nodes, does it once. Keys that the Sealer does not open are
// an error, before anything is changed: the operator has mistaken the key file.
func (k *Keyring) Tend(ctx context.Context) error {
	err := k.update(ctx, func(tx store.Tx, stored []auth.Key) error {
		changes, err := token.Plan(stored, k.now(), k.policy.Algorithm, k.policy.RotateAfter, k.policy.life())
		if err != nil {
			return err
		}
		if err := k.apply(tx, changes); err != nil {
			return err
		}
		return k.sealAll(tx)
	})
	if err != nil {
		return fmt.Errorf("tend the server's keys: %w", err)
	}
	return nil
}

// update changes the keys in one transaction, once the Sealer has opened those that
// are there.
func (k *Keyring) update(ctx context.Context, change func(tx store.Tx, stored []auth.Key) error) error {
	defer k.Stale()
	return k.store.Update(ctx, func(tx store.Tx) error {
		stored, err := tx.Keys()
		if err != nil {
			return err
		}
		if _, err := token.NewRing(stored, k.policy.Sealer); err != nil {
			return err
		}
		return change(tx, stored)
	})
}

// apply stores the changes, sealed.
func (k *Keyring) apply(tx store.Tx, c token.Changes) error {
	if err := k.write(c.Add, tx.AddKey); err != nil {
		return err
	}
	return k.write(c.Set, tx.SetKey)
}

func (k *Keyring) write(keys []auth.Key, put func(auth.Key) error) error {
	for _, key := range keys {
		sealed, err := k.policy.Sealer.Seal(key)
		if err != nil {
			return err
		}
		if err := put(sealed); err != nil {
			return err
		}
	}
	return nil
}

// sealAll encrypts what is not yet, at the first start with a key file: later on
// token.NewRing does not take a key that is not sealed.
func (k *Keyring) sealAll(tx store.Tx) error {
	if k.policy.Sealer == nil {
		return nil
	}
	stored, err := tx.Keys()
	if err != nil {
		return err
	}
	open := slices.DeleteFunc(stored, func(key auth.Key) bool { return !isOpen(key) })
	return k.write(open, tx.SetKey)
}

func isOpen(key auth.Key) bool { return !key.Sealed }
