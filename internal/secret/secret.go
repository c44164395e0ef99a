// Package secret makes the random values that prove something (device codes,
// tokens, cookies, invitations) and the hashes by which they are stored.
//
// A secret is shown once, to the one who is to hold it. What the server keeps is
// its hash, and it compares by looking the hash up, so that a stolen database
// proves nothing and timing tells nothing. All secrets here have at least 128
// bits of chance in them, which is why one round of SHA-256 is enough.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
)

// Size is the number of random bytes in a new secret: 256 bits, twice what
// RFC 8628 section 5.2 and RFC 6749 section 10.10 ask for.
const Size = 32

// Length is the number of characters in which a new secret is written.
const Length = (8*Size + 5) / 6 // base64url without padding

// Text is a secret in the form in which its holder sends it. It redacts itself
// in logs and formatted output; Reveal is the only way to its value.
type Text struct{ value string }

// New returns a secret from the reader, which is crypto/rand.Reader but in tests.
func New(random io.Reader) (Text, error) {
	b := make([]byte, Size)
	if _, err := io.ReadFull(random, b); err != nil {
		return Text{}, fmt.Errorf("read randomness: %w", err)
	}
	return Text{base64.RawURLEncoding.EncodeToString(b)}, nil
}

// Must is New from the system's source of chance, which does not fail.
func Must() Text {
	t, err := New(rand.Reader)
	if err != nil {
		panic(err) // crypto/rand never returns an error
	}
	return t
}

// From wraps what a peer sent as a secret.
func From(value string) Text { return Text{value} }

// Reveal returns the value, for the one place that hands it to its holder.
func (t Text) Reveal() string { return t.value }

// IsZero reports whether there is no secret at all.
func (t Text) IsZero() bool { return t.value == "" }

// Hash returns the hash by which the secret is stored and looked up.
func (t Text) Hash() Hash { return sha256.Sum256([]byte(t.value)) }

// String redacts.
func (t Text) String() string { return "[redacted]" }

// GoString redacts.
func (t Text) GoString() string { return "secret.Text{[redacted]}" }

// LogValue redacts.
func (t Text) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// MarshalText redacts, so that no encoder leaks a secret that it was not meant to see.
func (t Text) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// Hash is the SHA-256 of a secret.
type Hash [sha256.Size]byte

// IsZero reports whether there is no hash.
func (h Hash) IsZero() bool { return h == Hash{} }

// String is the hash in base64url, a public name for what the secret proves.
func (h Hash) String() string { return base64.RawURLEncoding.EncodeToString(h[:]) }

// HashFrom reads a stored hash back. No bytes at all are the zero hash.
func HashFrom(b []byte) (h Hash, err error) {
	if len(b) != 0 && len(b) != len(h) {
		return h, fmt.Errorf("a stored hash has %d bytes, want %d", len(b), len(h))
	}
	copy(h[:], b)
	return h, nil
}
