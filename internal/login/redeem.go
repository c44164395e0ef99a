package login

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/secret"
)

// TokenRequest is what all requests of the token endpoint have in common.
type TokenRequest struct {
	Client auth.Client
	// Proof is the DPoP proof, verified but for its nonce and its use; the zero Proof: none came.
	Proof dpop.Proof
	// Resources narrow what the access token is for (RFC 8707 section 2.2); none: all
	// that was granted.
	Resources []string
	// Address is where the request came from.
	Address netip.Addr
}

// proves reports whether a proof of that key came.
func (r TokenRequest) proves(thumbprint string) bool {
	return thumbprint != "" && r.Proof.Thumbprint == thumbprint
}

// admit checks what needs no grant: the client's demand for a proof of those who
// begin a session, the proof's nonce and that it is new.
func (s *Service) admit(ctx context.Context, r TokenRequest) error {
	if r.Proof.Thumbprint == "" && r.Client.RequireDPoP {
		return ErrProofNeeded
	}
	return s.admitProof(ctx, r.Proof)
}

// Redeem answers one poll of the token endpoint (RFC 8628 section 3.4 and 3.5):
// tokens, once, after the approval; before it grant.ErrPending, or ErrSlowDown
// for a poll that came too soon. The pace counts only for grants that are still
// pending, so a poll right after the approval is never slowed. ErrKey when the
// grant is bound to another key. The holder of the key that got the tokens may ask
// again for grant.RepeatFor, for the answer may have been lost.
func (s *Service) Redeem(ctx context.Context, r TokenRequest, deviceCode secret.Text) (Tokens, error) {
	if err := s.admit(ctx, r); err != nil {
		return Tokens{}, err
	}
	t, err := s.redeem(ctx, r, deviceCode)
	return t, s.usedUp(ctx, r.Proof, err)
}

func (s *Service) redeem(ctx context.Context, r TokenRequest, deviceCode secret.Text) (Tokens, error) {
	id := idOf(deviceCode)
	// A look without the lock: most polls are of pending grants and end here. What
	// it says is decided again, for good, in the transaction below.
	err := s.look(ctx, r, id)
	if err != nil && !errors.Is(err, grant.ErrRedeemed) {
		return Tokens{}, err
	}
	client := r.Client.ID // not r, which would have each poll copied to the heap
	how := settlement{
		spend: func(now time.Time, g grant.Grant) (grant.Grant, error) { return g.Redeem(now, client) },
		again: func(now time.Time, g grant.Grant) bool { return g.Repeatable(now, client) },
	}
	if err != nil {
		return s.repeat(ctx, r, id, how)
	}
	g, err := s.Grant(ctx, id)
	if err != nil {
		return Tokens{}, err
	}
	t, err := s.spendGrant(ctx, r, g, how)
	if err == nil {
		s.pace.forget(id)
	}
	return t, err
}

// look says what is to be said of a poll without a transaction; nil when it is to
// be tried for tokens.
func (s *Service) look(ctx context.Context, r TokenRequest, id auth.GrantID) error {
	g, err := s.Store.Glance(ctx, id)
	if err != nil {
		return unknown(err)
	}
	now := s.now()
	err = g.Redeem(now, r.Client.ID)
	switch {
	case errors.Is(err, grant.ErrForeign):
		return err
	case g.KeyThumbprint != "" && !r.proves(g.KeyThumbprint):
		return ErrKey
	case errors.Is(err, grant.ErrPending) && !s.NoPace && !s.pace.poll(now, g):
		return ErrSlowDown
	}
	return err
}
