package oauth

import (
	"net/http"

	"github.com/qrauthd/qrauthd/internal/route"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// Handler serves the paths below the issuer.
func (f *Face) Handler() http.Handler {
	mux := route.NewMux()
	mux.Handle("POST "+wire.PathDeviceAuthorization, f.answer(f.noncing(f.deviceAuthorization)))
	mux.Handle("POST "+wire.PathToken, f.answer(f.noncing(f.token)))
	mux.Handle("POST "+wire.PathConfirmation, f.answer(f.deviceConfirmation))
	mux.Handle("GET "+wire.PathAuthorize, f.answer(f.authorize))
	mux.Handle("POST "+wire.PathAuthorize, f.answer(f.authorizeForm))
	mux.Handle("POST "+wire.PathRevoke, f.answer(f.revoke))
	mux.Handle("POST "+wire.PathIntrospect, f.answer(f.introspect))
	mux.Handle("GET "+wire.PathJWKS, f.answer(f.jwks))
	mux.Handle("GET "+wire.PathUserInfo, f.answer(f.noncing(f.userInfo)))
	mux.Handle("POST "+wire.PathUserInfo, f.answer(f.noncing(f.userInfo)))
	mux.Handle("GET "+wire.PathPush, http.HandlerFunc(f.push))
	return mux
}
