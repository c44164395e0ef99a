package oauth

import (
	"net/http"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// Metadata serves the document of RFC 8414. Where it stands is the server's
// business, since that path lies outside an issuer which has one of its own.
func (f *Face) Metadata() http.Handler {
	methods := []string{"none", "client_secret_basic", "client_secret_post"}
	document := wire.Metadata{
		Issuer:                      f.issuer,
		TokenEndpoint:               f.issuer + wire.PathToken,
		DeviceAuthorizationEndpoint: f.issuer + wire.PathDeviceAuthorization,
		DevicePushEndpoint:          f.pushURI(),
		RevocationEndpoint:          f.issuer + wire.PathRevoke,
		UserInfoEndpoint:            f.issuer + wire.PathUserInfo,
		ResponseTypesSupported:      []string{}, // there is no authorization endpoint
		GrantTypesSupported:         []string{wire.GrantTypeDeviceCode},
		ScopesSupported:             []string{auth.ScopeOpenID, auth.ScopeProfile},
		TokenAuthMethods:            methods,
		RevocationAuthMethods:       methods,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=300")
		respond(w, http.StatusOK, document)
	})
}
