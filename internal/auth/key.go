package auth

import (
	"log/slog"
	"time"

	"github.com/qrauthd/qrauthd/internal/secret"
)

// KeyID names a key of the server. It is public: the kid of RFC 7517 section 4.5.
type KeyID string

// KeyUse is what a key of the server is for.
type KeyUse string

// The uses.
const (
	// KeySigns: it signs tokens, and its public half is published.
	KeySigns KeyUse = "sig"
	// KeyDerives: the one symmetric key from which the server derives what it must
	// be able to compute again (DPoP nonces, pairwise subjects). Never published.
	KeyDerives KeyUse = "derive"
)

// Key is a key of the server itself: the one kind of secret that cannot be hashed.
type Key struct {
	ID  KeyID
	Use KeyUse
	// Algorithm is the JOSE name of a signing key's algorithm (RFC 7518 section 3.1,
	// RFC 8037); empty for others.
	Algorithm string
	// Material is the key: PKCS #8 of a signing key, else its bytes. Sealed says that
	// it is encrypted with the operator's key file.
	Material  []byte
	Sealed    bool
	CreatedAt time.Time // published from here on
	// SignsFrom is when it takes over from the one before it.
	SignsFrom time.Time
	// ExpiresAt is when the last token that it signed has ended, and it is no longer
	// published; zero while no other has been told to take over.
	ExpiresAt time.Time
}

// String redacts: a key's material is for the one who signs with it.
func (k Key) String() string { return "key " + string(k.ID) }

// GoString redacts.
func (k Key) GoString() string { return "auth.Key{" + string(k.ID) + "}" }

// LogValue redacts.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// Replay is a one-time value of a proof or an assertion that has been used, such
// as the jti of RFC 9449 section 11.1. All nodes share them.
type Replay struct {
	Hash      secret.Hash
	ExpiresAt time.Time // when what has this value is refused for its age
}
