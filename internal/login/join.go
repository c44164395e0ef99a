package login

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/passkey"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// JoinRequest asks for a passkey. On what leave: an invitation, a recovery code,
// open registration, or, for another passkey of the same account, a fresh
// sign-in in this browser.
type JoinRequest struct {
	Name         string // of a new account
	Invitation   secret.Text
	RecoveryCode secret.Text
	Another      bool // a further passkey for the person known in this browser
}

// Invited is what an invitation page shows before anything is created.
type Invited struct {
	Name     string
	Existing bool // the invitation is for an account that exists
}

// Invited looks at an invitation without consuming it. ErrInvitation when it does not hold.
func (s *Service) Invited(ctx context.Context, invitation secret.Text) (Invited, error) {
	var out Invited
	err := s.Store.View(ctx, func(tx store.Tx) error {
		c, err := s.invited(tx, invitation, "")
		out = Invited{Name: c.User.Name, Existing: !c.NewAccount}
		if errors.Is(err, ErrName) {
			return nil // the page asks for it
		}
		return err
	})
	return out, err
}

// BeginJoin opens the creation of a passkey. Nothing is created or consumed
// until FinishJoin.
func (s *Service) BeginJoin(ctx context.Context, browser auth.BrowserID, r JoinRequest) (secret.Text, passkey.Options, error) {
	var c ceremony
	var owner passkey.Owner
	err := s.Store.View(ctx, func(tx store.Tx) (err error) {
		if c, err = s.leave(tx, browser, r); err != nil {
			return err
		}
		owner = passkey.Owner{User: c.User}
		owner.Passkeys, err = tx.PasskeysOf(c.User.ID)
		return err
	})
	if err != nil {
		return secret.Text{}, nil, err
	}
	options, state, err := s.Passkeys.BeginRegistration(owner)
	if err != nil {
		return secret.Text{}, nil, err
	}
	c.Kind, c.State = joinCeremony, state
	handle, err := s.beginCeremony(ctx, browser, c)
	return handle, options, err
}

// leave finds out for whom a passkey may be created, and on what leave.
func (s *Service) leave(tx store.Tx, browser auth.BrowserID, r JoinRequest) (ceremony, error) {
	switch {
	case r.Another:
		u, err := s.fresh(tx, browser)
		return ceremony{User: u}, err
	case !r.RecoveryCode.IsZero():
		return s.recovering(tx, r.RecoveryCode)
	case !r.Invitation.IsZero():
		return s.invited(tx, r.Invitation, r.Name)
	case s.OpenRegistration:
		return s.newcomer(r.Name)
	}
	return ceremony{}, ErrJoinClosed
}

func (s *Service) newcomer(name string) (ceremony, error) {
	if utf8.RuneCountInString(strings.TrimSpace(name)) > auth.MaxDeviceField {
		return ceremony{NewAccount: true}, ErrNameTooLong
	}
	if name = auth.CleanName(name); name == "" {
		return ceremony{NewAccount: true}, ErrName
	}
	id, err := secret.New(s.Random)
	if err != nil {
		return ceremony{}, err
	}
	// The ID is no secret, but it is random: it is the user handle that WebAuthn
	// wants to tell nothing of the person (Level 3 section 14.6.1).
	u := auth.User{ID: auth.UserID(id.Reveal()), Name: name, CreatedAt: s.wall()}
	return ceremony{User: u, NewAccount: true}, nil
}

func (s *Service) invited(tx store.Tx, invitation secret.Text, name string) (ceremony, error) {
	inv, err := tx.Invitation(invitation.Hash())
	if errors.Is(err, store.ErrNotFound) || err == nil && !s.wall().Before(inv.ExpiresAt) {
		return ceremony{}, ErrInvitation
	}
	if err != nil {
		return ceremony{}, err
	}
	var c ceremony
	if inv.UserID != "" {
		c, err = existing(tx, inv.UserID)
	} else {
		if name == "" {
			name = inv.Name
		}
		c, err = s.newcomer(name)
	}
	c.Invitation = inv.Hash
	return c, err
}

func (s *Service) recovering(tx store.Tx, code secret.Text) (ceremony, error) {
	rc, err := tx.RecoveryCode(code.Hash())
	if errors.Is(err, store.ErrNotFound) {
		return ceremony{}, ErrRecoveryCode
	}
	if err != nil {
		return ceremony{}, err
	}
	c, err := existing(tx, rc.UserID)
	c.RecoveryCode = rc.Hash
	return c, err
}

