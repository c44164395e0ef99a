package login

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// AuthorizeRequest is an authorization request (RFC 6749 section 4.1.1) whose client
// and redirect URI were found good with Redirects.
type AuthorizeRequest struct {
	StartRequest
	RedirectURI string
	State       string
	Challenge   string // S256 (RFC 7636 section 4.3)
	// IDTokenHint is an ID token of the one person whom the client expects, if any
	// (OpenID Connect Core section 3.1.2.1).
	IDTokenHint string
}

// Authorize begins the grant of an authorization request. It is the same grant as a
// device's but for its end: there is no user code, and the browser takes an
// authorization code to the client. ErrRedirectURI, ErrScope or ErrTarget for
// what the client may not ask for, ErrHint for an ID token that is not one of its own.
func (s *Service) Authorize(ctx context.Context, r AuthorizeRequest) (grant.Grant, error) {
	if !Redirects(r.Client, r.RedirectURI) {
		return grant.Grant{}, ErrRedirectURI
	}
	request, err := s.request(r.StartRequest)
	if err != nil {
		return grant.Grant{}, err
	}
	expected, err := s.expected(ctx, r)
	if err != nil {
		return grant.Grant{}, err
	}
	name, err := secret.New(s.Random)
	if err != nil {
		return grant.Grant{}, err
	}
	request.ID = auth.GrantID(dated(s.now(), name).Reveal())
	request.Redirect = grant.Redirect{URI: r.RedirectURI, State: r.State, Challenge: r.Challenge, Subject: expected}
	g := grant.New(s.now(), request)
	if err := s.Store.Update(ctx, func(tx store.Tx) error { return tx.AddGrant(g) }); err != nil {
		return grant.Grant{}, fmt.Errorf("begin an authorization: %w", err)
	}
	return g, nil
}

// expected is the subject of the hint; empty when there is none. The token may have
// ended: it is a name here, and opens nothing.
func (s *Service) expected(ctx context.Context, r AuthorizeRequest) (string, error) {
	if r.IDTokenHint == "" {
		return "", nil
	}
	keys, err := s.Keys.Read(ctx)
	if err != nil {
		return "", err
	}
	id, err := keys.OpenID(s.wall(), r.IDTokenHint, s.Issuer)
	if err != nil || id.Audience != string(r.Client.ID) {
		return "", ErrHint
	}
	return id.Subject, nil
}

// Return is where the browser of an authorization request goes on: to the client,
// with a fresh code after an approval, each of which voids the one before, or with
// the error of what else has become of the request (RFC 6749 section 4.1.2, RFC 9207).
// Only the browser that decided may ask, or, where none did before the time was
// over, one that has opened it. ErrNoReturn for a grant that no authorization request
// began, that is undecided, or that was exchanged already.
func (s *Service) Return(ctx context.Context, browser auth.BrowserID, id auth.GrantID) (string, error) {
	own, err := secret.New(s.Random)
	if err != nil {
		return "", err
	}
	code := string(id) + "." + own.Reveal()
	var refusal error
	g, err := s.change(store.Ahead(ctx), id, func(_ store.Tx, g grant.Grant) (grant.Grant, error) {
		if !g.ForBrowser() || g.ClaimedElsewhere(browser) {
			return g, ErrNoReturn
		}
		minted, err := g.Mint(s.now(), browser, secret.From(code).Hash())
		refusal = err
		if err != nil {
			return g, nil // as it is: the refusal is what the browser takes along
		}
		return minted, nil
	})
	switch {
	case err != nil:
		return "", err
	case refusal == nil:
		return s.Response(g.Redirect.URI, url.Values{wire.ParamCode: {code}}, g.Redirect.State), nil
	case errors.Is(refusal, grant.ErrPending), errors.Is(refusal, grant.ErrRedeemed), errors.Is(refusal, grant.ErrNotClaimed):
		return "", ErrNoReturn
	}
	why := refusal.Error()
	if errors.Is(refusal, grant.ErrExpired) {
		why = wire.DescriptionExpired
	}
	return s.Response(g.Redirect.URI, url.Values{
		wire.ParamError: {wire.CodeAccessDenied}, wire.ParamErrorDescription: {why},
	}, g.Redirect.State), nil
}
