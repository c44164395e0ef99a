package dpop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"

	"github.com/go-jose/go-jose/v4"

	"github.com/qrauthd/qrauthd/internal/jws"
)

const redacted = "[redacted]"

var (
	errNoKey    = errors.New("there is no DPoP key")
	errOtherKey = errors.New("not a P-256 key")
)

// Key is an ES256 private key whose possession is proved. It redacts itself in
// logs and formatted output; Marshal is the only way to its value. The zero Key
// is none.
type Key struct{ private *ecdsa.PrivateKey }

// NewKey makes a key on P-256.
func NewKey() (Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("make DPoP key: %w", err)
	}
	return Key{private}, nil
}

// ParseKey reads what Marshal wrote. Its errors quote nothing of it.
func ParseKey(pkcs8 []byte) (Key, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return Key{}, errors.New("read DPoP key: not a key in PKCS #8")
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return Key{}, fmt.Errorf("read DPoP key: %w", errOtherKey)
	}
	return Key{private}, nil
}

// Marshal returns the private key in PKCS #8 (RFC 5958), for a keychain.
func (k Key) Marshal() ([]byte, error) {
	if k.IsZero() {
		return nil, fmt.Errorf("write DPoP key: %w", errNoKey)
	}
	b, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, fmt.Errorf("write DPoP key: %w", err)
	}
	return b, nil
}

// IsZero reports whether there is no key.
func (k Key) IsZero() bool { return k.private == nil }

// Thumbprint names the public half (RFC 7638, SHA-256, base64url): the jkt of a
// token that is bound to the key (RFC 9449 section 6.1). No key has none.
func (k Key) Thumbprint() string {
	if k.IsZero() {
		return ""
	}
	name, err := jws.Thumbprint(jose.JSONWebKey{Key: &k.private.PublicKey})
	if err != nil {
		panic(err) // a P-256 key has one always
	}
	return name
}

// String redacts.
func (k Key) String() string { return redacted }

// GoString redacts.
func (k Key) GoString() string { return "dpop.Key{" + redacted + "}" }

// LogValue redacts.
func (k Key) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText redacts, so that no encoder leaks a key that it was not meant to see.
func (k Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }
