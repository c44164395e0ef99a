package token_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/token"
)

// RFC 9068 section 2.
func TestAccessTokenIsAtJwtNeverNoneWithTheSevenClaims(t *testing.T) {
	for _, alg := range algorithms() {
		t.Run(string(alg), func(t *testing.T) {
			k := newKey(t, alg)
			r := newRing(t, k)
			header, claims := read(t, r, signAccess(t, r, accessClaims()))
			if diff := cmp.Diff(map[string]any{"alg": string(alg), "kid": string(k.ID), "typ": "at+jwt"}, header); diff != "" {
				t.Errorf("header (-want +got)\n%s", diff)
			}
			want := map[string]any{
				"iss": issuer, "exp": float64(start.Unix() + 3600), "aud": "https://api.example",
				"sub": "the person", "client_id": "the app", "iat": float64(start.Unix()), "jti": "the token",
			}
			for name := range want {
				if diff := cmp.Diff(want[name], claims[name]); diff != "" {
					t.Errorf("%s (-want +got)\n%s", name, diff)
				}
			}
		})
	}
}

// RFC 9068 section 2.2.1.
func TestAuthTimeAmrAndAcrTellOfUserVerification(t *testing.T) {
	r := newRing(t, newKey(t, token.ES256))
	_, access := read(t, r, signAccess(t, r, accessClaims()))
	_, id := read(t, r, signID(t, r, idClaims(), ""))
	for kind, claims := range map[string]map[string]any{"access token": access, "ID token": id} {
		if got, want := claims["auth_time"], float64(start.Unix()-60); got != want {
			t.Errorf("%s: auth_time is %v, want %v", kind, got, want)
		}
		if claims["acr"] != "phr" {
			t.Errorf("%s: acr is %v, want phr", kind, claims["acr"])
		}
		if diff := cmp.Diff([]any{"pop", "user", "mfa"}, claims["amr"]); diff != "" {
			t.Errorf("%s: amr (-want +got)\n%s", kind, diff)
		}
	}
}

func TestAnAccessTokenWithoutARequiredClaimIsNotSigned(t *testing.T) {
	r := newRing(t, newKey(t, token.ES256))
	for name, drop := range map[string]func(*token.AccessClaims){
		"iss":       func(c *token.AccessClaims) { c.Issuer = "" },
		"exp":       func(c *token.AccessClaims) { c.ExpiresAt = time.Time{} },
		"aud":       func(c *token.AccessClaims) { c.Audience = nil },
		"aud empty": func(c *token.AccessClaims) { c.Audience = []string{""} },
		"sub":       func(c *token.AccessClaims) { c.Subject = "" },
		"client_id": func(c *token.AccessClaims) { c.ClientID = "" },
		"iat":       func(c *token.AccessClaims) { c.IssuedAt = time.Time{} },
		"jti":       func(c *token.AccessClaims) { c.ID = "" },
	} {
		c := accessClaims()
		drop(&c)
		if tok, err := r.SignAccess(start, c); err == nil {
			t.Errorf("%s: got %s, want an error", name, tok)
		}
	}
}

func TestAnAccessTokenReadsBack(t *testing.T) {
	several := accessClaims()
	several.Audience = []string{"https://api.example", "https://files.example"}
	bare := accessClaims()
	bare.SessionID, bare.Scope, bare.KeyThumbprint, bare.AuthTime = "", "", "", time.Time{}
	markup := accessClaims()
	markup.Scope, markup.Subject = "a<b>&c", "\u2028\"\\"
	for _, alg := range algorithms() {
		r := newRing(t, newKey(t, alg))
		for name, want := range map[string]token.AccessClaims{
			"all of it": accessClaims(), "several audiences": several, "only what it must have": bare, "markup": markup,
		} {
			got, err := r.OpenAccess(start, signAccess(t, r, want), issuer)
			if err != nil {
				t.Fatalf("%s, %s: %v", alg, name, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s (-want +got)\n%s", alg, name, diff)
			}
		}
	}
}

func TestTheFormOfTheClaims(t *testing.T) {
	several := accessClaims()
	several.Audience = []string{"a", "b"}
	bare := accessClaims()
	bare.SessionID, bare.Scope, bare.KeyThumbprint, bare.AuthTime = "", "", "", time.Time{}
	r := newRing(t, newKey(t, token.EdDSA))
	_, claims := read(t, r, signAccess(t, r, several))
	if diff := cmp.Diff([]any{"a", "b"}, claims["aud"]); diff != "" {
		t.Errorf("several audiences are an array (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"jkt": accessClaims().KeyThumbprint}, claims["cnf"]); diff != "" {
		t.Errorf("cnf (-want +got)\n%s", diff)
	}
	_, claims = read(t, r, signAccess(t, r, bare))
	for _, name := range []string{"cnf", "sid", "scope", "auth_time"} {
		if got, ok := claims[name]; ok {
			t.Errorf("%s is %v, want none", name, got)
		}
	}
}

func TestAnEndedTokenOpens(t *testing.T) {
	r := newRing(t, newKey(t, token.ES256))
	if _, err := r.OpenAccess(start.Add(24*time.Hour), signAccess(t, r, accessClaims()), issuer); err != nil {
		t.Errorf("got %v, want its claims, to revoke it by", err)
	}
}

// forge signs a payload with any key and any header.
func forge(t testing.TB, alg jose.SignatureAlgorithm, key any, header map[jose.HeaderKey]any, payload []byte) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, &jose.SignerOptions{ExtraHeaders: header})
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// raw puts the parts of a token together, with no signature made.
func raw(header string, payload, signature []byte) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode(payload) + "." + encode(signature)
}

