package login

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/clock"
	"github.com/qrauthd/qrauthd/internal/passkey"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

const (
	// browserKnown is how long a browser remembers who proved a passkey in it. All
	// that it shortens is the next ceremony.
	browserKnown = 180 * 24 * time.Hour
	// proofFresh is how long after a passkey ceremony a browser may change passkeys
	// and recovery codes without another.
	proofFresh = 10 * time.Minute
)

// know remembers that the user has just proved a passkey in this browser.
func (s *Service) know(tx store.Tx, browser auth.BrowserID, user auth.UserID) error {
	return tx.PutBrowser(auth.Browser{ID: browser, UserID: user, ProvedAt: s.now(), ExpiresAt: s.wall().Add(browserKnown)})
}

// Forget makes the browser a stranger again.
func (s *Service) Forget(ctx context.Context, browser auth.BrowserID) error {
	err := s.Store.Update(ctx, func(tx store.Tx) error { return tx.RemoveBrowser(browser) })
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// BeginSignIn opens a passkey sign-in to the account pages.
func (s *Service) BeginSignIn(ctx context.Context, browser auth.BrowserID) (secret.Text, passkey.Options, error) {
	options, challenge, err := s.Passkeys.BeginAssertion(nil)
	if err != nil {
		return secret.Text{}, nil, err
	}
	handle, err := s.beginCeremony(ctx, browser, ceremony{Kind: signInCeremony, State: challenge})
	return handle, options, err
}

// FinishSignIn ends it: the browser knows the person from here on.
func (s *Service) FinishSignIn(ctx context.Context, v Visitor, handle secret.Text, answer []byte) (auth.User, error) {
	var who auth.User
	var refusal error
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		who = auth.User{}
		c, err := s.takeCeremony(tx, v.Browser, handle, signInCeremony)
		if refusal = err; err != nil {
			return storeFault(err)
		}
		who, _, refusal, err = s.verify(tx, c.State, answer)
		switch {
		case err != nil:
			return err
		case refusal != nil:
			return s.recordOnce(tx, v.event(auth.EventPhoneRefused))
		}
		if err := s.know(tx, v.Browser, who.ID); err != nil {
			return err
		}
		return s.record(tx, of(v.event(auth.EventPhoneSignedIn), who))
	})
	if err = errors.Join(err, refusal); err != nil {
		return auth.User{}, err
	}
	return who, nil
}

// Account is what a person sees of their own account.
type Account struct {
	User          auth.User
	Passkeys      []auth.Passkey
	RecoveryCodes int // left
}

// Account reads the account of the person who is known in the browser.
// ErrSignInFirst when nobody is.
func (s *Service) Account(ctx context.Context, browser auth.BrowserID) (a Account, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		if a.User, err = person(tx, s.wall(), browser); err != nil {
			return err
		}
		if a.User.ID == "" {
			return ErrSignInFirst
		}
		if a.Passkeys, err = tx.PasskeysOf(a.User.ID); err != nil {
			return err
		}
		a.RecoveryCodes, err = tx.RecoveryCodesLeft(a.User.ID)
		return err
	})
	return a, err
}

// fresh is the person who proved a passkey in the browser a short while ago.
func (s *Service) fresh(tx store.Tx, browser auth.BrowserID) (auth.User, error) {
	u, err := person(tx, s.wall(), browser)
	if err != nil {
		return u, err
	}
	b, err := tx.Browser(browser)
	if errors.Is(err, store.ErrNotFound) || u.ID == "" || err == nil && !clock.During(s.now(), b.ProvedAt, b.ProvedAt.Add(proofFresh)) {
		return auth.User{}, ErrSignInFirst
	}
	return u, err
}

// RemovePasskey deletes one of the person's passkeys, but never the last, and has
// every other browser forget the person: the phone may be in wrong hands.
// ErrSignInFirst without a fresh sign-in.
func (s *Service) RemovePasskey(ctx context.Context, v Visitor, id []byte) error {
	return s.Store.Update(ctx, func(tx store.Tx) error {
		u, err := s.fresh(tx, v.Browser)
		if err != nil {
			return err
		}
		all, err := tx.PasskeysOf(u.ID)
		if err != nil {
			return err
		}
		p, err := tx.Passkey(id)
		if err != nil {
			return err
		}
		if p.UserID != u.ID {
			return fmt.Errorf("passkey of another account: %w", store.ErrNotFound)
		}
		if len(all) == 1 {
			return ErrLastPasskey
		}
		if err := tx.RemovePasskey(id); err != nil {
			return err
		}
		if err := tx.RemoveBrowsersOf(u.ID, v.Browser); err != nil {
			return err
		}
		e := of(v.event(auth.EventPasskeyRemoved), u)
		e.Passkey = base64.RawURLEncoding.EncodeToString(id)
		return s.record(tx, e)
	})
}

// NewRecoveryCodes replaces the person's recovery codes. ErrSignInFirst without a
// fresh sign-in.
func (s *Service) NewRecoveryCodes(ctx context.Context, v Visitor) (codes []secret.Text, err error) {
	err = s.Store.Update(ctx, func(tx store.Tx) error {
		u, err := s.fresh(tx, v.Browser)
		if err != nil {
			return err
		}
		if codes, err = s.writeRecoveryCodes(tx, u.ID); err != nil {
			return err
		}
		return s.record(tx, of(v.event(auth.EventCodesRenewed), u))
	})
	return codes, err
}
