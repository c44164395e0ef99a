package login

import (
	"context"
	"errors"
	"net/netip"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// Attach finds the grant of a desktop that opens the push channel. ErrUnknownCode
// for a device code that is unknown, another client's, or of an expired grant.
// Subscribe to the grant that it returns, then read it again: what changed in
// between is then seen.
func (s *Service) Attach(ctx context.Context, client auth.ClientID, deviceCode secret.Text) (grant.Grant, error) {
	g, err := s.Grant(ctx, idOf(deviceCode))
	if err != nil {
		return grant.Grant{}, err
	}
	if g.ClientID != client || g.StateAt(s.now()) == grant.Expired {
		return grant.Grant{}, ErrUnknownCode
	}
	return g, nil
}

// Grant reads a grant by its name. ErrUnknownCode when there is none.
func (s *Service) Grant(ctx context.Context, id auth.GrantID) (g grant.Grant, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		g, err = tx.Grant(id)
		return unknown(err)
	})
	return g, err
}

// Rotate replaces the grant's user code if it is due, and returns the grant as
// it then stands: unchanged when it is not due or no longer rotates.
func (s *Service) Rotate(ctx context.Context, id auth.GrantID) (after grant.Grant, err error) {
	err = s.withFreshCode(func(code grant.UserCode) error {
		after, err = s.change(ctx, id, func(_ store.Tx, g grant.Grant) (grant.Grant, error) {
			rotated, err := g.Rotate(s.now(), code)
			if err != nil {
				return g, nil // not due, decided or over: the grant as it is tells
			}
			return rotated, nil
		})
		return err
	})
	return after, err
}

// Cancel ends the grant at the desktop's wish. Cancelling one that is over is no
// error for the desktop, which has what it wants; ErrUnknownCode for a grant that
// is unknown or another client's.
func (s *Service) Cancel(ctx context.Context, client auth.ClientID, id auth.GrantID, from netip.Addr) error {
	_, err := s.change(store.Ahead(ctx), id, func(tx store.Tx, g grant.Grant) (grant.Grant, error) {
		cancelled, err := g.Cancel(s.now(), client)
		if errors.Is(err, grant.ErrForeign) {
			return g, ErrUnknownCode
		}
		if err != nil || cancelled.Seq == g.Seq || g.OpenedBy == "" {
			return cancelled, nil // nobody had seen it, so there is nothing to tell
		}
		return cancelled, s.record(tx, about(byDesktop(auth.EventCancelled, from), cancelled))
	})
	return err
}
