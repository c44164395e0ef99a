package login

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// ExchangeRequest brings an authorization code (RFC 6749 section 4.1.3).
type ExchangeRequest struct {
	TokenRequest
	Code        secret.Text
	RedirectURI string
	Verifier    string // RFC 7636 section 4.5
}

// Exchange turns an authorization code into tokens, once. ErrElsewhere, and the grant is
// void, when an app takes it on another network than its browser is on. A code that comes again
// ends the session that it led to (RFC 6749 section 4.1.2), but for the holder of the
// key that got the tokens: see Redeem.
func (s *Service) Exchange(ctx context.Context, r ExchangeRequest) (Tokens, error) {
	if err := s.admit(ctx, r.TokenRequest); err != nil {
		return Tokens{}, err
	}
	t, err := s.exchange(ctx, r)
	return t, s.usedUp(ctx, r.Proof, err)
}

func (s *Service) exchange(ctx context.Context, r ExchangeRequest) (Tokens, error) {
	id, _, _ := strings.Cut(r.Code.Reveal(), ".")
	g, err := s.Grant(ctx, auth.GrantID(id))
	if err != nil {
		return Tokens{}, err
	}
	presented := grant.Presented{Code: r.Code.Hash(), RedirectURI: r.RedirectURI, Verifier: r.Verifier}
	how := settlement{
		spend: func(now time.Time, g grant.Grant) (grant.Grant, error) {
			spent, err := g.Exchange(now, r.Client.ID, presented)
			if err == nil && s.carriedOver(r.TokenRequest, g) {
				return g.Void(now), ErrElsewhere
			}
			return spent, err
		},
		again: func(now time.Time, g grant.Grant) bool { return g.RepeatableWith(now, r.Client.ID, presented) },
	}
	var t Tokens
	switch _, err = how.spend(s.now(), g); {
	case errors.Is(err, grant.ErrForeign), errors.Is(err, grant.ErrPending):
		return Tokens{}, grant.ErrForeign
	case g.KeyThumbprint != "" && !r.proves(g.KeyThumbprint):
		return Tokens{}, ErrKey
	case errors.Is(err, grant.ErrRedeemed):
		t, err = s.repeat(ctx, r.TokenRequest, g.ID, how)
	case err == nil, errors.Is(err, grant.ErrMismatch):
		t, err = s.spendGrant(ctx, r.TokenRequest, g, how)
	}
	if errors.Is(err, grant.ErrRedeemed) {
		s.Log.WarnContext(ctx, "an authorization code was used again: its session is over",
			slog.String("client", string(r.Client.ID)), slog.String("grant", string(g.ID)))
		if fault := s.endSessionOf(store.Ahead(ctx), r.Client.ID, g.ID, byDesktop(auth.EventReused, r.Address)); fault != nil {
			return Tokens{}, fault
		}
	}
	return t, err
}
