package oauth

import (
	"net/http"

	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/token"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// token answers a poll (RFC 8628 section 3.4 and 3.5).
func (f *Face) token(w http.ResponseWriter, r *http.Request) error {
	body, err := readForm(w, r)
	if err != nil {
		return err
	}
	kind, err := body.need(wire.ParamGrantType)
	if err != nil {
		return err
	}
	client, err := f.client(r, body)
	if err != nil {
		return err
	}
	if kind != wire.GrantTypeDeviceCode {
		return errGrantType
	}
	deviceCode, err := body.need(wire.ParamDeviceCode)
	if err != nil {
		return err
	}
	tokens, err := f.Login.Redeem(r.Context(), client, secret.From(deviceCode))
	if err != nil {
		return err
	}
	respond(w, http.StatusOK, wire.Token{
		AccessToken: tokens.Access.Reveal(),
		TokenType:   token.Type,
		ExpiresIn:   int(tokens.ExpiresIn.Seconds()),
		Scope:       tokens.Scopes.String(),
	})
	return nil
}
