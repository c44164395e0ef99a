package audit

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
)

// saltSize is the number of random bytes in a record's Personal: whoever guesses all
// the rest of what was forgotten still has nothing to compare it with.
const saltSize = 16

// sealed is the JSON of a record's Personal.
type sealed struct {
	Salt string `json:"salt"`
	auth.Personal
}

// sealPersonal is the Personal of a record, nil when there is nothing about a person.
func sealPersonal(random io.Reader, p auth.Personal) ([]byte, error) {
	if p == (auth.Personal{}) {
		return nil, nil
	}
	salt, err := chance(random, saltSize)
	if err != nil {
		return nil, err
	}
	return json.Marshal(sealed{salt, p})
}

// openPersonal reads what sealPersonal wrote. Members that this release does not know are
// left out.
func openPersonal(text []byte) (auth.Personal, error) {
	var s sealed
	if err := json.Unmarshal(text, &s); err != nil {
		return auth.Personal{}, fmt.Errorf("its personal data is not what this program writes: %w", err)
	}
	return s.Personal, nil
}

// hashPersonal is the zero hash of nothing.
func hashPersonal(text []byte) secret.Hash {
	if len(text) == 0 {
		return secret.Hash{}
	}
	return sha256.Sum256(text)
}

// chance is so many random bytes as text, in base64url.
func chance(random io.Reader, n int) (string, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}
