package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// MinRSA is the least size of an RSA key in bits (RFC 7518 section 3.3).
const MinRSA = 2048

// Why a key is refused. The texts quote nothing of it.
var (
	ErrKey        = errors.New("the key is not one of a supported kind")
	ErrPrivateKey = errors.New("the key is a private or symmetric one, not public")
	ErrWeakKey    = errors.New("the RSA key has less than 2048 bits")
)

// ParseKey reads a public JWK that can verify one of Algorithms. Certificates and
// links to them are left out. Its errors are ErrKey, ErrPrivateKey and ErrWeakKey.
func ParseKey(text []byte) (jose.JSONWebKey, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return jose.JSONWebKey{}, ErrKey
	}
	if isPrivate(members) {
		return jose.JSONWebKey{}, ErrPrivateKey
	}
	var k jose.JSONWebKey
	if err := json.Unmarshal(text, &k); err != nil {
		return jose.JSONWebKey{}, ErrKey
	}
	return usable(jose.JSONWebKey{Key: k.Key, KeyID: k.KeyID, Algorithm: k.Algorithm, Use: k.Use})
}

// isPrivate goes by the names alone: the library takes "d": null for a public key.
func isPrivate(members map[string]json.RawMessage) bool {
	// RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1; RFC 8037 section 2; RFC 9964
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
		if _, ok := members[name]; ok {
			return true
		}
	}
	return false
}

// usable returns the key as it is when it can verify one of Algorithms.
func usable(k jose.JSONWebKey) (jose.JSONWebKey, error) {
	if key, ok := k.Key.(*rsa.PublicKey); ok && key.N.BitLen() < MinRSA {
		return jose.JSONWebKey{}, ErrWeakKey
	}
	fits := func(alg string) bool { return Fits(k, alg) }
	if !slices.ContainsFunc(Algorithms(), fits) {
		return jose.JSONWebKey{}, ErrKey
	}
	return k, nil
}

// Fits reports whether a public key may verify what was signed with the
// algorithm: it is of the algorithm's kind and curve, and does not say itself
// that it is for something else (RFC 7517 sections 4.2 and 4.4).
func Fits(k jose.JSONWebKey, alg string) bool {
	if k.Use != "" && k.Use != "sig" {
		return false
	}
	if k.Algorithm != "" && k.Algorithm != alg {
		return false
	}
	return slices.Contains(algorithmsOf(k.Key), alg)
}

// algorithmsOf returns those that a public key of this kind verifies. An ECDSA
// algorithm of JOSE names its curve too (RFC 7518 section 3.4).
func algorithmsOf(key any) []string {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	case *ecdsa.PublicKey:
		return algorithmsOnCurve(key.Curve.Params().Name)
	default:
		return nil
	}
}

func algorithmsOnCurve(name string) []string {
	switch name {
	case "P-256":
		return []string{"ES256"}
	case "P-384":
		return []string{"ES384"}
	case "P-521":
		return []string{"ES512"}
	default:
		return nil
	}
}

// Thumbprint is the SHA-256 thumbprint of RFC 7638 in base64url: the name of a
// key, whatever its JWK says beside it. The error is ErrKey.
func Thumbprint(k jose.JSONWebKey) (string, error) {
	sum, err := k.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", ErrKey
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}
