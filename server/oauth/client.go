package oauth

import (
	"net/http"
	"net/url"

	"github.com/qrauthd/qrauthd/internal/assertion"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// errNoClient is a request of nobody.
const errNoClient = errRequest("a parameter is missing: " + wire.ParamClientID)

// client identifies the caller, and authenticates it where it is confidential: by
// HTTP Basic or by the form (RFC 6749 section 2.3.1), or by an assertion (RFC 7523
// section 2.2), and never by two of them.
func (f *Face) client(r *http.Request, body form) (auth.Client, error) {
	c := login.Credentials{
		ID:        auth.ClientID(body.get(wire.ParamClientID)),
		Secret:    secret.From(body.get(wire.ParamClientSecret)),
		Assertion: body.get(wire.ParamClientAssertion),
		Starts:    r.URL.Path == wire.PathDeviceAuthorization,
	}
	ways := len(r.Header.Values("Authorization"))
	for _, way := range []bool{!c.Secret.IsZero(), c.Assertion != ""} {
		if way {
			ways++
		}
	}
	var err error
	switch {
	case ways > 1:
		return auth.Client{}, errRequest("client authentication came twice: use the header, the form or an assertion")
	case c.Assertion != "":
		c.Audiences = []string{f.issuer, f.issuer + wire.PathToken, f.issuer + r.URL.Path}
		c, err = withAssertion(c, body)
	case len(r.Header.Values("Authorization")) > 0:
		c, err = withBasic(c, r)
	}
	if err != nil {
		return auth.Client{}, err
	}
	if c.ID == "" {
		return auth.Client{}, errNoClient
	}
	return f.Login.AuthenticateClient(r.Context(), c)
}

// withAssertion finds whom the assertion speaks for. client_id may be left out; one
// client may not speak for another.
func withAssertion(c login.Credentials, body form) (login.Credentials, error) {
	if body.get(wire.ParamClientAssertionType) != wire.AssertionTypeJWT {
		return c, login.ErrClientAuth
	}
	subject, err := assertion.Subject(c.Assertion)
	if err != nil || c.ID != "" && c.ID != auth.ClientID(subject) {
		return c, login.ErrClientAuth
	}
	c.ID = auth.ClientID(subject)
	return c, nil
}

func withBasic(c login.Credentials, r *http.Request) (login.Credentials, error) {
	id, sec, err := basic(r)
	if err != nil || c.ID != "" && c.ID != auth.ClientID(id) {
		return c, login.ErrClientAuth
	}
	c.ID, c.Secret = auth.ClientID(id), secret.From(sec)
	return c, nil
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
