package resource_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/jws/jwstest"
	"github.com/qrauthd/qrauthd/resource"
)

func TestATokenIsRead(t *testing.T) {
	for name, key := range kinds() {
		t.Run(name, func(t *testing.T) {
			now := time.Now().Truncate(time.Second)
			v := newIssuer(key).verifier(t)
			got := accepts(t, v, bearer(key.token(good(now))), "files.read")
			want := &resource.Token{
				Subject: "user-1", ClientID: "acme-studio", ID: "token-1", SessionID: "session-1",
				Audience: []string{audience}, Scopes: []string{"openid", "files.read"},
				IssuedAt: now, ExpiresAt: now.Add(5 * time.Minute), AuthTime: now.Add(-time.Hour),
				ACR: "phr", AMR: []string{"pop", "user", "mfa"},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

func TestTokensThatAreAccepted(t *testing.T) {
	now, key := time.Now(), newES256("k")
	v := newIssuer(key).verifier(t)
	for name, token := range map[string]string{
		"for several resources":                key.token(good(now).with(claims{"aud": []string{"https://other.example.com", audience}})),
		"with the typ spelt as a media type":   key.sign("application/at+jwt", good(now)),
		"with the typ in another case":         key.sign("AT+JWT", good(now)),
		"without what RFC 9068 leaves open":    key.token(good(now).with(claims{"sid": nil, "auth_time": nil, "acr": nil, "amr": nil, "scope": nil})),
		"with claims that nobody knows":        key.token(good(now).with(claims{"nonsense": []int{1}})),
		"expired within the skew":              key.token(good(now).with(claims{"exp": now.Add(-50 * time.Second).Unix()})),
		"issued in the future within the skew": key.token(good(now).with(claims{"iat": now.Add(50 * time.Second).Unix()})),
		"not before, within the skew":          key.token(good(now).with(claims{"nbf": now.Add(50 * time.Second).Unix()})),
	} {
		t.Run(name, func(t *testing.T) { accepts(t, v, bearer(token)) })
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	now, key, stranger := time.Now(), newES256("k"), newES256("k")
	v := newIssuer(key).verifier(t)
	fine := key.token(good(now))
	parts := strings.Split(fine, ".")
	for name, token := range map[string]string{
		"of another issuer":                      key.token(good(now).with(claims{"iss": "https://evil.example.com"})),
		"of the issuer with a slash":             key.token(good(now).with(claims{"iss": issuerURL + "/"})),
		"for another resource":                   key.token(good(now).with(claims{"aud": "https://other.example.com"})),
		"for a resource that begins the same":    key.token(good(now).with(claims{"aud": audience + ".evil.example"})),
		"for nobody":                             key.token(good(now).with(claims{"aud": nil})),
		"expired, past the skew":                 key.token(good(now).with(claims{"exp": now.Add(-70 * time.Second).Unix()})),
		"that never expires":                     key.token(good(now).with(claims{"exp": nil})),
		"issued in the future":                   key.token(good(now).with(claims{"iat": now.Add(70 * time.Second).Unix()})),
		"without a time of issue":                key.token(good(now).with(claims{"iat": nil})),
		"not valid yet":                          key.token(good(now).with(claims{"nbf": now.Add(70 * time.Second).Unix()})),
		"without a subject":                      key.token(good(now).with(claims{"sub": nil})),
		"without a client":                       key.token(good(now).with(claims{"client_id": nil})),
		"without an ID":                          key.token(good(now).with(claims{"jti": nil})),
		"bound in a way that nobody knows":       key.token(good(now).with(claims{"cnf": map[string]string{"x5t#S256": "x"}})),
		"with a claim of the wrong kind":         key.token(good(now).with(claims{"sub": 1})),
		"that is an ID token (typ JWT)":          key.sign("JWT", good(now)),
		"without a typ":                          key.sign("", good(now)),
		"that is a DPoP proof":                   key.sign("dpop+jwt", good(now)),
		"signed by somebody else under our kid":  stranger.token(good(now)),
		"with a signature cut short":             fine[:len(fine)-4],
		"with another's claims":                  parts[0] + "." + strings.Split(key.token(good(now).with(claims{"sub": "root"})), ".")[1] + "." + parts[2],
		"with two dots less":                     parts[0],
		"that is no JWT":                         "opaque",
		"that is encrypted (five parts)":         fine + ".a.b",
		"with a header that is not JSON":         "bm8." + parts[1] + "." + parts[2],
		"with a critical header that is unknown": signWith(jose.ES256, key.private, typed("k").WithHeader("x", 1).WithHeader("crit", []string{"x"}), good(now)),
		"without a kid":                          signWith(jose.ES256, key.private, (&jose.SignerOptions{}).WithType("at+jwt"), good(now)),
		"with a kid of nobody's":                 newES256("other").token(good(now)),
		"with a claim twice":                     jwstest.Sign(t, "ES256", key.private, `{"alg":"ES256","typ":"at+jwt","kid":"k"}`, twice("sub", "root", good(now))),
		"with typ twice":                         jwstest.Sign(t, "ES256", key.private, `{"alg":"ES256","typ":"JWT","typ":"at+jwt","kid":"k"}`, text(good(now))),
		"with an extension that is not critical": jwstest.Sign(t, "ES256", key.private, `{"alg":"ES256","typ":"at+jwt","kid":"k","b64":true}`, text(good(now))),
		"with padding":                           fine + "==",
		"for a number":                           key.token(good(now).with(claims{"aud": 1})),
		"for nobody among several":               key.token(good(now).with(claims{"aud": []string{}})),
		"that ends in milliseconds":              key.token(good(now).with(claims{"exp": now.Add(time.Minute).UnixMilli()})),
		"that brings its own key":                signWith(jose.ES256, stranger.private, typed("k").WithHeader("jwk", stranger.public()), good(now)),
		"that says where its key is":             signWith(jose.ES256, stranger.private, typed("k").WithHeader("jku", "https://evil.example.com/jwks"), good(now)),
	} {
		t.Run(name, func(t *testing.T) {
			e := refuses(t, v, bearer(token), http.StatusUnauthorized, "invalid_token")
			if strings.Contains(e.Error(), token) {
				t.Error("the error quotes the token")
			}
		})
	}
}

func text(c claims) string { return string(must(json.Marshal(c))) }

// twice is the claims with one of them there before as well.
func twice(name, value string, c claims) string {
	return strings.Replace(text(c), "{", `{"`+name+`":"`+value+`",`, 1)
}

// TestWhatTheServerDoesNotSayIsZero: a time that is missing is not 1970.
func TestWhatTheServerDoesNotSayIsZero(t *testing.T) {
	now, key := time.Now().Truncate(time.Second), newES256("k")
	v := newIssuer(key).verifier(t)
	got := accepts(t, v, bearer(key.token(good(now).with(claims{"sid": nil, "auth_time": nil, "acr": nil, "amr": nil, "scope": nil}))))
	want := &resource.Token{
		Subject: "user-1", ClientID: "acme-studio", ID: "token-1", Audience: []string{audience}, Scopes: []string{},
		IssuedAt: now, ExpiresAt: now.Add(5 * time.Minute),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

func typed(kid string) *jose.SignerOptions {
	return (&jose.SignerOptions{}).WithType("at+jwt").WithHeader("kid", kid)
}

// TestAlgNoneIsRefused: RFC 9068 section 4, RFC 8725 section 2.1.
func TestAlgNoneIsRefused(t *testing.T) {
	key := newES256("k")
	v := newIssuer(key).verifier(t)
	body := base64.RawURLEncoding.EncodeToString(must(json.Marshal(good(time.Now()))))
	for _, alg := range []string{"none", "None", "NONE", "nOnE", ""} {
		header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"` + alg + `","typ":"at+jwt","kid":"k"}`))
		for _, signature := range []string{"", "AA"} {
			refuses(t, v, bearer(header+"."+body+"."+signature), http.StatusUnauthorized, "invalid_token")
		}
	}
}

// TestThePublicKeyIsNoSecret: HS256 with whatever form of the public key an
// attacker may take for the secret.
func TestThePublicKeyIsNoSecret(t *testing.T) {
	for name, key := range kinds() {
		v := newIssuer(key).verifier(t)
		der := must(x509.MarshalPKIXPublicKey(key.private.Public()))
		for form, secret := range map[string][]byte{
			"DER": der,
			"PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
			"JWK": must(json.Marshal(key.public())),
		} {
			t.Run(name+" as "+form, func(t *testing.T) {
				token := signWith(jose.HS256, secret, typed("k"), good(time.Now()))
				refuses(t, v, bearer(token), http.StatusUnauthorized, "invalid_token")
			})
		}
	}
}

func TestTheAlgorithmIsThatOfTheKey(t *testing.T) {
	key := newRS256("k", 2048)
	f := newIssuer(key)
	v := f.verifier(t)
	refuses(t, v, bearer(signWith(jose.PS256, key.private, typed("k"), good(time.Now()))), http.StatusUnauthorized, "invalid_token")
	refuses(t, v, bearer(signWith(jose.ES256, newES256("k").private, typed("k"), good(time.Now()))), http.StatusUnauthorized, "invalid_token")
	accepts(t, v, bearer(key.token(good(time.Now()))))
}

func TestScopes(t *testing.T) {
	key := newES256("k")
	v := newIssuer(key).verifier(t)
	token := key.token(good(time.Now()).with(claims{"scope": "files.read files.list"}))
	accepts(t, v, bearer(token))
	accepts(t, v, bearer(token), "files.read")
	accepts(t, v, bearer(token), "files.list", "files.read")
	for _, missing := range []string{"files.write", "files", "files.read files.list", ""} {
		refuses(t, v, bearer(token), http.StatusForbidden, "insufficient_scope", "files.read", missing)
	}
}

// TestManyAtOnce is for the race detector.
func TestManyAtOnce(t *testing.T) {
	key := newES256("k")
	f := newIssuer(key)
	v := f.verifier(t, func(c *resource.Config) {
		c.Introspection = &resource.Introspection{ClientID: "api", ClientSecret: "s"}
	})
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			token := key.token(good(time.Now()))
			for range 20 {
				if _, err := v.Verify(bearer(token), "files.read"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if got := f.count("/jwks"); got != 1 {
		t.Errorf("the keys were fetched %d times, want once", got)
	}
}
