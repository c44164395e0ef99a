package keyring

import (
	"context"
	"fmt"
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
	defer k.Stale()
	err := k.store.Update(ctx, func(tx store.Tx) error {
		stored, err := tx.Keys()
		if err != nil {
			return err
		}
		if _, err := token.NewRing(stored, k.policy.Sealer); err != nil && len(stored) > 0 {
			return err
		}
		changes, err := token.Plan(stored, k.now(), k.policy.Algorithm, k.policy.RotateAfter, k.policy.life())
		if err != nil {
			return err
		}
		if err := k.write(changes.Add, tx.AddKey); err != nil {
			return err
		}
		if err := k.write(changes.Set, tx.SetKey); err != nil {
			return err
		}
		return k.sealAll(tx)
	})
	if err != nil {
		return fmt.Errorf("tend the server's keys: %w", err)
	}
	return nil
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

// sealAll encrypts what is not yet, where there is a key file.
func (k *Keyring) sealAll(tx store.Tx) error {
	if k.policy.Sealer == nil {
		return nil
	}
	stored, err := tx.Keys()
	if err != nil {
		return err
	}
	var open []auth.Key
	for _, key := range stored {
		if !key.Sealed {
			open = append(open, key)
		}
	}
	return k.write(open, tx.SetKey)
}
