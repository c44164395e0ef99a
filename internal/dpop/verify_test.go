package dpop_test

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/jws/jwstest"
)

// The examples of RFC 9449 sections 4.1 and 7.
const (
	rfcThumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	rfcHeader     = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
	rfcTokenProof = rfcHeader + ".eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ" +
		".2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	rfcResourceProof = rfcHeader + ".eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9" +
		".2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
	rfcAccessToken = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
)

const accessToken = "the-access-token"

var (
	now = time.Unix(1_800_000_000, 0)
	// atToken and atResource are the two kinds of request.
	atToken    = dpop.Expect{Method: "POST", URL: "https://login.example/token"}
	atResource = dpop.Expect{Method: "POST", URL: "https://login.example/token", AccessToken: accessToken}
)

func newKey(t testing.TB) dpop.Key {
	t.Helper()
	k, err := dpop.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// private opens a key, to sign with it what Prove would not.
func private(t testing.TB, k dpop.Key) *ecdsa.PrivateKey {
	t.Helper()
	b, err := k.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(b)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.(*ecdsa.PrivateKey)
}

// members are those of a header or of claims. A nil value takes a member out.
type members map[string]any

func (m members) with(changes members) string {
	m = maps.Clone(m)
	for name, value := range changes {
		if m[name] = value; value == nil {
			delete(m, name)
		}
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// forger makes proofs that are right but for what a test changes.
type forger struct {
	t              testing.TB
	key            *ecdsa.PrivateKey
	header, claims members
}

func newForger(t testing.TB) forger {
	t.Helper()
	key := private(t, newKey(t))
	return forger{
		t, key,
		members{"typ": "dpop+jwt", "alg": "ES256", "jwk": json.RawMessage(jwstest.JWK(t, key))},
		members{"jti": "1", "htm": "POST", "htu": "https://login.example/token", "iat": now.Unix()},
	}
}

func (f forger) proof(header, claims members) string {
	f.t.Helper()
	return jwstest.Sign(f.t, "ES256", f.key, f.header.with(header), f.claims.with(claims))
}

func TestTheProofsOfTheRFCAreVerified(t *testing.T) {
	then := time.Unix(1562262620, 0)
	got, err := dpop.Verify(then, []string{rfcTokenProof}, dpop.Expect{Method: "POST", URL: "https://server.example.com/token"})
	if err != nil || got.Thumbprint != rfcThumbprint || !got.IssuedAt.Equal(time.Unix(1562262616, 0)) {
		t.Errorf("at the token endpoint: got %+v, %v; want the thumbprint %s", got, err, rfcThumbprint)
	}
	want := dpop.Expect{Method: "GET", URL: "https://resource.example.org/protectedresource", AccessToken: rfcAccessToken}
	got, err = dpop.Verify(then, []string{rfcResourceProof}, want)
	if err != nil || got.Thumbprint != rfcThumbprint {
		t.Errorf("at the resource: got %+v, %v; want the thumbprint %s", got, err, rfcThumbprint)
	}
}

func TestAProofIsVerified(t *testing.T) {
	key := newKey(t)
	for name, request := range map[string]dpop.Request{
		"at the token endpoint":     {Method: "POST", URL: "https://login.example/token"},
		"with a nonce":              {Method: "POST", URL: "https://login.example/token", Nonce: "n1"},
		"at a resource":             {Method: "GET", URL: "https://api.example/me", AccessToken: accessToken},
		"of a URL with a query":     {Method: "GET", URL: "https://api.example/me?full=1#top", AccessToken: accessToken},
		"of a URL without its path": {Method: "OPTIONS", URL: "HTTPS://API.example:443"},
	} {
		t.Run(name, func(t *testing.T) {
			proof, err := key.Prove(now, request)
			if err != nil {
				t.Fatal(err)
			}
			want := dpop.Expect{Method: request.Method, URL: request.URL, AccessToken: request.AccessToken}
			got, err := dpop.Verify(now, []string{proof}, want)
			if err != nil {
				t.Fatal(err)
			}
			if got.Thumbprint != key.Thumbprint() || got.Nonce != request.Nonce || !got.IssuedAt.Equal(now) {
				t.Errorf("got %+v, want the key %s, the nonce %q, issued at %s", got, key.Thumbprint(), request.Nonce, now)
			}
		})
	}
}

// TestEveryFaultIsRefused goes through RFC 9449 section 4.3.
func TestEveryFaultIsRefused(t *testing.T) {
	f := newForger(t)
	good := f.proof(nil, nil)
	parts := strings.Split(good, ".")
	publicAnd := func(name, value string) json.RawMessage {
		return json.RawMessage(strings.Replace(jwstest.JWK(t, f.key), "{", `{"`+name+`":"`+value+`",`, 1))
	}
	otherJWK := json.RawMessage(jwstest.JWK(t, private(t, newKey(t))))
	weakRSA := json.RawMessage(`{"kty":"RSA","e":"AQAB","n":"` + jwstest.Encode("\x80"+strings.Repeat("\x01", 127)) + `"}`)
	one := func(proof string) []string { return []string{proof} }
	tests := []struct {
		name   string
		header []string
		want   dpop.Expect
		reason string // in the error's text
	}{
		// 1. There is not more than one DPoP HTTP request header field.
		{"there is no header", nil, atToken, "exactly one"},
		{"there are two headers", []string{good, good}, atToken, "exactly one"},
		{"there are two proofs in one header", one(good + ", " + good), atToken, "compact"},
		// 2. The value is a single and well-formed JWT.
		{"the header is empty", one(""), atToken, "compact"},
		{"it is no JWT", one("proof"), atToken, "compact"},
		{"it is in the JSON serialization", one(`{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`), atToken, "compact"},
		{"its payload is no JSON", one(jwstest.Sign(t, "ES256", f.key, f.header.with(nil), "jti")), atToken, "compact"},
		{"a claim stands twice", one(jwstest.Sign(t, "ES256", f.key, f.header.with(nil), strings.Replace(f.claims.with(nil), "{", `{"htm":"POST",`, 1))), atToken, "compact"},
		{"it is longer than 8 KiB", one(f.proof(nil, members{"x": strings.Repeat("x", 8<<10)})), atToken, "too long"},
		// 3. All required claims are contained.
		{"it has no jti", one(f.proof(nil, members{"jti": nil})), atToken, "jti"},
		{"its jti is empty", one(f.proof(nil, members{"jti": ""})), atToken, "jti"},
		{"its jti has 257 bytes", one(f.proof(nil, members{"jti": strings.Repeat("x", 257)})), atToken, "jti"},
		{"its jti is a number", one(f.proof(nil, members{"jti": 1})), atToken, "compact"},
		{"it has no htm", one(f.proof(nil, members{"htm": nil})), atToken, "htm"},
		{"it has no htu", one(f.proof(nil, members{"htu": nil})), atToken, "htu"},
		{"it has no iat", one(f.proof(nil, members{"iat": nil})), atToken, "no iat"},
		{"its iat is null", one(f.proof(nil, members{"iat": json.RawMessage("null")})), atToken, "no iat"},
		{"its iat is a string", one(f.proof(nil, members{"iat": "1800000000"})), atToken, "compact"},
		// 4. The typ has the value dpop+jwt.
		{"it has no typ", one(f.proof(members{"typ": nil}, nil)), atToken, "typ"},
		{"it is another kind of JWT", one(f.proof(members{"typ": "JWT"}, nil)), atToken, "typ"},
		{"it is an access token", one(f.proof(members{"typ": "at+jwt"}, nil)), atToken, "typ"},
		// 5. The alg is a registered asymmetric one, not none, and supported.
		{"it has no alg", one(f.proof(members{"alg": nil}, nil)), atToken, "alg"},
		{"it is not signed", one(jwstest.Sign(t, "none", nil, f.header.with(members{"alg": "none"}), f.claims.with(nil))), atToken, "compact"},
		{"alg is none over a signature", one(f.proof(members{"alg": "none"}, nil)), atToken, "alg"},
		{"it is signed with a MAC by its public key", one(jwstest.Sign(t, "HS256", []byte(jwstest.JWK(t, f.key)), f.header.with(members{"alg": "HS256"}), f.claims.with(nil))), atToken, "alg"},
		{"its alg is unknown", one(f.proof(members{"alg": "ES257"}, nil)), atToken, "alg"},
		{"its alg is for another curve", one(f.proof(members{"alg": "ES384"}, nil)), atToken, "alg"},
		{"its alg is for another kind of key", one(f.proof(members{"alg": "RS256"}, nil)), atToken, "alg"},
		{"its key is for another alg", one(f.proof(members{"jwk": publicAnd("alg", "ES384")}, nil)), atToken, "the key"},
		{"its key is for encryption", one(f.proof(members{"jwk": publicAnd("use", "enc")}, nil)), atToken, "the key"},
		{"it asks for an extension", one(f.proof(members{"crit": []string{"x"}, "x": 1}, nil)), atToken, "extension"},
		{"its payload is said to be unencoded", one(f.proof(members{"b64": false}, nil)), atToken, "extension"},
		// 6. The signature verifies with the public key of the jwk.
		{"it has no jwk", one(f.proof(members{"jwk": nil}, nil)), atToken, "jwk"},
		{"it has a kid for a jwk", one(f.proof(members{"jwk": nil, "kid": "1"}, nil)), atToken, "jwk"},
		{"its jwk is another's", one(f.proof(members{"jwk": otherJWK}, nil)), atToken, "signature"},
		{"its claims were changed", one(parts[0] + "." + jwstest.Encode(f.claims.with(members{"jti": "2"})) + "." + parts[2]), atToken, "signature"},
		{"its signature is cut", one(good[:len(good)-2]), atToken, "signature"},
		{"its RSA key has 1024 bits", one(f.proof(members{"alg": "RS256", "jwk": weakRSA}, nil)), atToken, "2048"},
		// 7. The jwk does not contain a private key.
		{"its jwk is private", one(f.proof(members{"jwk": publicAnd("d", "AAAA")}, nil)), atToken, "private"},
		{"its jwk has a prime", one(f.proof(members{"jwk": publicAnd("p", "AAAA")}, nil)), atToken, "private"},
		{"its jwk is symmetric", one(f.proof(members{"jwk": json.RawMessage(`{"kty":"oct","k":"AAAA"}`)}, nil)), atToken, "private"},
		// 8. The htm matches the method.
		{"it is for another method", one(f.proof(nil, members{"htm": "GET"})), atToken, "htm"},
		{"its method is in another case", one(f.proof(nil, members{"htm": "post"})), atToken, "htm"},
		// 9. The htu matches the URI.
		{"it is for another path", one(f.proof(nil, members{"htu": "https://login.example/token/"})), atToken, "htu"},
		{"it is for another host", one(f.proof(nil, members{"htu": "https://login.example.evil.example/token"})), atToken, "htu"},
		// 10. The nonce is for the caller: TestAFreshNonce.
		// 11. The creation time is within an acceptable window.
		{"it is 91 seconds old", one(f.proof(nil, members{"iat": now.Unix() - 91})), atToken, "too long ago"},
		{"it is 61 seconds ahead", one(f.proof(nil, members{"iat": now.Unix() + 61})), atToken, "in the future"},
		{"its iat is in milliseconds", one(f.proof(nil, members{"iat": now.UnixMilli()})), atToken, "compact"},
		{"its exp has passed", one(f.proof(nil, members{"exp": now.Unix() - 60})), atToken, "exp"},
		{"its nbf is ahead", one(f.proof(nil, members{"nbf": now.Unix() + 61})), atToken, "nbf"},
		// 12. With an access token, the ath is its hash.
		{"it has no ath", one(good), atResource, "ath"},
		{"its ath is empty", one(f.proof(nil, members{"ath": ""})), atResource, "ath"},
		{"its ath is of another token", one(f.proof(nil, members{"ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"})), atResource, "ath"},
		{"its ath is the token itself", one(f.proof(nil, members{"ath": accessToken})), atResource, "ath"},
	}
	// What RFC 6749 section 5.2 allows in an error_description.
	describable := regexp.MustCompile(`^[\x20\x21\x23-\x5B\x5D-\x7E]+$`)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := dpop.Verify(now, tt.header, tt.want)
			if !errors.Is(err, dpop.ErrProof) || got != (dpop.Proof{}) {
				t.Fatalf("got %+v, %v; want no proof and ErrProof", got, err)
			}
			if !strings.Contains(err.Error(), tt.reason) || !describable.MatchString(err.Error()) {
				t.Errorf("got %q, want a description with %q", err, tt.reason)
			}
		})
	}
}

