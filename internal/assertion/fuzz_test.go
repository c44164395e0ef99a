package assertion_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/assertion"
	"github.com/qrauthd/qrauthd/internal/jws/jwstest"
)

// FuzzVerify looks for a panic, and for an assertion that is taken without being
// what it must be. One that is taken is so again, and refused for anybody else.
func FuzzVerify(f *testing.F) {
	forger := newForger(f)
	want := forger.expect()
	for _, claims := range []members{nil, {"aud": []string{endpoint}}, {"nbf": 1}, {"exp": 1.8e9}, {"aud": 1}} {
		f.Add(forger.assertion(nil, claims), want.Keys, client, issuer, now.Unix())
	}
	f.Add(forger.assertion(members{"kid": "x"}, nil), want.Keys, client, issuer, now.Unix())
	f.Add(jwstest.Sign(f, "none", nil, `{"alg":"none"}`, `{}`), []byte(nil), "", "", int64(0))
	f.Fuzz(func(t *testing.T, text string, keys []byte, clientID, audience string, at int64) {
		if at < 0 || at > 1<<36 {
			return
		}
		now := time.Unix(at, 0)
		want := assertion.Expect{ClientID: clientID, Audiences: []string{audience}, Keys: keys}
		a, err := assertion.Verify(now, text, want)
		if err != nil {
			if a != (assertion.Assertion{}) {
				t.Fatalf("refused, and yet %+v", a)
			}
			return
		}
		if subject, err := assertion.Subject(text); err != nil || subject != clientID || clientID == "" {
			t.Fatalf("the subject is %q, %v; it is taken for %q", subject, err, clientID)
		}
		if a.ReplayKey().IsZero() || !a.Expires().After(now) || a.Expires().After(now.Add(2*assertion.MaxLife)) {
			t.Fatalf("%q is taken as %+v at %s", text, a, now)
		}
		if again, err := assertion.Verify(now, text, want); err != nil || again != a {
			t.Fatalf("again: got %+v, %v; want %+v", again, err, a)
		}
		for name, other := range map[string]assertion.Expect{
			"another client": {ClientID: clientID + "x", Audiences: want.Audiences, Keys: keys},
			"no audience":    {ClientID: clientID, Keys: keys},
			"other keys":     {ClientID: clientID, Audiences: want.Audiences, Keys: newForger(t).expect().Keys},
		} {
			if _, err := assertion.Verify(now, text, other); err == nil {
				t.Fatalf("taken for %s too", name)
			}
		}
	})
}

// FuzzClaims signs whatever header and claims, and reads those that are taken with
// another decoder: it must find in them what was asked for.
func FuzzClaims(f *testing.F) {
	forger := newForger(f)
	want := forger.expect()
	add := func(header, claims members) {
		f.Add(forger.header.with(header), forger.claims.with(claims))
	}
	add(nil, nil)
	add(members{"typ": nil, "kid": "x"}, members{"aud": []string{"x", endpoint}, "nbf": 1})
	add(members{"b64": false, "crit": []string{"b64"}}, members{"exp": 1.8000001e9, "iat": nil})
	add(members{"jwk": nil, "jku": "x"}, members{"aud": nil, "jti": 1})
	f.Fuzz(func(t *testing.T, header, payload string) {
		text := jwstest.Sign(t, "ES256", forger.key, header, payload)
		if _, err := assertion.Verify(now, text, want); err != nil {
			return
		}
		var h, c map[string]any
		if err := errors.Join(json.Unmarshal([]byte(header), &h), json.Unmarshal([]byte(payload), &c)); err != nil {
			t.Fatalf("%s.%s is taken: %v", header, payload, err)
		}
		if h["alg"] != "ES256" || h["crit"] != nil || h["b64"] != nil {
			t.Fatalf("the header %s is taken", header)
		}
		audiences, ok := c["aud"].([]any)
		if !ok {
			audiences = []any{c["aud"]}
		}
		if !slices.Contains(audiences, any(issuer)) && !slices.Contains(audiences, any(endpoint)) {
			t.Fatalf("the audience of %s is taken", payload)
		}
		if c["iss"] != client || c["sub"] != client || c["jti"] == nil || c["jti"] == "" || c["exp"] == nil {
			t.Fatalf("the claims %s are taken", payload)
		}
	})
}

// FuzzParseKeys wants what is taken to be public, few, and to read back the same.
func FuzzParseKeys(f *testing.F) {
	forger := newForger(f)
	jwk := jwstest.JWK(f, forger.key)
	f.Add([]byte(jwk))
	f.Add([]byte(`{"keys":[` + jwk + `,{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"1"}]}`))
	f.Add([]byte(strings.Replace(jwk, "{", `{"use":"enc","d":"AAAA",`, 1)))
	f.Add([]byte(block("PUBLIC KEY", pkix(f, forger.key.Public()))))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := assertion.ParseKeys(text)
		if err != nil {
			if set != nil {
				t.Fatalf("refused, and yet %s", set)
			}
			return
		}
		keys := read(t, set).Keys
		if len(keys) == 0 || len(keys) > 16 {
			t.Fatalf("%q is taken as %d keys", text, len(keys))
		}
		for _, k := range keys {
			for name := range k {
				if !strings.Contains(" kty use alg kid crv x y n e ", " "+name+" ") {
					t.Fatalf("%q is taken with the member %s: %s", text, name, set)
				}
			}
		}
		if again, err := assertion.ParseKeys(set); err != nil || !bytes.Equal(again, set) {
			t.Fatalf("%s reads back as %s, %v", set, again, err)
		}
	})
}
