package token

import (
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
)

// State is what a key does at a time.
type State string

// The states.
const (
	Waits   State = "waits"   // published, to sign from a time to come
	Signs   State = "signs"   // published, and new tokens are signed with it
	Stays   State = "stays"   // published until the tokens that it signed have ended
	Over    State = "over"    // no longer published
	Derives State = "derives" // never published: see auth.KeyDerives
)

// Status is what an operator sees of a key: all but the key.
type Status struct {
	ID        auth.KeyID
	Algorithm string // of a signing key
	State     State
	Sealed    bool // encrypted with the key file
	CreatedAt time.Time
	SignsFrom time.Time
	ExpiresAt time.Time // zero: no other has been told to take over
}

// Statuses tells what each of the keys does at the time, in their order. They are all
// keys of the server, and need not be open.
func Statuses(keys []auth.Key, now time.Time) []Status {
	var signer auth.KeyID
	if l := lineOf(keys, now); l.signs(now) >= 0 {
		signer = l[l.signs(now)].ID
	}
	list := make([]Status, len(keys))
	for i, k := range keys {
		list[i] = Status{
			ID: k.ID, Algorithm: k.Algorithm, Sealed: k.Sealed,
			CreatedAt: k.CreatedAt, SignsFrom: k.SignsFrom, ExpiresAt: k.ExpiresAt,
			State: stateOf(k, signer, now),
		}
	}
	return list
}

func stateOf(k auth.Key, signer auth.KeyID, now time.Time) State {
	switch {
	case k.Use == auth.KeyDerives:
		return Derives
	case expired(k, now):
		return Over
	case k.ID == signer:
		return Signs
	case now.Before(k.SignsFrom):
		return Waits
	}
	return Stays
}
