// Package token makes what a desktop holds after its sign-in.
//
// An access token is opaque: a random secret of which the store keeps the hash,
// looked up at each use, so that a session which was ended is ended at once.
// This is the room for the JOSE forms as well: signed access tokens (RFC 9068),
// ID tokens, and the key ring that signs them.
package token

import (
	"fmt"
	"io"

	"github.com/qrauthd/qrauthd/internal/secret"
)

// Type is the token_type of RFC 6749 section 7.1.
const Type = "Bearer"

// NewAccess makes an access token.
func NewAccess(random io.Reader) (secret.Text, error) {
	t, err := secret.New(random)
	if err != nil {
		return secret.Text{}, fmt.Errorf("make access token: %w", err)
	}
	return t, nil
}
