package oauth

import (
	"net/http"

	"github.com/qrauthd/qrauthd/internal/route"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// Handler serves the paths below the issuer.
func (f *Face) Handler() http.Handler {
	mux := route.NewMux()
	mux.Handle("POST "+wire.PathDeviceAuthorization, f.answer(f.deviceAuthorization))
	mux.Handle("POST "+wire.PathToken, f.answer(f.token))
	mux.Handle("POST "+wire.PathRevoke, f.answer(f.revoke))
	mux.Handle("GET "+wire.PathUserInfo, f.answer(f.userInfo))
	mux.Handle("POST "+wire.PathUserInfo, f.answer(f.userInfo))
	mux.Handle("GET "+wire.PathPush, http.HandlerFunc(f.push))
	return mux
}
