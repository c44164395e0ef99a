package oauth

import (
	"net/http"
	"strings"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// userInfo tells the desktop whom it signed in (OpenID Connect Core section 5.3).
// The name takes the profile scope.
func (f *Face) userInfo(w http.ResponseWriter, r *http.Request) error {
	a, err := f.access(r)
	if err != nil {
		return errResource{err}
	}
	claims, err := f.Login.UserInfo(r.Context(), a)
	if err != nil {
		return errResource{err}
	}
	info := wire.UserInfo{Subject: claims.Subject}
	if claims.Scopes.Has(auth.ScopeProfile) {
		info.Name = claims.User.Name
	}
	respond(w, http.StatusOK, info)
	return nil
}

// access reads the access token and what proves its possession. A token comes with a
// proof by the scheme DPoP, and without by Bearer (RFC 9449 section 7.1).
func (f *Face) access(r *http.Request) (login.Access, error) {
	scheme, tok, err := authorization(r.Header.Values("Authorization"))
	if err != nil {
		return login.Access{}, err
	}
	a := login.Access{Token: tok}
	if scheme == wire.TokenTypeBearer {
		return a, nil
	}
	if a.Proof, err = f.proof(r, tok); err != nil {
		return a, err
	}
	if a.Proof.Thumbprint == "" {
		return a, login.ErrProofNeeded
	}
	return a, nil
}

// authorization reads the header (RFC 6750 section 2.1, RFC 9449 section 7.1), the
// only place where a token is taken from.
func authorization(header []string) (scheme string, tok secret.Text, err error) {
	if len(header) != 1 {
		return "", secret.Text{}, errNoToken
	}
	name, text, _ := strings.Cut(header[0], " ")
	text = strings.Trim(text, " ")
	if text == "" || strings.ContainsFunc(text, notTokenText) {
		return "", secret.Text{}, errNoToken
	}
	for _, scheme := range []string{wire.TokenTypeBearer, wire.TokenTypeDPoP} {
		if strings.EqualFold(name, scheme) {
			return scheme, secret.From(text), nil
		}
	}
	return "", secret.Text{}, errNoToken
}

// notTokenText: what no token68 has (RFC 6750 section 2.1).
func notTokenText(r rune) bool {
	return notBase64URL(r) && !strings.ContainsRune(".~+/=", r)
}
