package token

import (
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// Algorithm is the JOSE name of how tokens are signed (RFC 7518 section 3.1, RFC 8037).
type Algorithm string

// The algorithms. There is no symmetric one, and never "none": whoever verifies
// must not be able to sign.
const (
	ES256 Algorithm = "ES256" // ECDSA on P-256; the default
	EdDSA Algorithm = "EdDSA" // Ed25519
	RS256 Algorithm = "RS256" // RSA of 2048 bits; for verifiers that know nothing else, at thirty times the cost
)

// ParseAlgorithm reads the name of an algorithm, as an operator writes it.
func ParseAlgorithm(name string) (Algorithm, error) {
	switch a := Algorithm(name); a {
	case ES256, EdDSA, RS256:
		return a, nil
	}
	return "", fmt.Errorf("tokens cannot be signed with %q: use ES256, EdDSA or RS256", name)
}

// accepted are the algorithms of which a token is looked at. That it is the one
// of the key that it names is checked after that.
func accepted() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256}
}
