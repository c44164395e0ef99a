package oauth

import (
	"errors"
	"net/http"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/peer"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// granting is how each grant_type yields tokens.
var granting = map[string]func(*Face, *http.Request, form, login.TokenRequest) (login.Tokens, error){
	wire.GrantTypeDeviceCode: (*Face).redeem,
	wire.GrantTypeCode:       (*Face).exchange,
	wire.GrantTypeRefresh:    (*Face).refresh,
}

// token is the token endpoint (RFC 6749 section 3.2).
func (f *Face) token(w http.ResponseWriter, r *http.Request) error {
	body, err := readForm(w, r)
	if err != nil {
		return err
	}
	kind, err := body.need(wire.ParamGrantType)
	if err != nil {
		return err
	}
	request, err := f.tokenRequest(r, body)
	if err != nil {
		return err
	}
	yield, ok := granting[kind]
	if !ok {
		return errGrantType
	}
	tokens, err := yield(f, r, body, request)
	if err != nil {
		return err
	}
	respond(w, http.StatusOK, wire.Token{
		AccessToken:  tokens.Access.Reveal(),
		TokenType:    tokens.Type,
		ExpiresIn:    int(tokens.ExpiresIn.Seconds()),
		RefreshToken: tokens.Refresh.Reveal(),
		IDToken:      tokens.ID.Reveal(),
		Scope:        tokens.Scopes.String(),
	})
	return nil
}

// tokenRequest is what all grant types have in common.
func (f *Face) tokenRequest(r *http.Request, body form) (t login.TokenRequest, err error) {
	if t.Client, err = f.client(r, body); err != nil {
		return t, err
	}
	if t.Resources, err = body.resources(); err != nil {
		return t, err
	}
	t.Address = peer.Address(r)
	t.Proof, err = f.proof(r, secret.Text{})
	return t, err
}

// redeem answers a poll (RFC 8628 section 3.4 and 3.5).
func (f *Face) redeem(r *http.Request, body form, t login.TokenRequest) (login.Tokens, error) {
	deviceCode, err := body.need(wire.ParamDeviceCode)
	if err != nil {
		return login.Tokens{}, err
	}
	return f.Login.Redeem(r.Context(), t, secret.From(deviceCode))
}

// exchange takes an authorization code (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
func (f *Face) exchange(r *http.Request, body form, t login.TokenRequest) (login.Tokens, error) {
	code, err := body.need(wire.ParamCode)
	if err != nil {
		return login.Tokens{}, err
	}
	redirectURI, err := body.need(wire.ParamRedirectURI)
	if err != nil {
		return login.Tokens{}, err
	}
	verifier, err := body.need(wire.ParamCodeVerifier)
	if err != nil {
		return login.Tokens{}, err
	}
	tokens, err := f.Login.Exchange(r.Context(), login.ExchangeRequest{
		TokenRequest: t, Code: secret.From(code), RedirectURI: redirectURI, Verifier: verifier,
	})
	if errors.Is(err, grant.ErrExpired) || errors.Is(err, grant.ErrDenied) || errors.Is(err, grant.ErrCancelled) {
		err = errCodeOver // the codes for these are a device code's (RFC 8628 section 3.5)
	}
	return tokens, err
}

// refresh takes a refresh token (RFC 6749 section 6).
func (f *Face) refresh(r *http.Request, body form, t login.TokenRequest) (login.Tokens, error) {
	tok, err := body.need(wire.ParamRefreshToken)
	if err != nil {
		return login.Tokens{}, err
	}
	scopes, err := auth.ParseScopes(body.get(wire.ParamScope))
	if err != nil {
		return login.Tokens{}, err
	}
	return f.Login.Refresh(r.Context(), login.RefreshRequest{TokenRequest: t, Token: secret.From(tok), Scopes: scopes})
}
