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
// that its tokens are bound to, and where the desktop began it. What was seen a short
// while ago is not written again, and nothing of a desktop that the person has yet to
// confirm.
func (s *Service) meetAll(tx store.Tx, session auth.Session, more ...auth.Familiar) error {
	if session.Unconfirmed(s.wall()) {
		return nil
	}
	known, err := tx.FamiliarsOf(session.UserID)
	if err != nil {
		return err
	}
	for _, f := range append(s.lessons(session), more...) {
		if err := meet(tx, known, f, session); err != nil {
			return err
		}
	}
	return nil
}

// lessons are what a sign-in teaches the account.
func (s *Service) lessons(session auth.Session) (list []auth.Familiar) {
	add := func(kind auth.FamiliarKind, value string) {
		if value != "" {
			list = append(list, auth.Familiar{Kind: kind, Value: value})
		}
	}
	add(auth.FamiliarKey, session.KeyThumbprint)
	add(auth.FamiliarClientKey, clientKey(session.ClientID, session.KeyThumbprint))
	if !s.AddressesUnsure {
		add(auth.FamiliarNetwork, risk.NetworkOf(session.StartedFrom))
		add(auth.FamiliarCountry, s.Atlas.Look(session.StartedFrom).Country)
	}
	return list
}

// ownKeys is what a sign-in teaches besides when the person was at the computer.
func ownKeys(session auth.Session) []auth.Familiar {
	if session.KeyThumbprint == "" {
		return nil
	}
	return []auth.Familiar{{Kind: auth.FamiliarOwnKey, Value: session.KeyThumbprint}}
}

// clientKey names the key as one that has signed in for the client; empty for none.
func clientKey(client auth.ClientID, key string) string {
	if key == "" {
		return ""
	}
	return string(client) + " " + key
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

// isNew reports whether the desktop is new to the account as far as the client is
// concerned: its key has not signed in for the client, nor by its own browser, and
// nobody has confirmed it. A desktop without a key is always new.
func isNew(tx store.Tx, user auth.UserID, client auth.ClientID, key string) (bool, error) {
	if key == "" {
		return true, nil
	}
	known, err := tx.FamiliarsOf(user)
	for _, f := range known {
		if f.Kind == auth.FamiliarOwnKey && f.Value == key || f.Kind == auth.FamiliarClientKey && f.Value == clientKey(client, key) {
			return false, err
		}
	}
	return true, err
}

// endWindow has a desktop be one of the account's for good, when the time is over in
// which its person might have said that it is not.
func (s *Service) endWindow(tx store.Tx, wall time.Time, session *auth.Session) error {
	if session.ReducedUntil.IsZero() || session.Unconfirmed(wall) {
		return nil
	}
	session.ReducedScopes, session.ReducedUntil = nil, time.Time{}
	return s.meetAll(tx, *session)
}
