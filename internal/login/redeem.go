package login

import (
	"context"
	"errors"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/token"
)

// Tokens is what a redeemed device code yields.
type Tokens struct {
	Access    secret.Text
	ExpiresIn time.Duration
	Scopes    auth.Scopes
}

// Redeem answers one poll of the token endpoint (RFC 8628 section 3.4 and 3.5):
// tokens, once, after the approval; before it grant.ErrPending, or ErrSlowDown
// for a poll that came too soon. The pace counts only for grants that are still
// pending, so a poll right after the approval is never slowed.
func (s *Service) Redeem(ctx context.Context, client auth.Client, deviceCode secret.Text) (Tokens, error) {
	g, err := s.Grant(ctx, idOf(deviceCode))
	if err != nil {
		return Tokens{}, err
	}
	now := s.now()
	// A look without the lock: most polls are of pending grants and end here. What
	// it says is decided again, for good, in the transaction below.
	if _, err := g.Redeem(now, client.ID); err != nil {
		if errors.Is(err, grant.ErrPending) && !s.NoPace && !s.pace.poll(now, g) {
			return Tokens{}, ErrSlowDown
		}
		return Tokens{}, err
	}
	return s.redeem(ctx, client.ID, g.ID)
}

func (s *Service) redeem(ctx context.Context, client auth.ClientID, id auth.GrantID) (Tokens, error) {
	access, err := token.NewAccess(s.Random)
	if err != nil {
		return Tokens{}, err
	}
	var voided bool
	after, err := s.change(ctx, id, func(tx store.Tx, g grant.Grant) (grant.Grant, error) {
		now := s.now()
		spent, err := g.Redeem(now, client)
		if err != nil {
			return g, err
		}
		if voided, err = gone(tx, g); err != nil {
			return g, err
		}
		if voided {
			return g.Void(now), nil
		}
		return spent, tx.AddSession(s.session(now, g, access))
	})
	switch {
	case err != nil:
		return Tokens{}, err
	case voided:
		return Tokens{}, grant.ErrDenied
	}
	s.pace.forget(id)
	return Tokens{Access: access, ExpiresIn: s.SessionLifetime, Scopes: after.Scopes}, nil
}

func (s *Service) session(now time.Time, g grant.Grant, access secret.Text) auth.Session {
	return auth.Session{
		ID:         sessionOf(g.ID),
		GrantID:    g.ID,
		UserID:     g.UserID,
		ClientID:   g.ClientID,
		Scopes:     g.Scopes,
		Device:     g.Device,
		AccessHash: access.Hash(),
		CreatedAt:  now,
		ExpiresAt:  now.Add(s.SessionLifetime),
	}
}

// sessionOf is the session that a grant becomes: one grant, one session.
func sessionOf(id auth.GrantID) auth.SessionID { return auth.SessionID(id) }

// gone reports whether the client or the person that an approved grant needs has
// been removed or disabled since.
func gone(tx store.Tx, g grant.Grant) (bool, error) {
	if _, err := clientOf(tx, g); err != nil {
		return missing(err)
	}
	u, err := tx.User(g.UserID)
	if err != nil {
		return missing(err)
	}
	return u.Disabled, nil
}

func missing(err error) (bool, error) {
	if errors.Is(err, store.ErrNotFound) {
		return true, nil
	}
	return false, err
}
