package resource

import (
	"context"
	"net/http"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// tokenKey is the context key of a *Token.
type tokenKey struct{}

// From returns the token that the middleware verified. Without the middleware
// there is none.
func From(ctx context.Context) (*Token, bool) {
	t, ok := ctx.Value(tokenKey{}).(*Token)
	return t, ok
}

// Require is middleware that lets a request through when it has a valid access
// token with all of the scopes, and answers it otherwise: 400, 401, 403 or 503, by
// RFC 6750 section 3 and RFC 9449 section 7. The token is in the request's context.
//
// A CORS preflight has no token: it is for a handler around this one.
func (v *Verifier) Require(scopes ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			t, refused := v.judge(r, scopes)
			if refused != nil {
				refused.Respond(w)
				return
			}
			if t.NextNonce != "" {
				w.Header().Set(wire.HeaderDPoPNonce, t.NextNonce)
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, t)))
		})
	}
}
