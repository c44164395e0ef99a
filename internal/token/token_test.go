package token_test

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/token"
)

const issuer = "https://id.example"

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func algorithms() []token.Algorithm { return []token.Algorithm{token.ES256, token.EdDSA, token.RS256} }

// tb is what testing and rapid have in common.
type tb interface {
	Helper()
	Fatal(args ...any)
}

func newKey(t testing.TB, alg token.Algorithm) auth.Key {
	t.Helper()
	k, err := token.NewSigningKey(start, start, alg)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newDeriving(t testing.TB) auth.Key {
	t.Helper()
	k, err := token.NewDerivingKey(start)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newRing(t testing.TB, keys ...auth.Key) *token.Ring {
	t.Helper()
	r, err := token.NewRing(keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func accessClaims() token.AccessClaims {
	return token.AccessClaims{
		Issuer:        issuer,
		Subject:       "the person",
		ClientID:      "the app",
		ID:            "the token",
		Audience:      []string{"https://api.example"},
		SessionID:     "the session",
		Scope:         "openid profile",
		IssuedAt:      start,
		ExpiresAt:     start.Add(time.Hour),
		AuthTime:      start.Add(-time.Minute),
		KeyThumbprint: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
	}
}

func idClaims() token.IDClaims {
	return token.IDClaims{
		Issuer:    issuer,
		Subject:   "the person",
		Audience:  "the app",
		Nonce:     "the nonce",
		SessionID: "the session",
		IssuedAt:  start,
		ExpiresAt: start.Add(time.Hour),
		AuthTime:  start.Add(-time.Minute),
	}
}

func signAccess(t testing.TB, r *token.Ring, c token.AccessClaims) string {
	t.Helper()
	tok, err := r.SignAccess(start, c)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func signID(t testing.TB, r *token.Ring, c token.IDClaims, access string) string {
	t.Helper()
	tok, err := r.SignID(start, c, access)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// read is a token as one who verifies it by the published set sees it.
func read(t testing.TB, r *token.Ring, tok string) (header, claims map[string]any) {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(r.JWKS(start), &set); err != nil {
		t.Fatal(err)
	}
	jws, err := jose.ParseSignedCompact(tok, []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	keys := set.Key(jws.Signatures[0].Header.KeyID)
	if len(keys) != 1 {
		t.Fatalf("%d published keys have the ID of the token's, want 1", len(keys))
	}
	payload, err := jws.Verify(keys[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return headerOf(t, tok), claims
}

func headerOf(t tb, tok string) (header map[string]any) {
	t.Helper()
	encoded, _, _ := strings.Cut(tok, ".")
	b, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &header); err != nil {
		t.Fatal(err)
	}
	return header
}

func kidOf(t tb, tok string) string {
	t.Helper()
	kid, ok := headerOf(t, tok)["kid"].(string)
	if !ok {
		t.Fatal("the token has no kid")
	}
	return kid
}

// publishedIDs are the kids of the set, sorted.
func publishedIDs(t tb, r *token.Ring, now time.Time) []string {
	t.Helper()
	var set struct {
		Keys []struct {
			ID string `json:"kid"`
		}
	}
	if err := json.Unmarshal(r.JWKS(now), &set); err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for _, k := range set.Keys {
		ids = append(ids, k.ID)
	}
	slices.Sort(ids)
	return ids
}

func private(t testing.TB, k auth.Key) crypto.Signer {
	t.Helper()
	parsed, err := x509.ParsePKCS8PrivateKey(k.Material)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.(crypto.Signer)
}