func TestWhatIsNoFaultIsTaken(t *testing.T) {
	f := newForger(t)
	tests := []struct {
		name  string
		proof string
	}{
		{"the good one", f.proof(nil, nil)},
		{"typ in another case", f.proof(members{"typ": "DPoP+JWT"}, nil)},
		{"an unknown header parameter", f.proof(members{"x": 1}, nil)},
		{"an unknown claim", f.proof(nil, members{"x": 1})},
		{"a key that says what it is for", f.proof(members{"jwk": json.RawMessage(strings.Replace(jwstest.JWK(t, f.key), "{", `{"use":"sig","alg":"ES256","kid":"1",`, 1))}, nil)},
		{"a jti of 256 bytes", f.proof(nil, members{"jti": strings.Repeat("x", 256)})},
		{"an iat with a fraction", f.proof(nil, members{"iat": float64(now.Unix()) + 0.25})},
		{"an exp to come", f.proof(nil, members{"exp": now.Unix() + 30})},
		{"an exp that passed within the skew", f.proof(nil, members{"exp": now.Unix() - 59})},
		{"an nbf within the skew", f.proof(nil, members{"nbf": now.Unix() + 60})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := dpop.Verify(now, []string{tt.proof}, atToken); err != nil {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAClockMayBeAMinuteOff(t *testing.T) {
	key := newKey(t)
	tests := []struct {
		name string
		off  time.Duration // of the client's clock
		ok   bool
	}{
		{"right", 0, true},
		{"a minute slow", -time.Minute, true},
		{"a minute fast", time.Minute, true},
		{"a minute slow and half a minute on the way", -dpop.MaxAge, true},
		{"a second more than that", -dpop.MaxAge - time.Second, false},
		{"a second more than a minute fast", dpop.Skew + time.Second, false},
		{"two minutes slow", -2 * time.Minute, false},
		{"two minutes fast", 2 * time.Minute, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			proof, err := key.Prove(now.Add(tt.off), dpop.Request{Method: atToken.Method, URL: atToken.URL})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := dpop.Verify(now, []string{proof}, atToken); (err == nil) != tt.ok || err != nil && !errors.Is(err, dpop.ErrProof) {
				t.Errorf("got %v, want ok %t", err, tt.ok)
			}
		})
	}
}

func TestAReplayIsKnownByItsKey(t *testing.T) {
	f, other := newForger(t), newForger(t)
	verify := func(proof string) dpop.Proof {
		t.Helper()
		p, err := dpop.Verify(now, []string{proof}, atToken)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first := verify(f.proof(nil, nil))
	for name, again := range map[string]string{
		"the same proof":               f.proof(nil, nil),
		"its jti in a new proof":       f.proof(nil, members{"iat": now.Unix() + 1, "nonce": "n1"}),
		"its key with another name":    f.proof(members{"jwk": json.RawMessage(strings.Replace(jwstest.JWK(t, f.key), "{", `{"kid":"x",`, 1))}, nil),
		"another spelling of its text": f.proof(members{"x": 1}, members{"x": 1}),
	} {
		if got := verify(again).ReplayKey(); got != first.ReplayKey() {
			t.Errorf("%s: got another replay key", name)
		}
	}
	for name, another := range map[string]string{
		"another jti":                f.proof(nil, members{"jti": "2"}),
		"a jti that begins the same": f.proof(nil, members{"jti": "1 "}),
		"another's key":              other.proof(nil, nil),
	} {
		if got := verify(another).ReplayKey(); got == first.ReplayKey() || got.IsZero() {
			t.Errorf("%s: got the same replay key or none: %s", name, got)
		}
	}
}

func TestNoTwoProofsHaveOneReplayKey(t *testing.T) {
	key := newKey(t)
	seen := map[string]bool{}
	for range 20 {
		proof, err := key.Prove(now, dpop.Request{Method: atToken.Method, URL: atToken.URL})
		if err != nil {
			t.Fatal(err)
		}
		p, err := dpop.Verify(now, []string{proof}, atToken)
		if err != nil {
			t.Fatal(err)
		}
		if seen[p.ReplayKey().String()] {
			t.Fatal("two proofs have one jti")
		}
		seen[p.ReplayKey().String()] = true
	}
}

func TestAProofIsRememberedUntilItIsRefused(t *testing.T) {
	f := newForger(t)
	for _, ahead := range []float64{0, 0.75, -89, 60} {
		proof := f.proof(nil, members{"iat": float64(now.Unix()) + ahead})
		p, err := dpop.Verify(now, []string{proof}, atToken)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dpop.Verify(p.Expires(), []string{proof}, atToken); !errors.Is(err, dpop.ErrProof) {
			t.Errorf("issued %+.2f s ahead: it is taken again at %s: %v", ahead, p.Expires(), err)
		}
		if left := p.Expires().Sub(p.IssuedAt); left > dpop.MaxAge+time.Second || p.Expires().Nanosecond() != 0 {
			t.Errorf("issued %+.2f s ahead: remembered for %s, until %s", ahead, left, p.Expires())
		}
	}
}

func TestTheServersOwnAddressMustBeOne(t *testing.T) {
	proof := newForger(t).proof(nil, nil)
	for _, url := range []string{"", "/token", "login.example/token"} {
		if _, err := dpop.Verify(now, []string{proof}, dpop.Expect{Method: "POST", URL: url}); err == nil || errors.Is(err, dpop.ErrProof) {
			t.Errorf("%q: got %v, want an error that blames no proof", url, err)
		}
	}
}

func TestTheAlgorithmsOfTheMetadataAreAsymmetric(t *testing.T) {
	got := dpop.Algorithms()
	for _, alg := range []string{"ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256"} {
		if !slices.Contains(got, alg) {
			t.Errorf("got %v, want %s too", got, alg)
		}
	}
	for _, alg := range []string{"none", "HS256"} {
		if slices.Contains(got, alg) {
			t.Errorf("got %v with %s", got, alg)
		}
	}
}