func existing(tx store.Tx, id auth.UserID) (ceremony, error) {
	u, err := tx.User(id)
	if errors.Is(err, store.ErrNotFound) || err == nil && u.Disabled {
		return ceremony{}, ErrNoAccount
	}
	return ceremony{User: u}, err
}

// Joined is what a finished registration leaves: who is known in the browser now
// and, for a new account, its recovery codes, shown this once.
type Joined struct {
	User          auth.User
	RecoveryCodes []secret.Text
}

// FinishJoin ends the creation: in one transaction the leave is consumed, the
// account made if it is new, and the passkey kept. ErrPasskey when the answer
// does not hold, ErrPasskeyExists when the credential is somebody's already.
func (s *Service) FinishJoin(ctx context.Context, v Visitor, handle secret.Text, answer []byte) (Joined, error) {
	c, err := s.endJoin(ctx, v.Browser, handle)
	if err != nil {
		return Joined{}, err
	}
	p, err := s.Passkeys.FinishRegistration(s.wall(), passkey.Owner{User: c.User}, c.State, answer)
	if errors.Is(err, passkey.ErrRefused) {
		return Joined{}, fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	if err != nil {
		return Joined{}, err
	}
	joined := Joined{User: c.User}
	err = s.Store.Update(ctx, func(tx store.Tx) error {
		joined.RecoveryCodes, err = s.settle(tx, v, c, p)
		return err
	})
	if errors.Is(err, store.ErrConflict) {
		return Joined{}, ErrPasskeyExists
	}
	if err != nil {
		return Joined{}, err
	}
	return joined, nil
}

// endJoin consumes the ceremony, whatever its answer turns out to be.
func (s *Service) endJoin(ctx context.Context, browser auth.BrowserID, handle secret.Text) (c ceremony, err error) {
	var refusal error
	err = s.Store.Update(ctx, func(tx store.Tx) error {
		c, refusal = s.takeCeremony(tx, browser, handle, joinCeremony)
		return storeFault(refusal)
	})
	return c, errors.Join(err, refusal)
}

// settle writes what a verified registration leads to.
func (s *Service) settle(tx store.Tx, v Visitor, c ceremony, p auth.Passkey) (codes []secret.Text, err error) {
	if err := consumeLeave(tx, c); err != nil {
		return nil, err
	}
	if c.NewAccount {
		if err := tx.AddUser(c.User); err != nil {
			return nil, err
		}
		if codes, err = s.writeRecoveryCodes(tx, c.User.ID); err != nil {
			return nil, err
		}
	} else if err := settleAgain(tx, v.Browser, c); err != nil {
		return nil, err
	}
	if err := tx.AddPasskey(p); err != nil {
		return nil, err
	}
	if err := s.know(tx, v.Browser, c.User.ID); err != nil {
		return nil, err
	}
	e := of(v.event(c.event()), c.User)
	e.Passkey = base64.RawURLEncoding.EncodeToString(p.ID)
	return codes, s.record(tx, e)
}

// event is what the end of the registration is.
func (c ceremony) event() auth.EventType {
	switch {
	case c.NewAccount:
		return auth.EventAccountCreated
	case !c.RecoveryCode.IsZero():
		return auth.EventRecovered
	}
	return auth.EventPasskeyAdded
}

// settleAgain is settle for an account that exists. Who needed an invitation or a
// recovery code may have lost a phone, so every other browser forgets the person.
func settleAgain(tx store.Tx, browser auth.BrowserID, c ceremony) error {
	if _, err := existing(tx, c.User.ID); err != nil {
		return err
	}
	if c.Invitation.IsZero() && c.RecoveryCode.IsZero() {
		return nil
	}
	return tx.RemoveBrowsersOf(c.User.ID, browser)
}

// consumeLeave spends the invitation or recovery code, which may have been spent
// by somebody else since the ceremony began.
func consumeLeave(tx store.Tx, c ceremony) error {
	if !c.Invitation.IsZero() {
		if _, err := tx.TakeInvitation(c.Invitation); err != nil {
			return spent(err, ErrInvitation)
		}
	}
	if !c.RecoveryCode.IsZero() {
		if _, err := tx.TakeRecoveryCode(c.RecoveryCode); err != nil {
			return spent(err, ErrRecoveryCode)
		}
	}
	return nil
}

func spent(err, as error) error {
	if errors.Is(err, store.ErrNotFound) {
		return as
	}
	return err
}
