package auth

import (
	"time"

	"github.com/qrauthd/qrauthd/internal/secret"
)

// Bounds and defaults of a client's grants (RFC 8628 section 3.2 and 5.4: codes
// are to be short-lived).
const (
	DefaultLifetime = 300 * time.Second
	MaxLifetime     = 600 * time.Second
	MinLifetime     = 10 * time.Second
	DefaultInterval = 5 * time.Second
	MaxInterval     = 60 * time.Second
)

// AuthMethod is how a client authenticates at the machine endpoints.
type AuthMethod string

// The methods.
const (
	// AuthNone: a public client, which can keep no secret (RFC 6749 section 2.1).
	AuthNone AuthMethod = "none"
	// AuthSecret: a shared secret, by HTTP Basic or in the form, as the client
	// likes (RFC 6749 section 2.3.1).
	AuthSecret AuthMethod = "client_secret"
	// AuthPrivateKey: an assertion signed with the client's private key (RFC 7523
	// section 2.2, OpenID Connect Core section 9).
	AuthPrivateKey AuthMethod = "private_key_jwt"
)

// Client is an application that may ask for sign-ins.
type Client struct {
	ID ClientID
	// Name is what the person reads on the phone.
	Name string
	// Verified says that the operator vouches for the name.
	Verified   bool
	AuthMethod AuthMethod
	// Secrets are those of AuthSecret. There are two while one takes over from the other.
	Secrets []ClientSecret
	// Keys are the public keys of AuthPrivateKey: a JWK Set (RFC 7517 section 5).
	Keys []byte
	// RedirectURIs are where an authorization response may go (RFC 6749 section
	// 3.1.2). Without one there is no authorization code for the client.
	RedirectURIs []string
	// Resources are what access tokens may be for (RFC 8707), the default first.
	// None: the issuer itself.
	Resources []string
	// Introspects are the resources that this client serves: it may introspect any
	// client's access token for one of them (RFC 7662 section 2.1).
	Introspects []string
	// Pairwise gives the client subjects of its own (OpenID Connect Core section 8.1).
	Pairwise bool
	// RequireDPoP refuses tokens that are bound to no key (RFC 9449 section 5.2).
	RequireDPoP bool
	Scopes      Scopes
	Lifetime    time.Duration // of a grant
	Interval    time.Duration // between polls
	// Policy is what the operator demands of its sign-ins in particular; see Policies.
	Policy    PolicyChange
	CreatedAt time.Time
}

// ClientSecret is one of a client's secrets, as it is kept.
type ClientSecret struct {
	Hash      secret.Hash
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
}

// Confidential reports whether the client must authenticate (RFC 6749 section 2.1).
func (c Client) Confidential() bool { return c.AuthMethod != AuthNone }

// HasSecret reports whether the hash is that of a secret that is good at that time.
func (c Client) HasSecret(now time.Time, h secret.Hash) bool {
	for _, s := range c.Secrets {
		if s.Hash == h && (s.ExpiresAt.IsZero() || now.Before(s.ExpiresAt)) {
			return true
		}
	}
	return false
}
