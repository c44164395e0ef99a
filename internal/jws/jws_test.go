package jws_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/jws"
	"github.com/qrauthd/qrauthd/internal/jws/jwstest"
)

const limit = 8 << 10

func ecKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestEachAlgorithmIsVerifiedWithAKeyOfItsKind(t *testing.T) {
	p256, p384, p521 := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P384()), ecKey(t, elliptic.P521())
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, jws.MinRSA)
	if err != nil {
		t.Fatal(err)
	}
	owners := map[string]crypto.Signer{
		"ES256": p256, "ES384": p384, "ES512": p521, "EdDSA": ed, "RS256": rsaKey,
		"RS384": rsaKey, "RS512": rsaKey, "PS256": rsaKey, "PS384": rsaKey, "PS512": rsaKey,
	}
	for _, alg := range jws.Algorithms() {
		text := jwstest.Sign(t, alg, owners[alg], `{"alg":"`+alg+`"}`, `{}`)
		token, err := jws.Parse(text, limit)
		if err != nil {
			t.Errorf("%s: %v", alg, err)
			continue
		}
		for other, key := range owners {
			public, err := jws.ParseKey([]byte(jwstest.JWK(t, key)))
			if err != nil {
				t.Fatal(err)
			}
			want := jws.ErrUnfit
			if jwstest.JWK(t, key) == jwstest.JWK(t, owners[alg]) {
				want = nil
			}
			if err := token.SignedBy(public); !errors.Is(err, want) {
				t.Errorf("%s with the key of %s: got %v, want %v", alg, other, err, want)
			}
		}
	}
	if len(owners) != len(jws.Algorithms()) {
		t.Errorf("got %d algorithms, want %d", len(jws.Algorithms()), len(owners))
	}
}