func payloadOf(t testing.TB, tok string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(tok, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTypMayBeWrittenInFull(t *testing.T) {
	k := newKey(t, token.ES256)
	r := newRing(t, k)
	payload := payloadOf(t, signAccess(t, r, accessClaims()))
	for _, typ := range []string{"at+jwt", "AT+JWT", "application/at+jwt", "application/AT+jwt"} {
		tok := forge(t, jose.ES256, private(t, k), map[jose.HeaderKey]any{"typ": typ, "kid": string(k.ID)}, payload)
		if _, err := r.OpenAccess(start, tok, issuer); err != nil {
			t.Errorf("%s: %v", typ, err)
		}
	}
}

func TestForgedAccessTokens(t *testing.T) {
	k, rs, stranger, ended := newKey(t, token.ES256), newKey(t, token.RS256), newKey(t, token.ES256), newKey(t, token.EdDSA)
	ended.SignsFrom, ended.ExpiresAt = start.Add(-time.Hour), start.Add(time.Minute)
	deriving := newDeriving(t)
	r := newRing(t, k, rs, ended, deriving)
	later := start.Add(time.Minute)

	payload := payloadOf(t, signAccess(t, r, accessClaims()))
	kid := string(k.ID)
	head := func(pairs ...any) map[jose.HeaderKey]any {
		h := map[jose.HeaderKey]any{"typ": "at+jwt", "kid": kid}
		for i := 0; i < len(pairs); i += 2 {
			h[jose.HeaderKey(pairs[i].(string))] = pairs[i+1]
		}
		return h
	}
	own := func(h map[jose.HeaderKey]any, payload []byte) string {
		return forge(t, jose.ES256, private(t, k), h, payload)
	}
	good := own(head(), payload)
	if _, err := r.OpenAccess(later, good, issuer); err != nil {
		t.Fatalf("the one that is not forged: %v", err)
	}
	parts := strings.Split(good, ".")
	public := private(t, k).Public()
	jwk, err := json.Marshal(jose.JSONWebKey{Key: public, KeyID: kid, Algorithm: "ES256", Use: "sig"})
	if err != nil {
		t.Fatal(err)
	}
	noKid := head()
	delete(noKid, "kid")
	noTyp := head()
	delete(noTyp, "typ")

	for name, tok := range map[string]string{
		"nothing":                      "",
		"two dots":                     "..",
		"an opaque token":              "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I",
		"alg none":                     raw(`{"alg":"none","typ":"at+jwt","kid":"`+kid+`"}`, payload, nil),
		"alg None":                     raw(`{"alg":"None","typ":"at+jwt","kid":"`+kid+`"}`, payload, nil),
		"no alg":                       raw(`{"typ":"at+jwt","kid":"`+kid+`"}`, payload, nil),
		"alg is a number":              raw(`{"alg":256,"typ":"at+jwt","kid":"`+kid+`"}`, payload, nil),
		"alg twice":                    raw(`{"alg":"ES256","alg":"none","typ":"at+jwt","kid":"`+kid+`"}`, payload, nil),
		"no signature":                 parts[0] + "." + parts[1] + ".",
		"a signature of zeros":         raw(`{"alg":"ES256","typ":"at+jwt","kid":"`+kid+`"}`, payload, make([]byte, 64)),
		"HMAC with the public JWK":     forge(t, jose.HS256, jwk, head(), payload),
		"HMAC with the deriving key":   forge(t, jose.HS256, deriving.Material, head("kid", string(deriving.ID)), payload),
		"a stranger's key":             forge(t, jose.ES256, private(t, stranger), head("kid", string(stranger.ID)), payload),
		"a stranger's key by our ID":   forge(t, jose.ES256, private(t, stranger), head(), payload),
		"a stranger's key, embedded":   forge(t, jose.ES256, private(t, stranger), head("jwk", jose.JSONWebKey{Key: private(t, stranger).Public()}), payload),
		"no kid":                       own(noKid, payload),
		"an empty kid":                 own(head("kid", ""), payload),
		"another of our keys' kid":     own(head("kid", string(rs.ID)), payload),
		"PS256 by the key of RS256":    forge(t, jose.PS256, private(t, rs), head("kid", string(rs.ID)), payload),
		"RS512 by the key of RS256":    forge(t, jose.RS512, private(t, rs), head("kid", string(rs.ID)), payload),
		"a key that has expired":       forge(t, jose.EdDSA, private(t, ended), head("kid", string(ended.ID)), payload),
		"an ID token":                  signID(t, r, idClaims(), ""),
		"typ JWT":                      own(head("typ", "JWT"), payload),
		"typ of a DPoP proof":          own(head("typ", "dpop+jwt"), payload),
		"no typ":                       own(noTyp, payload),
		"typ is a list":                own(head("typ", []string{"at+jwt"}), payload),
		"an extension that is needed":  own(head("crit", []string{"exp"}, "exp", 1), payload),
		"another payload":              parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"root"}`)) + "." + parts[2],
		"a fourth part":                good + ".x",
		"five parts, as if encrypted":  good + ".x.x",
		"a line end":                   parts[0] + ".\n" + parts[1] + "." + parts[2],
		"white space around it":        " " + good,
		"padding":                      good + "==",
		"the JSON form":                `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"the payload left out":         parts[0] + ".." + parts[2],
		"a payload that is no JSON":    own(head(), []byte("at+jwt")),
		"claims that are no object":    own(head(), []byte(`["iss"]`)),
		"claims of other kinds":        own(head(), []byte(`{"iss":"`+issuer+`","exp":"soon"}`)),
		"claims that are missing":      own(head(), []byte(`{"iss":"`+issuer+`"}`)),
		"an audience of numbers":       own(head(), []byte(strings.Replace(string(payload), `"https://api.example"`, `[1]`, 1))),
		"another issuer":               own(head(), []byte(strings.Replace(string(payload), issuer, issuer+"/", 1))),
		"more than is looked at":       own(head("x", strings.Repeat("x", 16<<10)), payload),
		"a header that goes very deep": raw(strings.Repeat(`{"a":`, 2000), payload, nil),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := r.OpenAccess(later, tok, issuer)
			if !errors.Is(err, token.ErrToken) {
				t.Fatalf("got %+v, %v; want %v", got, err, token.ErrToken)
			}
			if diff := cmp.Diff(token.AccessClaims{}, got); diff != "" {
				t.Errorf("claims came with the error: %s", diff)
			}
			if len(tok) > 10 && (strings.Contains(err.Error(), tok[:10]) || strings.Contains(err.Error(), tok[len(tok)-10:])) {
				t.Errorf("the error quotes the token: %v", err)
			}
		})
	}
}

