package oauth

import (
	"net/http"
	"strings"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// userInfo tells the desktop whom it signed in (OpenID Connect Core section 5.3).
// The name takes the profile scope.
func (f *Face) userInfo(w http.ResponseWriter, r *http.Request) error {
	tok, err := bearer(r)
	if err != nil {
		return err
	}
	session, user, err := f.Login.Session(r.Context(), tok)
	if err != nil {
		return err
	}
	info := wire.UserInfo{Subject: string(user.ID)}
	if session.Scopes.Has(auth.ScopeProfile) {
		info.Name = user.Name
	}
	respond(w, http.StatusOK, info)
	return nil
}

// bearer reads the Authorization header (RFC 6750 section 2.1), the only place
// where a token is taken from.
func bearer(r *http.Request) (secret.Text, error) {
	scheme, tok, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || tok == "" {
		return secret.Text{}, errNoBearer
	}
	return secret.From(strings.TrimSpace(tok)), nil
}
