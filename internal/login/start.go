package login

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// collisionTries is how often a user code is drawn again when another grant has
// it. With a million live grants one draw collides once in 25,000 times.
const collisionTries = 8

// StartRequest is a desktop's wish to be signed in.
type StartRequest struct {
	Client auth.Client
	Scopes auth.Scopes // none: all that the client has (RFC 6749 section 3.3)
	Device auth.Device
	Origin netip.Addr
}

// Start begins a grant and returns it with its device code, which is shown to
// nobody but the desktop (RFC 8628 section 3.2). ErrScope for a scope that the
// client may not ask for.
func (s *Service) Start(ctx context.Context, r StartRequest) (grant.Grant, secret.Text, error) {
	if !r.Scopes.Within(r.Client.Scopes) {
		return grant.Grant{}, secret.Text{}, ErrScope
	}
	if len(r.Scopes) == 0 {
		r.Scopes = r.Client.Scopes
	}
	deviceCode, err := secret.New(s.Random)
	if err != nil {
		return grant.Grant{}, secret.Text{}, err
	}
	request := grant.Request{
		ID:       idOf(deviceCode),
		ClientID: r.Client.ID,
		Scopes:   r.Scopes,
		Device:   r.Device,
		Origin:   r.Origin,
		Lifetime: r.Client.Lifetime,
		Interval: r.Client.Interval,
	}
	var g grant.Grant
	err = s.withFreshCode(func(code grant.UserCode) error {
		request.Code = code
		g = grant.New(s.now(), request)
		return s.Store.Update(ctx, func(tx store.Tx) error { return tx.AddGrant(g) })
	})
	if err != nil {
		return grant.Grant{}, secret.Text{}, fmt.Errorf("start a grant: %w", err)
	}
	return g, deviceCode, nil
}

// withFreshCode calls try with newly drawn user codes until it meets no conflict.
func (s *Service) withFreshCode(try func(grant.UserCode) error) error {
	for n := 1; ; n++ {
		code, err := grant.NewUserCode(s.Random)
		if err != nil {
			return err
		}
		if err := try(code); n == collisionTries || !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// idOf is the name of the grant that the device code belongs to.
func idOf(deviceCode secret.Text) auth.GrantID {
	return auth.GrantID(deviceCode.Hash().String())
}
