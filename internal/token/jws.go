package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/jws"
)

// typeID is the typ of an ID token.
const typeID = "JWT"

// signer is a signing key with all that is the same for each of its tokens made
// once. The signature is made with the key itself and not through go-jose, which
// encodes the header anew for each token, at a third of what the signature costs.
// It is safe for use by many goroutines.
type signer struct {
	key          auth.Key // without its material
	public       crypto.PublicKey
	jwk          json.RawMessage // the public half, as it is published
	sign         func(input []byte) ([]byte, error)
	accessHeader string // encoded
	idHeader     string // encoded
}

func newSigner(k auth.Key) (*signer, error) {
	private, err := parse(k)
	if err != nil {
		return nil, err
	}
	s := &signer{key: k, public: private.Public(), sign: signing(private)}
	s.key.Material = nil
	if s.jwk, err = publish(k, s.public); err != nil {
		return nil, err
	}
	if s.accessHeader, err = header(k, jws.TypeAccess); err != nil {
		return nil, err
	}
	s.idHeader, err = header(k, typeID)
	return s, err
}

func (s *signer) algorithm() Algorithm { return Algorithm(s.key.Algorithm) }

// publish is the key as a JWK without its private half (RFC 7517 section 4).
func publish(k auth.Key, public crypto.PublicKey) (json.RawMessage, error) {
	jwk := jose.JSONWebKey{Key: public, KeyID: string(k.ID), Algorithm: k.Algorithm, Use: "sig"}
	b, err := jwk.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("publish key: %w", err)
	}
	return b, nil
}

func header(k auth.Key, typ string) (string, error) {
	b, err := json.Marshal(struct {
		Algorithm string     `json:"alg"`
		KeyID     auth.KeyID `json:"kid"`
		Type      string     `json:"typ"`
	}{k.Algorithm, k.ID, typ})
	if err != nil {
		return "", fmt.Errorf("write header: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// compact signs the claims and writes them in the form of RFC 7515 section 7.1.
func (s *signer) compact(header string, claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("write claims: %w", err)
	}
	b := make([]byte, 0, len(header)+2+base64.RawURLEncoding.EncodedLen(len(payload)+rsaBits/8))
	b = append(append(b, header...), '.')
	b = base64.RawURLEncoding.AppendEncode(b, payload)
	signature, err := s.sign(b)
	if err != nil {
		return "", fmt.Errorf("sign with key %s: %w", s.key.ID, err)
	}
	return string(base64.RawURLEncoding.AppendEncode(append(b, '.'), signature)), nil
}

// signing is the JWS signature of the key's kind. That the key fits its
// algorithm was checked by parse.
func signing(private crypto.Signer) func([]byte) ([]byte, error) {
	switch k := private.(type) {
	case *ecdsa.PrivateKey:
		return func(input []byte) ([]byte, error) { return signES256(k, input) }
	case ed25519.PrivateKey: // RFC 8037 section 3.1
		return func(input []byte) ([]byte, error) { return ed25519.Sign(k, input), nil }
	case *rsa.PrivateKey: // RFC 7518 section 3.3
		return func(input []byte) ([]byte, error) {
			sum := sha256.Sum256(input)
			return rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, sum[:])
		}
	}
	return func([]byte) ([]byte, error) { return nil, errUnfit }
}

// signES256 writes the two numbers of the signature one after the other, 32 bytes
// each (RFC 7518 section 3.4), not in the ASN.1 of other protocols.
func signES256(k *ecdsa.PrivateKey, input []byte) ([]byte, error) {
	sum := sha256.Sum256(input)
	r, s, err := ecdsa.Sign(rand.Reader, k, sum[:])
	if err != nil {
		return nil, err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signature, nil
}
