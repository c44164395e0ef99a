package desktop

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// proofAlgorithm is the one that our keys prove by.
const proofAlgorithm = "ES256"

// keyholder is the key of this installation (RFC 9449). New sign-ins are bound to
// it; a session keeps the one that it was bound to.
type keyholder struct {
	off bool // the app wants bearer tokens

	mu  sync.Mutex // guards key
	key dpop.Key   // zero until it is needed
}

// forNew returns the key for a sign-in at a server, and makes it if need be. A
// server that knows no DPoP, or not our algorithm, gets none.
func (k *keyholder) forNew(meta wire.Metadata) (dpop.Key, error) {
	if k.off || !slices.Contains(meta.DPoPAlgorithms, proofAlgorithm) {
		return dpop.Key{}, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.key.IsZero() {
		return k.key, nil
	}
	key, err := dpop.NewKey()
	k.key = key
	return key, err
}

// takeUp makes a kept key the installation's.
func (k *keyholder) takeUp(key dpop.Key) {
	if key.IsZero() {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.key = key
}

// keyEntry names the entry of the installation's key in a store. It is not the
// session's: a sign-out ends sessions, and the next one has the same key.
func (c *Client) keyEntry() string { return c.storeKey() + " (key)" }

// loadKey reads the key that a store holds, the zero key when there is none or
// what there is can't be read.
func (c *Client) loadKey(store Store) (dpop.Key, error) {
	data, err := store.Load(c.keyEntry())
	if errors.Is(err, ErrNotFound) {
		return dpop.Key{}, nil
	}
	if err != nil {
		return dpop.Key{}, fmt.Errorf("look for the kept key: %w", err)
	}
	key, err := dpop.ParseKey(data)
	if err != nil {
		c.log.Warn("the kept key can't be read: the next sign-in gets a new one", "error", err)
		return dpop.Key{}, nil
	}
	return key, nil
}

// keepKey makes the key the installation's in the store, or takes up the one that
// another process has put there. Two may yet do so at once, and the last one's stays:
// a session has its own key in its record.
func (c *Client) keepKey(store Store, key dpop.Key) error {
	data, err := marshaled(key)
	if data == nil || err != nil {
		return err
	}
	kept, err := c.loadKey(store)
	if err != nil {
		return err
	}
	if !kept.IsZero() {
		c.key.takeUp(kept)
		return nil
	}
	if err := store.Save(c.keyEntry(), data); err != nil {
		return fmt.Errorf("keep the installation's key: %w", err)
	}
	return nil
}

// marshaled is the key for a store, nothing for the zero key.
func marshaled(key dpop.Key) ([]byte, error) {
	if key.IsZero() {
		return nil, nil
	}
	return key.Marshal()
}
