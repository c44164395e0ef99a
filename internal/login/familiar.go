package login

import (
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/risk"
	"github.com/qrauthd/qrauthd/internal/store"
)

// familiarFresh is how old a memory may be before it is written again.
const familiarFresh = 24 * time.Hour

// meetAll remembers what the sign-in had that the next one may have too: the key
// that its tokens are bound to, and where the desktop is. What was seen a short while
// ago is not written again.
func (s *Service) meetAll(tx store.Tx, session auth.Session) error {
	values := []auth.Familiar{{Kind: auth.FamiliarKey, Value: session.KeyThumbprint}}
	if !s.AddressesUnsure {
		values = append(values,
			auth.Familiar{Kind: auth.FamiliarNetwork, Value: risk.NetworkOf(session.Origin)},
			auth.Familiar{Kind: auth.FamiliarCountry, Value: s.Atlas.Look(session.Origin).Country})
	}
	known, err := tx.FamiliarsOf(session.UserID)
	if err != nil {
		return err
	}
	for _, f := range values {
		if f.Value == "" {
			continue
		}
		if err := meet(tx, known, f, session); err != nil {
			return err
		}
	}
	return nil
}

// meet remembers one of them, unless that was done in the last day.
func meet(tx store.Tx, known []auth.Familiar, f auth.Familiar, session auth.Session) error {
	f.UserID, f.FirstSeenAt, f.LastSeenAt = session.UserID, session.CreatedAt, session.CreatedAt
	for _, k := range known {
		if k.Kind != f.Kind || k.Value != f.Value {
			continue
		}
		if session.CreatedAt.Sub(k.LastSeenAt) < familiarFresh {
			return nil
		}
		f.FirstSeenAt = k.FirstSeenAt
	}
	return tx.PutFamiliar(f)
}

// isNew reports whether the account has never had the desktop's key. A desktop
// without a key is always new.
func isNew(tx store.Tx, user auth.UserID, key string) (bool, error) {
	if key == "" {
		return true, nil
	}
	known, err := tx.FamiliarsOf(user)
	for _, k := range known {
		if k.Kind == auth.FamiliarKey && k.Value == key {
			return false, err
		}
	}
	return true, err
}
