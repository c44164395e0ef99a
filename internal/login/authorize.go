package login

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

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

// Redirects reports whether the client may have its answers sent there: to the
// letter, but for the port on a loopback host (RFC 8252 section 7.3, RFC 9700
// section 2.1).
func Redirects(c auth.Client, uri string) bool {
	return slices.ContainsFunc(c.RedirectURIs, func(registered string) bool {
		return uri == registered || samePortless(uri, registered)
	})
}

func samePortless(uri, registered string) bool {
	a, okA := portless(uri)
	b, okB := portless(registered)
	return okA && okB && a == b
}

// portless takes the port out of an http URI on a loopback host.
func portless(uri string) (string, bool) {
	rest, ok := strings.CutPrefix(uri, "http://")
	if !ok {
		return "", false
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	for _, host := range []string{"127.0.0.1", "[::1]", "localhost"} {
		port, ok := strings.CutPrefix(rest[:end], host)
		if ok && (port == "" || isPort(port)) {
			return host + rest[end:], true
		}
	}
	return "", false
}

// isPort reports whether the text is a colon and a port.
func isPort(text string) bool {
	digits, ok := strings.CutPrefix(text, ":")
	n, err := strconv.ParseUint(digits, 10, 16)
	return ok && err == nil && n > 0
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
	request.ID = auth.GrantID(name.Reveal())
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
	id, err := keys.OpenID(s.now(), r.IDTokenHint, s.Issuer)
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
	g, err := s.change(ctx, id, func(_ store.Tx, g grant.Grant) (grant.Grant, error) {
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

// Response is an authorization response: the parameters in the query of the
// redirect URI, with the client's state and who answers (RFC 9207 section 2).
func (s *Service) Response(redirectURI string, params url.Values, state string) string {
	if state != "" {
		params.Set(wire.ParamState, state)
	}
	params.Set(wire.ParamIssuer, s.Issuer)
	separator := "?"
	if strings.Contains(redirectURI, "?") {
		separator = "&"
	}
	return redirectURI + separator + params.Encode()
}

// ExchangeRequest brings an authorization code (RFC 6749 section 4.1.3).
type ExchangeRequest struct {
	TokenRequest
	Code        secret.Text
	RedirectURI string
	Verifier    string // RFC 7636 section 4.5
}

// Exchange turns an authorization code into tokens, once. A code that comes again
// ends the session that it led to (RFC 6749 section 4.1.2), but for the holder of the
// key that got the tokens: see Redeem.
func (s *Service) Exchange(ctx context.Context, r ExchangeRequest) (Tokens, error) {
	t, err := s.exchange(ctx, r)
	return t, s.usedUp(ctx, r.Proof, err)
}

func (s *Service) exchange(ctx context.Context, r ExchangeRequest) (Tokens, error) {
	if err := s.admit(ctx, r.TokenRequest); err != nil {
		return Tokens{}, err
	}
	id, _, _ := strings.Cut(r.Code.Reveal(), ".")
	g, err := s.Grant(ctx, auth.GrantID(id))
	if err != nil {
		return Tokens{}, err
	}
	presented := grant.Presented{Code: r.Code.Hash(), RedirectURI: r.RedirectURI, Verifier: r.Verifier}
	how := settlement{
		spend: func(now time.Time, g grant.Grant) (grant.Grant, error) {
			return g.Exchange(now, r.Client.ID, presented)
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
		if fault := s.endSessionOf(ctx, r.Client.ID, g.ID); fault != nil {
			return Tokens{}, fault
		}
	}
	return t, err
}
