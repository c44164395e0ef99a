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

// Client is a desktop application that may ask for sign-ins.
type Client struct {
	ID ClientID
	// Name is what the person reads on the phone.
	Name string
	// Verified says that the operator vouches for the name.
	Verified bool
	// SecretHash is set for a confidential client; the zero hash is a public one.
	SecretHash secret.Hash
	Scopes     Scopes
	Lifetime   time.Duration // of a grant
	Interval   time.Duration // between polls
	CreatedAt  time.Time
}

// Confidential reports whether the client must authenticate (RFC 6749 section 2.1).
func (c Client) Confidential() bool { return !c.SecretHash.IsZero() }
