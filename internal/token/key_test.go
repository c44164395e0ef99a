package token_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/token"
)

func TestParseAlgorithm(t *testing.T) {
	for _, alg := range algorithms() {
		if got, err := token.ParseAlgorithm(string(alg)); err != nil || got != alg {
			t.Errorf("%s: got %s, %v", alg, got, err)
		}
	}
	for _, name := range []string{"", "none", "None", "HS256", "es256", "ES512", "PS256"} {
		got, err := token.ParseAlgorithm(name)
		if err == nil || got != "" {
			t.Errorf("%q: got %q, %v; want an error", name, got, err)
			continue
		}
		if !strings.Contains(err.Error(), "use ES256, EdDSA or RS256") {
			t.Errorf("%q: the error does not say what to use: %v", name, err)
		}
	}
}

func TestNewKeys(t *testing.T) {
	from := start.Add(token.PublishLead)
	for _, alg := range algorithms() {
		k, err := token.NewSigningKey(start, from, alg)
		if err != nil {
			t.Fatal(err)
		}
		if k.Use != auth.KeySigns || k.Algorithm != string(alg) || k.Sealed || len(k.ID) != 43 ||
			!k.CreatedAt.Equal(start) || !k.SignsFrom.Equal(from) || !k.ExpiresAt.IsZero() {
			t.Errorf("%s: got %+v", alg, k)
		}
	}
	if k, err := token.NewSigningKey(start, from, "HS256"); err == nil {
		t.Errorf("a symmetric key: got %+v, want an error", k)
	}
	one, other := newDeriving(t), newDeriving(t)
	if one.Use != auth.KeyDerives || one.Algorithm != "" || len(one.Material) != 32 || one.ID == "" {
		t.Errorf("deriving key: got %+v", one)
	}
	if one.ID == other.ID || bytes.Equal(one.Material, other.Material) {
		t.Error("two deriving keys are the same")
	}
}

// A key is compared with what the store gave back, which keeps microseconds in UTC.
func TestAKeyHasTheTimesThatAStoreKeeps(t *testing.T) {
	now := start.Add(1234567 * time.Nanosecond).In(time.FixedZone("", 3600))
	k, err := token.NewSigningKey(now, now, token.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	want := start.Add(1234 * time.Microsecond)
	if k.CreatedAt != want || k.SignsFrom != want {
		t.Errorf("got %s and %s, want %s", k.CreatedAt, k.SignsFrom, want)
	}
}

// rfc8037 is the key of RFC 8037 appendix A.1.
func rfc8037(t testing.TB) auth.Key {
	t.Helper()
	seed, err := base64.RawURLEncoding.DecodeString("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
	if err != nil {
		t.Fatal(err)
	}
	return signingKey(t, ed25519.NewKeyFromSeed(seed), token.EdDSA)
}

// signingKey is a record of the key, under its thumbprint.
func signingKey(t testing.TB, private crypto.Signer, alg token.Algorithm) auth.Key {
	t.Helper()
	b, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := (&jose.JSONWebKey{Key: private.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	id := auth.KeyID(base64.RawURLEncoding.EncodeToString(sum))
	return auth.Key{ID: id, Use: auth.KeySigns, Algorithm: string(alg), Material: b, CreatedAt: start, SignsFrom: start}
}

// The answers are those of RFC 8037 appendices A.2 and A.3.
func TestTheKeyOfRFC8037(t *testing.T) {
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(newRing(t, rfc8037(t)).JWKS(start), &set); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
		"kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
		"x":   "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
	}
	if len(set.Keys) != 1 || !equal(set.Keys[0], want) {
		t.Errorf("got %v, want only %v", set.Keys, want)
	}
}

func equal(a, b map[string]string) bool {
	for name := range a {
		if a[name] != b[name] {
			return false
		}
	}
	return len(a) == len(b)
}

func TestRecordsThatHoldNoFittingKey(t *testing.T) {
	p256, p384 := ecdsaKey(t, elliptic.P256()), ecdsaKey(t, elliptic.P384())
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	good, other, deriving := newKey(t, token.ES256), newKey(t, token.ES256), newDeriving(t)
	swapped := good
	swapped.Material = other.Material
	short := deriving
	short.Material = short.Material[:16]
	garbage := good
	garbage.Material = []byte("not a key, but secret words")
	for name, k := range map[string]auth.Key{
		"another curve":                  signingKey(t, p384, token.ES256),
		"another kind":                   signingKey(t, p256, token.RS256),
		"an algorithm that nobody knows": signingKey(t, p256, "ES257"),
		"a weak RSA key":                 signingKey(t, weak, token.RS256),
		"another key's ID":               swapped,
		"no key at all":                  garbage,
		"too short a deriving key":       short,
	} {
		_, err := token.NewRing([]auth.Key{deriving, k}, nil)
		if err == nil {
			t.Errorf("%s: it passed", name)
			continue
		}
		if !strings.Contains(err.Error(), string(k.ID)) {
			t.Errorf("%s: the error does not name the key: %v", name, err)
		}
		if strings.Contains(err.Error(), "secret words") {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
}

func ecdsaKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
