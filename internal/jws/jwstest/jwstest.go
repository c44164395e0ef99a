// Package jwstest signs for tests what no honest client would: any header, any
// payload, with any key.
package jwstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// Sign returns the compact serialization of the two texts, as they are. The
// signature is that of the algorithm with a private key, a MAC with a []byte, and
// empty with nil.
func Sign(t testing.TB, alg string, key any, header, payload string) string {
	t.Helper()
	input := Encode(header) + "." + Encode(payload)
	return input + "." + Encode(string(signature(t, alg, key, []byte(input))))
}

// Encode is base64url.
func Encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// JWK is the public half of a private key.
func JWK(t testing.TB, key crypto.Signer) string {
	t.Helper()
	b, err := json.Marshal(jose.JSONWebKey{Key: key.Public()})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func signature(t testing.TB, alg string, key any, input []byte) []byte {
	t.Helper()
	var sig []byte
	var err error
	switch key := key.(type) {
	case nil:
	case []byte:
		mac := hmac.New(sha256.New, key)
		mac.Write(input)
		sig = mac.Sum(nil)
	case ed25519.PrivateKey:
		sig = ed25519.Sign(key, input)
	case *ecdsa.PrivateKey:
		sig, err = signEC(alg, key, input)
	case *rsa.PrivateKey:
		sig, err = signRSA(alg, key, input)
	default:
		t.Fatalf("a key of type %T", key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func signEC(alg string, key *ecdsa.PrivateKey, input []byte) ([]byte, error) {
	r, s, err := ecdsa.Sign(rand.Reader, key, digest(alg, input))
	if err != nil {
		return nil, err
	}
	size := (key.Params().BitSize + 7) / 8
	sig := make([]byte, 2*size)
	r.FillBytes(sig[:size])
	s.FillBytes(sig[size:])
	return sig, nil
}

func signRSA(alg string, key *rsa.PrivateKey, input []byte) ([]byte, error) {
	var options crypto.SignerOpts = hash(alg)
	if alg[0] == 'P' {
		options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash(alg)}
	}
	return key.Sign(rand.Reader, digest(alg, input), options)
}

func digest(alg string, input []byte) []byte {
	h := hash(alg).New()
	h.Write(input)
	return h.Sum(nil)
}

// hash goes by the last digits of the algorithm's name.
func hash(alg string) crypto.Hash {
	switch alg[2:] {
	case "384":
		return crypto.SHA384
	case "512":
		return crypto.SHA512
	default:
		return crypto.SHA256
	}
}
