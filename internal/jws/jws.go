// Package jws reads what a stranger signed: a JSON Web Token in the compact
// serialization (RFC 7515 section 3.1), and nothing else.
//
// It is narrower than the library under it. A token has one text only: base64url
// without padding, line breaks or stray bits, and JSON without a member twice. It
// needs no extension ("crit", "b64"), its algorithm is asymmetric, and the key
// that verifies it is public, strong enough, and of the algorithm's kind.
//
// What the claims must say is for the callers. Date, Audience and IsAccess are what
// they have in common, for tokens of our own as well.
package jws

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json" // unlike the one of std it refuses a member twice or in another case
)

// Why a token is refused. The texts quote nothing of it, and have only characters
// that an error_description may have (RFC 6749 section 5.2).
var (
	ErrSize      = errors.New("it is too long")
	ErrForm      = errors.New("it is not a signed JWT in the compact serialization")
	ErrExtension = errors.New("its header asks for an extension that is not supported")
	ErrAlgorithm = errors.New("its alg is not a supported one")
	ErrNoKey     = errors.New("its header has no jwk")
	ErrUnfit     = errors.New("its alg is not one of its key's")
	ErrSignature = errors.New("its signature is not that of the key")
)

// Token is a token that is well formed. Nothing of it is verified until SignedBy
// returns nil.
type Token struct {
	Type      string // typ, as it was sent
	Algorithm string // alg, one of Algorithms
	KeyID     string // kid, empty when there is none

	key    *jose.JSONWebKey // jwk, nil when there is none
	signed *jose.JSONWebSignature
}

// Parse reads a token of at most limit bytes. Its errors are ErrSize, ErrForm,
// ErrExtension, ErrAlgorithm, and for a jwk in the header those of ParseKey.
func Parse(text string, limit int) (Token, error) {
	if len(text) > limit {
		return Token{}, ErrSize
	}
	header, err := decodeParts(text)
	if err != nil {
		return Token{}, err
	}
	t, err := parseHeader(header)
	if err != nil {
		return Token{}, err
	}
	t.signed, err = jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(t.Algorithm)})
	if err != nil {
		return Token{}, ErrForm
	}
	return t, nil
}

// decodeParts returns the first of the three parts, once all are what an encoder
// writes: otherwise two texts would be the same token.
func decodeParts(text string) ([]byte, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || strings.ContainsAny(text, "\r\n") { // the decoder would skip these
		return nil, ErrForm
	}
	var header []byte
	for i, part := range parts {
		decoded, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil || len(decoded) == 0 {
			return nil, ErrForm
		}
		if i == 0 {
			header = decoded
		}
	}
	return header, nil
}

func parseHeader(text []byte) (Token, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return Token{}, ErrForm
	}
	// The library takes "crit": null for none, and heeds b64 without crit against
	// RFC 7797 section 6.
	for _, extension := range []string{"crit", "b64"} {
		if _, ok := members[extension]; ok {
			return Token{}, ErrExtension
		}
	}
	var h header
	if err := json.Unmarshal(text, &h); err != nil {
		return Token{}, ErrForm
	}
	return h.token()
}

// header has the parameters of RFC 7515 section 4.1 that mean something here.
type header struct {
	Type      string          `json:"typ"`
	Algorithm string          `json:"alg"`
	KeyID     string          `json:"kid"`
	Key       json.RawMessage `json:"jwk"`
}

func (h header) token() (Token, error) {
	if !supported(h.Algorithm) {
		return Token{}, ErrAlgorithm
	}
	t := Token{Type: h.Type, Algorithm: h.Algorithm, KeyID: h.KeyID}
	if h.Key == nil {
		return t, nil
	}
	key, err := ParseKey(h.Key)
	if err != nil {
		return Token{}, err
	}
	t.key = &key
	return t, nil
}

// Claims reads the claims, not verified yet, into a struct. The error is ErrForm.
func (t Token) Claims(into any) error {
	if err := json.Unmarshal(t.signed.UnsafePayloadWithoutVerification(), into); err != nil {
		return ErrForm
	}
	return nil
}

// Key is the key in the header: whoever signed has it, and nothing else is known
// of it. The error is ErrNoKey.
func (t Token) Key() (jose.JSONWebKey, error) {
	if t.key == nil {
		return jose.JSONWebKey{}, ErrNoKey
	}
	return *t.key, nil
}

// SignedBy verifies the signature with a key that ParseKey returned. Its errors
// are ErrUnfit and ErrSignature.
func (t Token) SignedBy(key jose.JSONWebKey) error {
	if !Fits(key, t.Algorithm) {
		return ErrUnfit
	}
	if _, err := t.signed.Verify(key.Key); err != nil {
		return ErrSignature
	}
	return nil
}
