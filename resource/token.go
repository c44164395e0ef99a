package resource

import (
	"slices"
	"time"
)

// Token is a verified access token: who calls, through which app, and what they
// may do.
type Token struct {
	// Subject is the person, stable for this app's operator (RFC 9068 section 2.2).
	Subject string
	// ClientID is the app.
	ClientID string
	// ID is the token's own (jti).
	ID string
	// SessionID is the sign-in that the token is of, the same after a refresh; empty
	// when the server does not say.
	SessionID string
	// Audience are all resources that the token is for, this one among them.
	Audience []string
	Scopes   []string
	IssuedAt time.Time
	// ExpiresAt is when it ends. It is taken for a minute more, for clocks differ.
	ExpiresAt time.Time
	// AuthTime is when the person last proved themselves, ACR and AMR how (RFC 9068
	// section 2.2.1); zero and empty when the server does not say.
	AuthTime time.Time
	ACR      string
	AMR      []string
	// KeyThumbprint is that of the key which the token is bound to and the request
	// has proved (RFC 9449 section 6.1); empty: a bearer token.
	KeyThumbprint string
	// NextNonce is to go with the answer as its DPoP-Nonce header; empty when none is
	// due. The middleware sends it.
	NextNonce string
}

// Has reports whether the token has every one of the scopes.
func (t *Token) Has(scopes ...string) bool {
	return !slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(t.Scopes, s) })
}
