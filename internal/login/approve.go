package login

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/keyring"
	"github.com/qrauthd/qrauthd/internal/passkey"
	"github.com/qrauthd/qrauthd/internal/store"
)

// Scan notes that a page with the grant on it is open in the visitor's browser, and
// warns when it is another than before. Scanning what is over changes nothing and
// is no error: the page learns the state anyway.
func (s *Service) Scan(ctx context.Context, v Visitor, id auth.GrantID) error {
	_, err := s.change(store.Ahead(ctx), id, func(tx store.Tx, g grant.Grant) (grant.Grant, error) {
		scanned, err := g.Scan(s.now(), v.Browser)
		if err != nil {
			return g, nil
		}
		return scanned, s.noteTwice(tx, v, g, scanned)
	})
	return err
}

// noteTwice records that a second browser opened the code, when that has just shown.
func (s *Service) noteTwice(tx store.Tx, v Visitor, before, after grant.Grant) error {
	if before.OpenedTwice || !after.OpenedTwice {
		return nil
	}
	return s.record(tx, about(v.event(auth.EventOpenedTwice), after))
}

// BeginApproval is the tap on Approve: it claims the grant for this browser and
// opens the passkey ceremony that is to approve it. In a browser where a person
// is known, that person's passkeys may answer; else any discoverable one. ErrRisky,
// ErrUnknownDevice or ErrBlocked when the passkey would be proved in vain.
func (s *Service) BeginApproval(ctx context.Context, v Visitor, id auth.GrantID) (passkey.Options, error) {
	var known auth.User
	var allowed []auth.Passkey
	err := s.Store.View(ctx, func(tx store.Tx) (err error) {
		if known, err = person(tx, s.wall(), v.Browser); err != nil || known.ID == "" {
			return err
		}
		allowed, err = tx.PasskeysOf(known.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	options, challenge, err := s.Passkeys.BeginAssertion(allowed)
	if err != nil {
		return nil, err
	}
	var refusal error // which the audit log is to tell
	_, err = s.change(store.Ahead(ctx), id, func(tx store.Tx, g grant.Grant) (claimed grant.Grant, err error) {
		claimed, refusal, err = s.claim(tx, v, g, known.ID, challenge)
		return claimed, err
	})
	if err = errors.Join(err, refusal); err != nil {
		return nil, err
	}
	return options, nil
}

// claim binds the grant to the visitor's browser, if approving it there can come to
// anything. What speaks against that comes back as refusal, with the grant as it was.
func (s *Service) claim(tx store.Tx, v Visitor, g grant.Grant, user auth.UserID, challenge []byte) (_ grant.Grant, refusal, err error) {
	claimed, err := g.Claim(s.now(), v.Browser, challenge)
	switch {
	case errors.Is(err, grant.ErrClaimed):
		return g, err, s.recordOnce(tx, about(v.event(auth.EventClaimRefused), g))
	case err != nil:
		return g, nil, err
	}
	client, err := s.clientOf(tx, g)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return g, nil, err
	}
	j, err := s.assess(tx, claimed, client, v, user)
	switch {
	case err != nil:
		return g, nil, err
	case j.refusal != nil:
		return s.seenInVain(tx, v, g, j, user)
	}
	return claimed, nil, s.noteTwice(tx, v, g, claimed)
}

// seenInVain is a claim that comes to nothing: all that stays of it is who has opened
// the grant.
func (s *Service) seenInVain(tx store.Tx, v Visitor, g grant.Grant, j judgement, user auth.UserID) (_ grant.Grant, refusal, err error) {
	scanned, err := g.Scan(s.now(), v.Browser)
	if err == nil {
		err = s.noteTwice(tx, v, g, scanned)
	}
	if err == nil {
		err = s.noteRefused(tx, v, scanned, j, user)
	}
	return scanned, j.refusal, err
}

func (s *Service) noteRefused(tx store.Tx, v Visitor, g grant.Grant, j judgement, user auth.UserID) error {
	e := judged(about(v.event(auth.EventRefused), g), j.Assessment)
	e.UserID, e.Note = user, j.refusal.Error()
	return s.recordOnce(tx, e)
}

// Approval is a grant that a person has just approved, and by whom. It is done where
// the grant is approved, and awaits a number where it is verifying.
type Approval struct {
	User  auth.User
	Grant grant.Grant
}

// FinishApproval ends the ceremony: the passkey's answer to this grant's own
// challenge approves it, in one transaction with the check, or has it await a number
// where the risk demands one. The challenge is spent by the first answer, right or
// wrong. ErrPasskey when the answer does not hold, ErrNoAccount when it is a disabled
// person's, ErrOtherPerson when it is not that of the one person whom the client
// expects; ErrRisky, ErrUnknownDevice or ErrBlocked when the policy or the person's
// own report forbids it, now that the account is known.
func (s *Service) FinishApproval(ctx context.Context, v Visitor, id auth.GrantID, answer []byte) (Approval, error) {
	keys, err := s.Keys.Read(ctx)
	if err != nil {
		return Approval{}, err
	}
	number, err := grant.NewNumber(s.Random)
	if err != nil {
		return Approval{}, err
	}
	var who auth.User
	var refusal error // of the answer; the spent challenge is committed with it
	after, err := s.change(store.Ahead(ctx), id, func(tx store.Tx, g grant.Grant) (_ grant.Grant, err error) {
		refusal = nil
		g, challenge, err := g.Answer(s.now(), v.Browser)
		if err != nil {
			return g, err
		}
		var used auth.Passkey
		who, used, refusal, err = s.verify(tx, challenge, answer)
		switch {
		case err != nil:
			return g, err
		case refusal != nil:
			return g, s.recordOnce(tx, about(v.event(auth.EventPasskeyFailed), g))
		}
		g, refusal, err = s.settleApproval(tx, keys, v, g, approver{who, used}, number)
		return g, err
	})
	if err = errors.Join(err, refusal); err != nil {
		return Approval{}, err
	}
	return Approval{who, after}, nil
}

// approver is a person with the passkey that they have just proved.
type approver struct {
	auth.User
	passkey auth.Passkey
}

// settleApproval decides what becomes of the grant, now that it is known who approves it.
func (s *Service) settleApproval(tx store.Tx, keys *keyring.Set, v Visitor, g grant.Grant, by approver, number string) (_ grant.Grant, refusal, err error) {
	client, err := s.clientOf(tx, g)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return g.Void(s.now()), ErrUnknownClient, nil
	case err != nil:
		return g, nil, err
	case g.Redirect.Subject != "" && g.Redirect.Subject != subjectOf(keys, client, by.ID):
		return g, ErrOtherPerson, s.noteOtherPerson(tx, v, g, by.User)
	}
	j, err := s.assess(tx, g, client, v, by.ID)
	if err != nil {
		return g, nil, err
	}
	if err := s.know(tx, v.Browser, by.ID); err != nil {
		return g, nil, err
	}
	if j.refusal != nil {
		return g, j.refusal, s.noteRefused(tx, v, g, j, by.ID)
	}
	after, err := s.approve(v, g, by, j, number)
	if err != nil {
		return g, nil, err
	}
	e := judged(about(v.event(auth.EventApproved), after), j.Assessment)
	e.Passkey = base64.RawURLEncoding.EncodeToString(by.passkey.ID)
	if after.State == grant.Verifying {
		e.Note = "a number is awaited on the desktop"
	}
	return after, nil, s.record(tx, e)
}

func (s *Service) noteOtherPerson(tx store.Tx, v Visitor, g grant.Grant, who auth.User) error {
	e := of(about(v.event(auth.EventRefused), g), who)
	e.Note = ErrOtherPerson.Error()
	return s.recordOnce(tx, e)
}

func (s *Service) approve(v Visitor, g grant.Grant, by approver, j judgement, number string) (grant.Grant, error) {
	if j.demand == auth.DemandNumber {
		return g.AwaitNumber(s.now(), v.Browser, by.ID, j.scopes, number)
	}
	return g.Approve(s.now(), v.Browser, by.ID, j.scopes)
}

// verify checks a passkey's answer within the transaction and writes back its
// counter and backup state. What is wrong with the answer comes back as refusal,
// what is wrong with the store as err.
func (s *Service) verify(tx store.Tx, challenge, answer []byte) (who auth.User, used auth.Passkey, refusal, err error) {
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
	used, err = s.Passkeys.FinishAssertion(s.wall(), challenge, answer, find)
	switch {
	case errors.Is(err, store.ErrUnavailable):
		return auth.User{}, used, nil, err
	case err != nil:
		return auth.User{}, used, fmt.Errorf("%w: %w", ErrPasskey, err), nil
	case who.Disabled:
		return auth.User{}, used, ErrNoAccount, nil
	}
	return who, used, nil, tx.SetPasskey(used)
}

// Deny ends the grant for the person in this browser.
func (s *Service) Deny(ctx context.Context, v Visitor, id auth.GrantID) error {
	var refusal error // which the audit log is to tell
	_, err := s.change(store.Ahead(ctx), id, func(tx store.Tx, g grant.Grant) (grant.Grant, error) {
		refusal = nil
		denied, err := g.Deny(s.now(), v.Browser)
		switch {
		case errors.Is(err, grant.ErrClaimed):
			refusal = err
			return g, s.recordOnce(tx, about(v.event(auth.EventClaimRefused), g))
		case err != nil:
			return g, err
		}
		return denied, s.record(tx, about(v.event(auth.EventDenied), denied))
	})
	return errors.Join(err, refusal)
}
