package oauth

import (
	"errors"
	"net/http"

	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// introspect tells a client that authenticates what a token is (RFC 7662). The hint
// is not needed, since the token's form tells.
func (f *Face) introspect(w http.ResponseWriter, r *http.Request) error {
	body, err := readForm(w, r)
	if err != nil {
		return err
	}
	client, err := f.client(r, body)
	if errors.Is(err, errNoClient) {
		err = login.ErrClientAuth // nobody may ask unknown (RFC 7662 section 2.1)
	}
	if err != nil {
		return err
	}
	tok, err := body.need(wire.ParamToken)
	if err != nil {
		return err
	}
	answer, err := f.Login.Introspect(r.Context(), client, secret.From(tok))
	if err != nil {
		return err
	}
	respond(w, http.StatusOK, answer)
	return nil
}
