package login

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/clock"
	"github.com/qrauthd/qrauthd/internal/passkey"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// ceremony is what a WebAuthn ceremony outside a grant needs to end.
type ceremony struct {
	Kind  ceremonyKind `json:"kind"`
	State []byte       `json:"state"`
	// Of a registration: for whom, and on what leave.
	User         auth.User   `json:"user,omitzero"`
	NewAccount   bool        `json:"new_account,omitempty"`
	Invitation   secret.Hash `json:"invitation,omitzero"`
	RecoveryCode secret.Hash `json:"recovery_code,omitzero"`
}

type ceremonyKind string

const (
	signInCeremony ceremonyKind = "sign-in"
	joinCeremony   ceremonyKind = "join"
)

// beginCeremony keeps the ceremony and returns the handle that its page brings back.
func (s *Service) beginCeremony(ctx context.Context, browser auth.BrowserID, c ceremony) (secret.Text, error) {
	data, err := json.Marshal(c)
	if err != nil {
		return secret.Text{}, fmt.Errorf("encode ceremony: %w", err)
	}
	handle, err := secret.New(s.Random)
	if err != nil {
		return secret.Text{}, err
	}
	kept := auth.Ceremony{Hash: handle.Hash(), Browser: browser, Data: data, ExpiresAt: s.now().Add(passkey.Timeout)}
	err = s.Store.Update(ctx, func(tx store.Tx) error { return tx.AddCeremony(kept) })
	return handle, err
}

// takeCeremony consumes the ceremony. ErrCeremony when it is unknown, over,
// another browser's or of another kind; it is consumed all the same.
func (s *Service) takeCeremony(tx store.Tx, browser auth.BrowserID, handle secret.Text, kind ceremonyKind) (c ceremony, err error) {
	kept, err := tx.TakeCeremony(handle.Hash())
	if errors.Is(err, store.ErrNotFound) {
		return c, ErrCeremony
	}
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(kept.Data, &c); err != nil {
		return c, fmt.Errorf("decode ceremony: %w", err)
	}
	if kept.Browser != browser || c.Kind != kind || !clock.During(s.now(), kept.ExpiresAt.Add(-passkey.Timeout), kept.ExpiresAt) {
		return c, ErrCeremony
	}
	return c, nil
}

// storeFault keeps a transaction from committing over a store's error, and lets
// it commit over a use case's refusal.
func storeFault(err error) error {
	if errors.Is(err, ErrCeremony) {
		return nil
	}
	return err
}
