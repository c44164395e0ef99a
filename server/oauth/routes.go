package oauth

import (
	"net/http"

	"github.com/qrauthd/qrauthd/internal/route"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// Handler serves the paths below the issuer.
func (f *Face) Handler() http.Handler {
	mux := route.NewMux()
	mux.Handle("POST "+wire.PathDeviceAuthorization, f.answer(f.budgeted(gated(f.Gates.Starts, f.answer(f.noncing(f.deviceAuthorization))))))
	mux.Handle("POST "+wire.PathToken, gated(f.Gates.Tokens, f.answer(f.noncing(f.token))))
	mux.Handle("POST "+wire.PathConfirmation, gated(f.Gates.Decisions, f.answer(f.deviceConfirmation)))
	mux.Handle("GET "+wire.PathAuthorize, f.gatedPage(f.Gates.Starts, f.answer(f.authorize)))
	mux.Handle("POST "+wire.PathAuthorize, f.gatedPage(f.Gates.Starts, f.answer(f.authorizeForm)))
	mux.Handle("POST "+wire.PathRevoke, gated(f.Gates.Tokens, f.answer(f.revoke)))
	mux.Handle("POST "+wire.PathIntrospect, gated(f.Gates.Tokens, f.answer(f.introspect)))
	mux.Handle("GET "+wire.PathJWKS, f.answer(f.jwks))
	mux.Handle("GET "+wire.PathUserInfo, gated(f.Gates.Tokens, f.answer(f.noncing(f.userInfo))))
	mux.Handle("POST "+wire.PathUserInfo, gated(f.Gates.Tokens, f.answer(f.noncing(f.userInfo))))
	mux.Handle("GET "+wire.PathPush, gated(f.Gates.Sockets, http.HandlerFunc(f.push)))
	return mux
}