func TestATokenHasOneText(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	sign := func(header, payload string) string { return jwstest.Sign(t, "ES256", key, header, payload) }
	good := sign(`{"alg":"ES256"}`, `{"jti":"1"}`)
	parts := strings.Split(good, ".")
	join := func(parts ...string) string { return strings.Join(parts, ".") }
	jsonForm := `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`
	tests := []struct {
		name, text string
		want       error
	}{
		{"the good one", good, nil},
		{"a limit that is just kept", sign(`{"alg":"ES256"}`, strings.Repeat("x", (limit-len(parts[0])-len(parts[2])-2)*3/4)), nil},
		{"one that is too long", sign(`{"alg":"ES256"}`, strings.Repeat("x", limit)), jws.ErrSize},
		{"nothing", "", jws.ErrForm},
		{"the flattened JSON serialization", jsonForm, jws.ErrForm},
		{"the general JSON serialization", `{"payload":"` + parts[1] + `","signatures":[` + jsonForm + `,` + jsonForm + `]}`, jws.ErrForm},
		{"two parts", join(parts[0], parts[1]), jws.ErrForm},
		{"four parts", join(good, parts[2]), jws.ErrForm},
		{"an encrypted token's five parts", join(parts[0], parts[1], parts[2], parts[1], parts[2]), jws.ErrForm},
		{"a detached payload", join(parts[0], "", parts[2]), jws.ErrForm},
		{"no signature", join(parts[0], parts[1], ""), jws.ErrForm},
		{"a space before it", " " + good, jws.ErrForm},
		{"a line break after it", good + "\n", jws.ErrForm},
		{"a line break in the payload", join(parts[0], parts[1][:4]+"\r\n"+parts[1][4:], parts[2]), jws.ErrForm},
		{"padding", join(parts[0], parts[1], parts[2]+"=="), jws.ErrForm},
		{"the other base64", join(parts[0], parts[1], strings.Repeat("+/", 43)), jws.ErrForm},
		{"stray bits at the end of the signature", join(parts[0], parts[1], strayBits(parts[2])), jws.ErrForm},
		{"a header that is no object", sign(`["ES256"]`, `{}`), jws.ErrForm},
		{"a header with more after it", sign(`{"alg":"ES256"}{}`, `{}`), jws.ErrForm},
		{"alg twice", sign(`{"alg":"none","alg":"ES256"}`, `{}`), jws.ErrForm},
		{"typ that is no string", sign(`{"alg":"ES256","typ":1}`, `{}`), jws.ErrForm},
		{"kid that is no string", sign(`{"alg":"ES256","kid":{}}`, `{}`), jws.ErrForm},
		{"a foreign member twice", sign(`{"alg":"ES256","x":1,"x":2}`, `{}`), jws.ErrForm},
		{"alg in another case", sign(`{"ALG":"ES256"}`, `{}`), jws.ErrAlgorithm},
		{"an algorithm in another case", sign(`{"alg":"es256"}`, `{}`), jws.ErrAlgorithm},
		{"no alg", sign(`{}`, `{}`), jws.ErrAlgorithm},
		{"alg none", sign(`{"alg":"none"}`, `{}`), jws.ErrAlgorithm},
		{"a MAC", sign(`{"alg":"HS256"}`, `{}`), jws.ErrAlgorithm},
		{"an encryption", sign(`{"alg":"RSA-OAEP","enc":"A128GCM"}`, `{}`), jws.ErrAlgorithm},
		{"crit of an unknown extension", sign(`{"alg":"ES256","crit":["x"],"x":1}`, `{}`), jws.ErrExtension},
		{"crit of a known extension", sign(`{"alg":"ES256","crit":["b64"],"b64":true}`, `{}`), jws.ErrExtension},
		{"crit without a name", sign(`{"alg":"ES256","crit":[]}`, `{}`), jws.ErrExtension},
		{"crit null", sign(`{"alg":"ES256","crit":null}`, `{}`), jws.ErrExtension},
		{"b64 without crit", sign(`{"alg":"ES256","b64":false}`, `{}`), jws.ErrExtension},
		{"an unknown parameter, which is ignored", sign(`{"alg":"ES256","x":1}`, `{}`), nil},
		{"jwk null", sign(`{"alg":"ES256","jwk":null}`, `{}`), jws.ErrKey},
		{"jwk that is private", sign(`{"alg":"ES256","jwk":{"kty":"oct","k":"AAAA"}}`, `{}`), jws.ErrPrivateKey},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := jws.Parse(tt.text, limit); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// strayBits sets a bit that the last character has and no byte needs.
func strayBits(part string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, part[len(part)-1])
	return part[:len(part)-1] + string(alphabet[last|1])
}

func TestASignatureIsOfTheKeyAndTheText(t *testing.T) {
	key, other := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P256())
	good := jwstest.Sign(t, "ES256", key, `{"alg":"ES256"}`, `{"jti":"1"}`)
	parts := strings.Split(good, ".")
	short := base64.RawURLEncoding.EncodeToString(make([]byte, 63))
	zero := base64.RawURLEncoding.EncodeToString(make([]byte, 64))
	tests := []struct {
		name, text string
		key        *ecdsa.PrivateKey
		want       error
	}{
		{"the good one", good, key, nil},
		{"another's key", good, other, jws.ErrSignature},
		{"other claims", parts[0] + "." + jwstest.Encode(`{"jti":"2"}`) + "." + parts[2], key, jws.ErrSignature},
		{"another header", jwstest.Encode(`{"alg":"ES256","kid":"x"}`) + "." + parts[1] + "." + parts[2], key, jws.ErrSignature},
		{"a short signature", parts[0] + "." + parts[1] + "." + short, key, jws.ErrSignature},
		{"a signature of zeros", parts[0] + "." + parts[1] + "." + zero, key, jws.ErrSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			token, err := jws.Parse(tt.text, limit)
			if err != nil {
				t.Fatal(err)
			}
			public, err := jws.ParseKey([]byte(jwstest.JWK(t, tt.key)))
			if err != nil {
				t.Fatal(err)
			}
			if err := token.SignedBy(public); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestClaimsAreReadStrictly(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	tests := []struct {
		name, payload string
		want          error
	}{
		{"an object", `{"jti":"1","x":{}}`, nil},
		{"a claim twice", `{"jti":"1","jti":"2"}`, jws.ErrForm},
		{"a foreign claim twice", `{"x":"1","x":"2"}`, jws.ErrForm},
		{"a claim of another type", `{"jti":1}`, jws.ErrForm},
		{"no JSON", `jti`, jws.ErrForm},
		{"an array", `[]`, jws.ErrForm},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			token, err := jws.Parse(jwstest.Sign(t, "ES256", key, `{"alg":"ES256"}`, tt.payload), limit)
			if err != nil {
				t.Fatal(err)
			}
			var c struct {
				ID string `json:"jti"`
			}
			if err := token.Claims(&c); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestKeysThatAreTaken(t *testing.T) {
	const ec = `"kty":"EC","crv":"P-256","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"`
	modulus := func(bits int) string {
		n := make([]byte, bits/8)
		n[0], n[len(n)-1] = 0x80, 1
		return jwstest.Encode(string(n))
	}
	tests := []struct {
		name, jwk string
		want      error
	}{
		{"P-256", `{` + ec + `}`, nil},
		{"P-256 for ES256", `{` + ec + `,"use":"sig","alg":"ES256","kid":"1"}`, nil},
		{"P-256 for ES384", `{` + ec + `,"alg":"ES384"}`, jws.ErrKey},
		{"one for encryption", `{` + ec + `,"use":"enc"}`, jws.ErrKey},
		{"a private one", `{` + ec + `,"d":"AAAA"}`, jws.ErrPrivateKey},
		{"one whose private part is null", `{` + ec + `,"d":null}`, jws.ErrPrivateKey},
		{"one whose private part is empty", `{` + ec + `,"d":""}`, jws.ErrPrivateKey},
		{"one with the private part of another kind", `{` + ec + `,"qi":"AAAA"}`, jws.ErrPrivateKey},
		{"a member twice", `{` + ec + `,"x":"AAAA"}`, jws.ErrKey},
		{"a point that is not on the curve", strings.Replace(`{`+ec+`}`, `"l8`, `"m8`, 1), jws.ErrKey},
		{"the point of another curve", strings.Replace(`{`+ec+`}`, "P-256", "P-384", 1), jws.ErrKey},
		{"a curve that is not supported", strings.Replace(`{`+ec+`}`, "P-256", "secp256k1", 1), jws.ErrKey},
		{"a curve for key agreement", `{"kty":"OKP","crv":"X25519","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs"}`, jws.ErrKey},
		{"a short Ed25519 key", `{"kty":"OKP","crv":"Ed25519","x":"AAAA"}`, jws.ErrKey},
		{"a symmetric key", `{"kty":"oct","k":"AAAA"}`, jws.ErrPrivateKey},
		{"a symmetric key without its value", `{"kty":"oct"}`, jws.ErrKey},
		{"an RSA key of 2048 bits", `{"kty":"RSA","e":"AQAB","n":"` + modulus(2048) + `"}`, nil},
		{"an RSA key of 2040 bits", `{"kty":"RSA","e":"AQAB","n":"` + modulus(2040) + `"}`, jws.ErrWeakKey},
		{"an RSA key of 1024 bits", `{"kty":"RSA","e":"AQAB","n":"` + modulus(1024) + `"}`, jws.ErrWeakKey},
		{"an RSA key of 16384 bits", `{"kty":"RSA","e":"AQAB","n":"` + modulus(16384) + `"}`, jws.ErrKey},
		{"no kind", `{"crv":"P-256"}`, jws.ErrKey},
		{"null", `null`, jws.ErrKey},
		{"no JSON", `{`, jws.ErrKey},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := jws.ParseKey([]byte(tt.jwk)); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// The examples of RFC 7638 section 3.1 and RFC 8037 appendix A.3.
func TestThumbprintsOfTheRFCs(t *testing.T) {
	tests := []struct{ name, jwk, want string }{
		{"RSA", `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		{"Ed25519", `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key, err := jws.ParseKey([]byte(tt.jwk))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := jws.Thumbprint(key); err != nil || got != tt.want {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
		})
	}
}

func TestDates(t *testing.T) {
	tests := []struct {
		name, text string
		want       time.Time
	}{
		{"seconds", `1562262616`, time.Unix(1562262616, 0)},
		{"a fraction", `1562262616.5`, time.Unix(1562262616, 5e8)},
		{"an exponent", `1.5e9`, time.Unix(1_500_000_000, 0)},
		{"the epoch", `0`, time.Unix(0, 0)},
		{"before the epoch", `-1`, time.Time{}},
		{"milliseconds", `1562262616000`, time.Time{}},
		{"a number too large for a float", `1e400`, time.Time{}},
		{"a string", `"1562262616"`, time.Time{}},
		{"true", `true`, time.Time{}},
		{"an object", `{}`, time.Time{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c struct{ At *jws.Date }
			err := json.Unmarshal([]byte(`{"At":`+tt.text+`}`), &c)
			if (err == nil) != !tt.want.IsZero() {
				t.Fatalf("got %v, want %s", err, tt.want)
			}
			if err == nil && !c.At.Equal(tt.want) {
				t.Errorf("got %s, want %s", c.At, tt.want)
			}
		})
	}
}

func TestNoAlgorithmIsSymmetricOrNone(t *testing.T) {
	for _, alg := range jws.Algorithms() {
		if alg == "none" || strings.HasPrefix(alg, "HS") {
			t.Errorf("%s is taken", alg)
		}
	}
	list := jws.Algorithms()
	list[0] = "none"
	if slices.Contains(jws.Algorithms(), "none") {
		t.Error("a caller can change the list for all")
	}
}
