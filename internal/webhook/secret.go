package webhook

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
)

// The form of a secret, and how many bytes one may have.
const (
	secretPrefix = "whsec_"
	minSecret    = 24
	maxSecret    = 64
)

// errSecret quotes nothing of the secret.
var errSecret = errors.New(`a webhook's secret is "whsec_" and the base64 of 24 to 64 random bytes`)

// GenerateSecret makes a secret of 256 bits.
func GenerateSecret() string {
	b := make([]byte, 32)
	rand.Read(b) // never returns an error
	return secretPrefix + base64.StdEncoding.EncodeToString(b)
}

// ParseSecret is the key of a secret, which has one spelling only.
func ParseSecret(text string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	if !ok || strings.ContainsAny(encoded, "\r\n") { // which base64 would skip
		return nil, errSecret
	}
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(key) < minSecret || len(key) > maxSecret {
		return nil, errSecret
	}
	return key, nil
}
