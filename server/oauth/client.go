package oauth

import (
	"net/http"
	"net/url"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// client identifies the caller, and authenticates it where it is confidential:
// by HTTP Basic or by the form (RFC 6749 section 2.3.1), never by both.
func (f *Face) client(r *http.Request, body form) (auth.Client, error) {
	id, sec := body.get(wire.ParamClientID), body.get(wire.ParamClientSecret)
	if r.Header.Get("Authorization") != "" {
		basicID, basicSecret, err := basic(r)
		if err != nil {
			return auth.Client{}, err
		}
		if sec != "" {
			return auth.Client{}, errRequest("client authentication came twice, in the header and in the form")
		}
		if id != "" && id != basicID {
			return auth.Client{}, login.ErrClientAuth // one client may not speak for another
		}
		id, sec = basicID, basicSecret
	}
	if id == "" {
		return auth.Client{}, errRequest("a parameter is missing: " + wire.ParamClientID)
	}
	return f.Login.AuthenticateClient(r.Context(), auth.ClientID(id), secret.From(sec))
}

// basic reads the Authorization header, whose halves are form-encoded first.
func basic(r *http.Request) (id, sec string, err error) {
	user, pass, ok := r.BasicAuth()
	if !ok {
		return "", "", login.ErrClientAuth
	}
	if id, err = url.QueryUnescape(user); err != nil {
		return "", "", login.ErrClientAuth
	}
	if sec, err = url.QueryUnescape(pass); err != nil {
		return "", "", login.ErrClientAuth
	}
	return id, sec, nil
}
