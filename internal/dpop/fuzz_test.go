package dpop_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/jws/jwstest"
)

// FuzzVerify looks for a panic, and for a proof that is taken without being what
// it must be. A proof that is taken is taken again, and refused for anything else.
func FuzzVerify(f *testing.F) {
	forger := newForger(f)
	f.Add(forger.proof(nil, nil), "POST", atToken.URL, "", now.Unix())
	f.Add(forger.proof(nil, members{"htu": "HTTPS://login.example:443/%74oken?x#y"}), "POST", atToken.URL, "", now.Unix())
	f.Add(forger.proof(members{"crit": []string{"b64"}, "b64": false}, nil), "POST", atToken.URL, "", now.Unix())
	f.Add(rfcTokenProof, "POST", "https://server.example.com/token", "", int64(1562262616))
	f.Add(rfcResourceProof, "GET", "https://resource.example.org/protectedresource", rfcAccessToken, int64(1562262618))
	f.Fuzz(func(t *testing.T, proof, method, url, accessToken string, at int64) {
		if at < 0 || at > 1<<36 {
			return
		}
		now := time.Unix(at, 0)
		want := dpop.Expect{Method: method, URL: url, AccessToken: accessToken}
		p, err := dpop.Verify(now, []string{proof}, want)
		if err != nil {
			if p != (dpop.Proof{}) {
				t.Fatalf("refused, and yet %+v", p)
			}
			return
		}
		wantWhole(t, p, proof, now)
		if again, err := dpop.Verify(now, []string{proof}, want); err != nil || again != p {
			t.Fatalf("again: got %+v, %v; want %+v", again, err, p)
		}
		for name, other := range map[string]dpop.Expect{
			"another method": {Method: method + "X", URL: url, AccessToken: accessToken},
			"another host":   {Method: method, URL: "https://other.invalid/other", AccessToken: accessToken},
			"another token":  {Method: method, URL: url, AccessToken: accessToken + "x"},
		} {
			if _, err := dpop.Verify(now, []string{proof}, other); err == nil {
				t.Fatalf("taken for %s too", name)
			}
		}
	})
}

func wantWhole(t *testing.T, p dpop.Proof, proof string, now time.Time) {
	t.Helper()
	if len(p.Thumbprint) != 43 || p.ReplayKey().IsZero() || strings.Count(proof, ".") != 2 {
		t.Fatalf("%q is taken as %+v", proof, p)
	}
	if p.IssuedAt.After(now.Add(dpop.Skew)) || p.IssuedAt.Before(now.Add(-dpop.MaxAge)) || !p.Expires().After(now) {
		t.Fatalf("issued at %s and expiring at %s, it is taken at %s", p.IssuedAt, p.Expires(), now)
	}
}

// FuzzClaims signs whatever header and claims, and reads those that are taken with
// another decoder: it must find in them what was asked for.
func FuzzClaims(f *testing.F) {
	forger := newForger(f)
	jwk := jwstest.JWK(f, forger.key)
	add := func(header, claims members) {
		f.Add(forger.header.with(header), forger.claims.with(claims))
	}
	add(nil, nil)
	add(members{"kid": "x", "x5c": []string{"AAAA"}}, members{"nonce": "n1", "exp": 1.8e9, "nbf": 1})
	add(members{"typ": "DPOP+JWT"}, members{"htu": "https://LOGIN.example:443/%74oken", "iat": 1.79999999e9})
	add(members{"b64": false, "crit": []string{"b64"}}, members{"ath": "", "jti": "\xff"})
	f.Fuzz(func(t *testing.T, header, payload string) {
		// The key of this process, in whatever header another one found.
		header = regexp.MustCompile(`"jwk":\{[^}]*\}`).ReplaceAllLiteralString(header, `"jwk":`+jwk)
		proof := jwstest.Sign(t, "ES256", forger.key, header, payload)
		p, err := dpop.Verify(now, []string{proof}, atToken)
		if err != nil {
			return
		}
		wantWhole(t, p, proof, now)
		var h, c map[string]any
		if err := errors.Join(json.Unmarshal([]byte(header), &h), json.Unmarshal([]byte(payload), &c)); err != nil {
			t.Fatalf("%s.%s is taken: %v", header, payload, err)
		}
		if h["alg"] != "ES256" || h["crit"] != nil || h["b64"] != nil {
			t.Fatalf("the header %s is taken", header)
		}
		if c["htm"] != atToken.Method || c["jti"] == nil || c["jti"] == "" || c["iat"] == nil || c["ath"] != nil {
			t.Fatalf("the claims %s are taken", payload)
		}
	})
}

// FuzzProve wants a proof that is made for any address to be taken there.
func FuzzProve(f *testing.F) {
	f.Add("POST", "https://login.example/token", "", "")
	f.Add("GET", "HTTP://[::1]:80/a/../%7e%2f//b/./?q#f", rfcAccessToken, "n1")
	key := newKey(f)
	f.Fuzz(func(t *testing.T, method, url, accessToken, nonce string) {
		proof, err := key.Prove(now, dpop.Request{Method: method, URL: url, AccessToken: accessToken, Nonce: nonce})
		valid := strings.ToValidUTF8(method+nonce, "") == method+nonce // what JSON can say
		if err != nil || len(proof) > 8<<10 || !valid {
			return
		}
		p, err := dpop.Verify(now, []string{proof}, dpop.Expect{Method: method, URL: url, AccessToken: accessToken})
		if err != nil || p.Nonce != nonce || p.Thumbprint != key.Thumbprint() {
			t.Fatalf("got %+v, %v; want the nonce %q of %s", p, err, nonce, key.Thumbprint())
		}
	})
}
