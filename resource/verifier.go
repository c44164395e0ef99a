package resource

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// Verifier verifies the access tokens of one server for one resource. It is safe
// for concurrent use.
type Verifier struct {
	issuer      string
	audience    string
	base        string // of the URL as clients know it, without a slash at its end
	requireDPoP bool
	keys        *keyring
	nonces      *dpop.Nonces // nil: none
	replays     Replays
	activity    *activity // nil: the server is not asked
	now         func() time.Time
}

// Ready reports whether the server's keys are at hand, and fetches them if not.
// It is for a start that is to fail early, and for a health check; nothing needs it.
func (v *Verifier) Ready(ctx context.Context) error { return v.keys.ready(ctx, v.now()) }

// Verify verifies the request's access token, and that it has the scopes. The
// error is always an *Error, which answers the request.
//
// A proof of possession is used up by it: verify a request once.
func (v *Verifier) Verify(r *http.Request, scopes ...string) (*Token, error) {
	t, refused := v.judge(r, scopes)
	if refused != nil {
		return nil, refused
	}
	return t, nil
}

// judge is Verify, with an error that can be nothing else.
func (v *Verifier) judge(r *http.Request, scopes []string) (*Token, *Error) {
	sent, err := parseAuthorization(r.Header.Values("Authorization"))
	var t *Token
	if err == nil {
		t, err = v.verify(r, sent)
	}
	if err == nil && !t.Has(scopes...) {
		err = insufficientScope()
	}
	if err != nil {
		return nil, v.refuse(err, sent.scheme, scopes)
	}
	return t, nil
}

func (v *Verifier) verify(r *http.Request, sent credentials) (*Token, error) {
	if sent.token == "" {
		return nil, anonymous()
	}
	ctx, now := r.Context(), v.now()
	t, err := v.open(ctx, now, sent.token)
	if err != nil {
		return nil, err
	}
	if err := v.checkScheme(t, sent.scheme); err != nil {
		return nil, err
	}
	if t.KeyThumbprint != "" {
		if err := v.prove(r, now, sent.token, t); err != nil {
			return nil, err
		}
	}
	if v.activity == nil {
		return t, nil
	}
	return t, v.activity.check(ctx, now, sent.token)
}

// checkScheme refuses to take a bound token as a bearer token, which would make the
// binding worth nothing (RFC 9449 section 7.2), and the other way round.
func (v *Verifier) checkScheme(t *Token, scheme string) error {
	bound := t.KeyThumbprint != ""
	switch {
	case bound && scheme != wire.TokenTypeDPoP:
		return invalidToken("the token is bound to a key: send it by the DPoP scheme, with a proof")
	case !bound && scheme == wire.TokenTypeDPoP:
		return invalidToken("the token is bound to no key: it is not for the DPoP scheme")
	case !bound && v.requireDPoP:
		return invalidToken("this resource takes only tokens that are bound to a key")
	}
	return nil
}

// refuse makes any error an answer. One that is no *Error is trouble on this side,
// and then the request is not let through.
func (v *Verifier) refuse(err error, tried string, scopes []string) *Error {
	var e *Error
	if !errors.As(err, &e) {
		e = unavailable(err)
	}
	v.challenge(e, tried, scopes)
	return e
}
