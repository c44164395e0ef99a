package oauth

import (
	"net/http"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/token"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// Metadata serves the document of RFC 8414 and of OpenID Connect Discovery, which
// are one. Where it stands is the server's business, since some of its paths lie
// outside an issuer which has one of its own.
func (f *Face) Metadata() http.Handler {
	return f.answer(func(w http.ResponseWriter, r *http.Request) error {
		document := f.document()
		var err error
		if document.IDTokenAlgorithms, err = f.Login.SigningAlgorithms(r.Context()); err != nil {
			return err
		}
		cacheFor(w)
		respond(w, http.StatusOK, document)
		return nil
	})
}

// document is all of it but for the algorithms of the present keys.
func (f *Face) document() wire.Metadata {
	confidential := []string{"client_secret_basic", "client_secret_post", "private_key_jwt"}
	methods := append([]string{"none"}, confidential...)
	algorithms := dpop.Algorithms()
	return wire.Metadata{
		Issuer:                      f.issuer,
		AuthorizationEndpoint:       f.issuer + wire.PathAuthorize,
		TokenEndpoint:               f.issuer + wire.PathToken,
		DeviceAuthorizationEndpoint: f.issuer + wire.PathDeviceAuthorization,
		DevicePushEndpoint:          f.pushURI(),
		DeviceConfirmationEndpoint:  f.issuer + wire.PathConfirmation,
		JWKSURI:                     f.issuer + wire.PathJWKS,
		RevocationEndpoint:          f.issuer + wire.PathRevoke,
		IntrospectionEndpoint:       f.issuer + wire.PathIntrospect,
		UserInfoEndpoint:            f.issuer + wire.PathUserInfo,
		ResponseTypesSupported:      []string{wire.ResponseTypeCode},
		ResponseModesSupported:      []string{"query"},
		GrantTypesSupported:         []string{wire.GrantTypeCode, wire.GrantTypeRefresh, wire.GrantTypeDeviceCode},
		ScopesSupported:             auth.DefaultScopes(),
		ClaimsSupported:             []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid", "name"},
		SubjectTypesSupported:       []string{"public", "pairwise"},
		ACRValuesSupported:          []string{token.ACR},
		ChallengeMethodsSupported:   []string{wire.ChallengeS256},
		DPoPAlgorithms:              algorithms,
		TokenAuthMethods:            methods,
		TokenAuthAlgorithms:         algorithms,
		RevocationAuthMethods:       methods,
		RevocationAuthAlgorithms:    algorithms,
		IntrospectionAuthMethods:    confidential,
		IntrospectionAuthAlgorithms: algorithms,
		ResponseIssParameter:        true,
	}
}
