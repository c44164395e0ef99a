package login

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/dpop"
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
	// Resources are what the access tokens are for (RFC 8707); none: all that the
	// client has.
	Resources []string
	// KeyThumbprint is that of the DPoP key that the grant is for, if any, and Proof a
	// proof of it that came along, for which it stands as well.
	KeyThumbprint string
	Proof         dpop.Proof
	Nonce         string // for the ID token, if any
	Device        auth.Device
	Origin        netip.Addr
	// Crowded says that very many sign-ins begin from that address.
	Crowded bool
}

// request is what a grant for the wish begins from, but for what names it. ErrScope
// and ErrTarget for what the client may not ask for, ErrNetwork for where it may not
// be asked from.
func (s *Service) request(r StartRequest) (grant.Request, error) {
	scopes, resources := r.Scopes, r.Resources
	if len(scopes) == 0 {
		scopes = r.Client.Scopes
	}
	if len(resources) == 0 {
		resources = r.Client.Resources
	}
	switch {
	case !s.mayStart(r):
		return grant.Request{}, ErrNetwork
	case !scopes.Within(r.Client.Scopes):
		return grant.Request{}, ErrScope
	case !s.narrows(resources, r.Client.Resources):
		return grant.Request{}, ErrTarget
	case r.Proof.Thumbprint != "" && r.KeyThumbprint != "" && r.Proof.Thumbprint != r.KeyThumbprint:
		return grant.Request{}, ErrOtherKey
	}
	return grant.Request{
		ClientID:      r.Client.ID,
		Scopes:        scopes,
		Resources:     resources,
		KeyThumbprint: cmp.Or(r.KeyThumbprint, r.Proof.Thumbprint),
		Nonce:         r.Nonce,
		Device:        r.Device,
		Origin:        r.Origin,
		Crowded:       r.Crowded,
		Lifetime:      r.Client.Lifetime,
		Interval:      r.Client.Interval,
	}, nil
}

// mayStart reports whether the client's policy allows a start from there. An address
// that may be a proxy's is in none of the networks that a policy names.
func (s *Service) mayStart(r StartRequest) bool {
	policy := s.Policies.Of(r.Client)
	return policy.Allows(r.Origin) && (len(policy.Networks) == 0 || !s.AddressesUnsure)
}

// narrows reports whether a token may be for the resources that are asked for, where
// it may be for those that are granted: the issuer where none are named.
func (s *Service) narrows(asked, granted []string) bool {
	granted = s.audience(granted)
	return !slices.ContainsFunc(asked, func(resource string) bool { return !slices.Contains(granted, resource) })
}

// Start begins a grant and returns it with its device code, which is shown to
// nobody but the desktop (RFC 8628 section 3.2). ErrScope or ErrTarget for what the
// client may not ask for.
func (s *Service) Start(ctx context.Context, r StartRequest) (grant.Grant, secret.Text, error) {
	request, err := s.request(r)
	if err != nil {
		return grant.Grant{}, secret.Text{}, err
	}
	if r.Proof.Thumbprint != "" && !s.replays.first(s.wall(), r.Proof) {
		return grant.Grant{}, secret.Text{}, ErrReplay
	}
	random, err := secret.New(s.Random)
	if err != nil {
		return grant.Grant{}, secret.Text{}, err
	}
	deviceCode := dated(s.now(), random)
	request.ID = idOf(deviceCode)
	proof := r.Proof // not r, which would have each request copied to the heap
	var g grant.Grant
	err = s.withFreshCode(func(code grant.UserCode) error {
		request.Code = code
		g = grant.New(s.now(), request)
		return s.Store.Update(ctx, func(tx store.Tx) error {
			if err := spendProof(tx, proof); err != nil {
				return err
			}
			return tx.AddGrant(g)
		})
	})
	if proof.Thumbprint != "" {
		s.replays.settle(proof, err)
	}
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
