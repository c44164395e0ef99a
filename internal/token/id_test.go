package token_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/token"
)

func TestAnIDTokenSaysWhatOpenIDConnectRequires(t *testing.T) {
	for _, alg := range algorithms() {
		t.Run(string(alg), func(t *testing.T) {
			k := newKey(t, alg)
			r := newRing(t, k)
			header, claims := read(t, r, signID(t, r, idClaims(), ""))
			if diff := cmp.Diff(map[string]any{"alg": string(alg), "kid": string(k.ID), "typ": "JWT"}, header); diff != "" {
				t.Errorf("header (-want +got)\n%s", diff)
			}
			want := map[string]any{
				"iss": issuer, "sub": "the person", "aud": "the app", "nonce": "the nonce", "sid": "the session",
				"iat": float64(start.Unix()), "exp": float64(start.Unix() + 3600), "auth_time": float64(start.Unix() - 60),
				"acr": "phr", "amr": []any{"pop", "user", "mfa"},
			}
			if diff := cmp.Diff(want, claims); diff != "" {
				t.Errorf("claims (-want +got)\n%s", diff)
			}
		})
	}
}

func TestAnIDTokenLeavesOutWhatThereIsNot(t *testing.T) {
	c := idClaims()
	c.Nonce, c.SessionID, c.AuthTime = "", "", time.Time{}
	r := newRing(t, newKey(t, token.ES256))
	_, claims := read(t, r, signID(t, r, c, ""))
	for _, name := range []string{"nonce", "sid", "auth_time", "at_hash"} {
		if got, ok := claims[name]; ok {
			t.Errorf("%s is %v, want none", name, got)
		}
	}
}

// The access token and its hash are those of OpenID Connect Core appendix A.3.
// The one for Ed25519 is the left half of SHA-512, computed with sha512sum.
func TestAtHashKnownAnswer(t *testing.T) {
	const access = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
	for alg, want := range map[token.Algorithm]string{
		token.RS256: "77QmUPtjPfzWtF2AnpK9RQ",
		token.ES256: "77QmUPtjPfzWtF2AnpK9RQ",
		token.EdDSA: "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM",
	} {
		r := newRing(t, newKey(t, alg))
		if _, claims := read(t, r, signID(t, r, idClaims(), access)); claims["at_hash"] != want {
			t.Errorf("%s: got %v, want %s", alg, claims["at_hash"], want)
		}
	}
}

func TestAnIDTokenWithoutARequiredClaimIsNotSigned(t *testing.T) {
	r := newRing(t, newKey(t, token.ES256))
	for name, drop := range map[string]func(*token.IDClaims){
		"iss": func(c *token.IDClaims) { c.Issuer = "" },
		"sub": func(c *token.IDClaims) { c.Subject = "" },
		"aud": func(c *token.IDClaims) { c.Audience = "" },
		"exp": func(c *token.IDClaims) { c.ExpiresAt = time.Time{} },
		"iat": func(c *token.IDClaims) { c.IssuedAt = time.Time{} },
	} {
		c := idClaims()
		drop(&c)
		if tok, err := r.SignID(start, c, ""); err == nil {
			t.Errorf("%s: got %s, want an error", name, tok)
		}
	}
	if tok, err := r.SignID(start.Add(-time.Second), idClaims(), ""); !errors.Is(err, token.ErrNoSigner) {
		t.Errorf("before a key signs: got %s, %v; want %v", tok, err, token.ErrNoSigner)
	}
}
