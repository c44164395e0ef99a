package login

import (
	"context"
	"errors"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// Session finds the live session of an access token and its person.
// ErrUnknownToken when the token is unknown, expired or revoked, or the account
// disabled.
func (s *Service) Session(ctx context.Context, access secret.Text) (auth.Session, auth.User, error) {
	var session auth.Session
	var user auth.User
	err := s.Store.View(ctx, func(tx store.Tx) (err error) {
		if session, err = tx.SessionByAccess(access.Hash()); err != nil {
			return err
		}
		user, err = tx.User(session.UserID)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return auth.Session{}, auth.User{}, ErrUnknownToken
	case err != nil:
		return auth.Session{}, auth.User{}, err
	case user.Disabled || !s.now().Before(session.ExpiresAt):
		return auth.Session{}, auth.User{}, ErrUnknownToken
	}
	return session, user, nil
}

// Revoke ends what the token stands for, if it is the client's own: the session
// of an access token, or of a device code the grant that nobody needs any more
// and the session that it has become, if its tokens never arrived.
// A token that is unknown or another client's is no error (RFC 7009 section 2.2).
func (s *Service) Revoke(ctx context.Context, client auth.ClientID, tok secret.Text) error {
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		session, err := tx.SessionByAccess(tok.Hash())
		if err != nil || session.ClientID != client {
			return err
		}
		return tx.RemoveSession(session.ID)
	})
	if errors.Is(err, store.ErrNotFound) {
		err = s.abandon(ctx, client, idOf(tok))
	}
	if errors.Is(err, ErrUnknownCode) {
		return nil
	}
	return err
}

// abandon ends the grant, whatever has become of it.
func (s *Service) abandon(ctx context.Context, client auth.ClientID, id auth.GrantID) error {
	if err := s.Cancel(ctx, client, id); err != nil {
		return err
	}
	err := s.Store.Update(ctx, func(tx store.Tx) error { return tx.RemoveSession(sessionOf(id)) })
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
