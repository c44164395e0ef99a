package assertion

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"

	"github.com/qrauthd/qrauthd/internal/jws"
)

const (
	maxKeys = 16       // of a client: each may be tried for each assertion
	maxText = 64 << 10 // bytes
	maxName = 256      // bytes of a kid
)

// ErrKeys is what every refusal of a client's keys is. Its text is for the
// operator who gave them, and quotes nothing of them.
var ErrKeys = errors.New("these are not usable public keys")

// ParseKeys checks the public keys that an operator gives, as a JWK Set, one JWK or
// PEM, and returns them as the public JWK Set to be stored (RFC 7517 section 5).
// Nothing else that stood beside them is in it. What it returned reads back as the
// same. Keys of a set that are for encryption are left out, and any other that
// cannot sign an assertion is refused. The error is ErrKeys.
func ParseKeys(text []byte) ([]byte, error) {
	keys, err := parseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeys, err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeys, err)
	}
	return set, nil
}

func parseKeys(text []byte) ([]jose.JSONWebKey, error) {
	if len(text) > maxText {
		return nil, errors.New("the text is too long")
	}
	jwks, err := split(bytes.TrimSpace(text))
	if err != nil {
		return nil, err
	}
	if len(jwks) > maxKeys {
		return nil, fmt.Errorf("there are more than %d", maxKeys)
	}
	keys, err := parseJWKs(jwks)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, errors.New("there is none: give a JWK Set, a JWK or PEM")
	}
	return keys, nil
}

// split returns the keys of any form as JWKs, not checked yet.
func split(text []byte) ([]json.RawMessage, error) {
	if bytes.HasPrefix(text, []byte("{")) {
		return splitJSON(text)
	}
	return splitPEM(text)
}

// splitJSON splits a JWK Set, or takes a JWK alone, which has no member "keys".
func splitJSON(text []byte) ([]json.RawMessage, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
		Kind json.RawMessage   `json:"kty"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, errors.New("the JSON is not that of a JWK Set or a JWK")
	}
	if set.Kind != nil && set.Keys != nil {
		return nil, errors.New("the JSON is a JWK Set and a JWK at once")
	}
	if set.Kind != nil {
		return []json.RawMessage{text}, nil
	}
	return set.Keys, nil
}

// splitPEM wants each block to be readable: the decoder would skip a broken one,
// and a key would be missing without a word.
func splitPEM(text []byte) ([]json.RawMessage, error) {
	var jwks []json.RawMessage
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		jwk, err := convert(block)
		if err != nil {
			return nil, err
		}
		jwks = append(jwks, jwk)
	}
	if bytes.Count(text, []byte("-----BEGIN")) != len(jwks) {
		return nil, errors.New("a PEM block cannot be read")
	}
	return jwks, nil
}

func convert(block *pem.Block) (json.RawMessage, error) {
	public, err := parseBlock(block)
	if err != nil {
		return nil, err
	}
	jwk, err := json.Marshal(jose.JSONWebKey{Key: public})
	if err != nil {
		return nil, jws.ErrKey
	}
	return jwk, nil
}

// parseBlock reads the labels of RFC 7468 section 13 and of OpenSSL's older RSA form.
func parseBlock(block *pem.Block) (any, error) {
	switch {
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return nil, jws.ErrPrivateKey
	case block.Type == "PUBLIC KEY":
		return known(x509.ParsePKIXPublicKey(block.Bytes))
	case block.Type == "RSA PUBLIC KEY":
		return known(x509.ParsePKCS1PublicKey(block.Bytes))
	default:
		return nil, errors.New("a PEM block is not a PUBLIC KEY")
	}
}

// known says in our words why a key is not.
func known(key any, err error) (any, error) {
	if err != nil {
		return nil, jws.ErrKey
	}
	return key, nil
}

func parseJWKs(jwks []json.RawMessage) ([]jose.JSONWebKey, error) {
	var keys []jose.JSONWebKey
	for i, jwk := range jwks {
		k, err := jws.ParseKey(jwk)
		if errors.Is(err, jws.ErrKey) && isForEncryption(jwk) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		if len(k.KeyID) > maxName {
			return nil, fmt.Errorf("key %d: its kid has more than %d bytes", i+1, maxName)
		}
		k.Use = "sig"
		keys = append(keys, k)
	}
	return keys, nil
}

// isForEncryption tells the keys that a client's published set may have beside
// those that sign (RFC 7517 section 4.2).
func isForEncryption(jwk []byte) bool {
	var k struct {
		Use string `json:"use"`
	}
	return json.Unmarshal(jwk, &k) == nil && k.Use == "enc"
}
