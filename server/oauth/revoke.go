package oauth

import (
	"net/http"

	"github.com/qrauthd/qrauthd/internal/peer"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// revoke ends what a token stands for (RFC 7009). A device code may be revoked
// too: that is how a desktop without push says that it needs its grant no more.
// The hint is not needed, since one lookup tells.
func (f *Face) revoke(w http.ResponseWriter, r *http.Request) error {
	body, err := readForm(w, r)
	if err != nil {
		return err
	}
	client, err := f.client(r, body)
	if err != nil {
		return err
	}
	tok, err := body.need(wire.ParamToken)
	if err != nil {
		return err
	}
	if err := f.Login.Revoke(r.Context(), client.ID, secret.From(tok), peer.Address(r)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}
