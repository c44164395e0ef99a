package login

import (
	"context"
	"errors"
	"fmt"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/passkey"
	"github.com/qrauthd/qrauthd/internal/store"
)

// Scan notes that a page with the grant on it is open. Scanning what is further
// on, or over, changes nothing and is no error: the page learns the state anyway.
func (s *Service) Scan(ctx context.Context, id auth.GrantID) error {
	_, err := s.change(ctx, id, func(_ store.Tx, g grant.Grant) (grant.Grant, error) {
		if scanned, err := g.Scan(s.now()); err == nil {
			return scanned, nil
		}
		return g, nil
	})
	return err
}

// BeginApproval is the tap on Approve: it claims the grant for this browser and
// opens the passkey ceremony that is to approve it. In a browser where a person
// is known, that person's passkeys may answer; else any discoverable one.
func (s *Service) BeginApproval(ctx context.Context, browser auth.BrowserID, id auth.GrantID) (passkey.Options, error) {
	var allowed []auth.Passkey
	err := s.Store.View(ctx, func(tx store.Tx) error {
		u, err := person(tx, s.now(), browser)
		if err != nil || u.ID == "" {
			return err
		}
		allowed, err = tx.PasskeysOf(u.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	options, challenge, err := s.Passkeys.BeginAssertion(allowed)
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, id, func(tx store.Tx, g grant.Grant) (grant.Grant, error) {
		return g.Claim(s.now(), browser, challenge)
	})
	if err != nil {
		return nil, err
	}
	return options, nil
}

// Approval is a grant that was just approved, and by whom.
type Approval struct {
	User  auth.User
	Grant grant.Grant
}

// FinishApproval ends the ceremony: the passkey's answer to this grant's own
// challenge approves it, in one transaction with the check. The challenge is
// spent by the first answer, right or wrong. ErrPasskey when the answer does not
// hold, ErrNoAccount when it is a disabled person's, ErrOtherPerson when it is not
// that of the one person whom the client expects.
func (s *Service) FinishApproval(ctx context.Context, browser auth.BrowserID, id auth.GrantID, answer []byte) (Approval, error) {
	keys, err := s.Keys.Read(ctx)
	if err != nil {
		return Approval{}, err
	}
	var who auth.User
	var refusal error // of the answer; the spent challenge is committed with it
	after, err := s.change(ctx, id, func(tx store.Tx, g grant.Grant) (grant.Grant, error) {
		now := s.now()
		g, challenge, err := g.Answer(now, browser)
		if err != nil {
			return g, err
		}
		if who, refusal, err = s.verify(tx, challenge, answer); err != nil || refusal != nil {
			return g, err
		}
		switch client, err := clientOf(tx, g); {
		case errors.Is(err, store.ErrNotFound):
			refusal = ErrUnknownClient
			return g.Void(now), nil
		case err != nil:
			return g, err
		case g.Redirect.Subject != "" && g.Redirect.Subject != subjectOf(keys, client, who.ID):
			refusal = ErrOtherPerson
			return g, nil
		}
		if err := s.know(tx, browser, who.ID); err != nil {
			return g, err
		}
		return g.Approve(now, browser, who.ID)
	})
	if err = errors.Join(err, refusal); err != nil {
		return Approval{}, err
	}
	return Approval{who, after}, nil
}

// verify checks a passkey's answer within the transaction and writes back its
// counter and backup state. What is wrong with the answer comes back as refusal,
// what is wrong with the store as err.
func (s *Service) verify(tx store.Tx, challenge, answer []byte) (who auth.User, refusal, err error) {
	find := func(id []byte) (o passkey.Owner, err error) {
		p, err := tx.Passkey(id)
		if err != nil {
			return o, err
		}
		if o.User, err = tx.User(p.UserID); err != nil {
			return o, err
		}
		o.Passkeys, err = tx.PasskeysOf(p.UserID)
		who = o.User
		return o, err
	}
	used, err := s.Passkeys.FinishAssertion(s.now(), challenge, answer, find)
	switch {
	case errors.Is(err, store.ErrUnavailable):
		return auth.User{}, nil, err
	case err != nil:
		return auth.User{}, fmt.Errorf("%w: %w", ErrPasskey, err), nil
	case who.Disabled:
		return auth.User{}, ErrNoAccount, nil
	}
	return who, nil, tx.SetPasskey(used)
}

// Deny ends the grant for the person in this browser.
func (s *Service) Deny(ctx context.Context, browser auth.BrowserID, id auth.GrantID) error {
	_, err := s.change(ctx, id, func(_ store.Tx, g grant.Grant) (grant.Grant, error) {
		return g.Deny(s.now(), browser)
	})
	return err
}