func TestNoIssuerIsNobodysIssuer(t *testing.T) {
	k := newKey(t, token.ES256)
	r := newRing(t, k)
	tok := forge(t, jose.ES256, private(t, k), map[jose.HeaderKey]any{"typ": "at+jwt", "kid": string(k.ID)}, []byte(`{}`))
	if c, err := r.OpenAccess(start, tok, ""); !errors.Is(err, token.ErrToken) {
		t.Errorf("got %+v, %v; want %v", c, err, token.ErrToken)
	}
}

func FuzzOpenAccess(f *testing.F) {
	// A key that is the same in every process, so that what one found the next can use.
	k := rfc8037(f)
	r := newRing(f, k)
	want := accessClaims()
	good := signAccess(f, r, want)
	payload := payloadOf(f, good)
	parts := strings.Split(good, ".")
	for _, seed := range []string{
		good, "", "..", parts[0] + "." + parts[1] + ".", good + "=", good[:len(good)-1] + "B", signID(f, r, idClaims(), good),
		raw(`{"alg":"none","typ":"at+jwt","kid":"`+string(k.ID)+`"}`, payload, nil),
		raw(`{"alg":"EdDSA","typ":"at+jwt","kid":"`+string(k.ID)+`","crit":["b64"],"b64":false}`, payload, make([]byte, 64)),
		raw(`{"alg":"EdDSA","typ":null,"kid":7,"jwk":{"kty":"OKP"}}`, []byte(`{"aud":[]}`), []byte{1}),
		`{"payload":"","signatures":[{}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, tok string) {
		got, err := r.OpenAccess(start, tok, issuer)
		if err != nil {
			if !errors.Is(err, token.ErrToken) {
				t.Errorf("got %v, want %v", err, token.ErrToken)
			}
			return
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("a token opened that was never signed: %q\n%s", tok, diff)
		}
	})
}

func BenchmarkSignAccess(b *testing.B) {
	for _, alg := range algorithms() {
		b.Run(string(alg), func(b *testing.B) {
			r, c := newRing(b, newKey(b, alg)), accessClaims()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.SignAccess(start, c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpenAccess(b *testing.B) {
	for _, alg := range algorithms() {
		b.Run(string(alg), func(b *testing.B) {
			r := newRing(b, newKey(b, alg))
			tok := signAccess(b, r, accessClaims())
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.OpenAccess(start, tok, issuer); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
