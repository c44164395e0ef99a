package oauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/jws/jwstest"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// TestEveryAdvertisedWayToAuthenticateIsTaken: at all the endpoints that say so.
func TestEveryAdvertisedWayToAuthenticateIsTaken(t *testing.T) {
	s := serve(t, budget.Limits{})
	web := s.web()
	back, service := s.backend(), (*app)(nil)
	service, _ = s.service()
	post := *back
	post.authenticate = byForm(password)
	ways := map[string]*app{"none": web, "client_secret_basic": back, "client_secret_post": &post, "private_key_jwt": service}
	m := s.metadata()
	for endpoint, list := range map[string][]string{
		wire.PathToken: m.TokenAuthMethods, wire.PathRevoke: m.RevocationAuthMethods, wire.PathIntrospect: m.IntrospectionAuthMethods,
	} {
		for _, way := range list {
			a, ok := ways[way]
			if !ok {
				t.Fatalf("%s is advertised for %s, and nobody knows it", way, endpoint)
			}
			if got := a.post(endpoint, url.Values{"token": {"x"}, "grant_type": {wire.GrantTypeDeviceCode}, "device_code": {"x"}}); got.StatusCode == http.StatusUnauthorized {
				t.Errorf("%s at %s: got %s %s", way, endpoint, got.Status, got.body)
			}
		}
	}
	for way, a := range ways {
		if tok := a.signIn(nil); tok.AccessToken == "" {
			t.Errorf("%s: no access token", way)
		}
	}
}

func TestInvalidClientIs401WithAChallenge(t *testing.T) {
	s := serve(t, budget.Limits{})
	s.backend()
	s.service()
	s.web()
	other := func(*http.Request) {}
	header := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", value) }
	}
	raw := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	tests := []struct {
		name   string
		form   url.Values
		change func(*http.Request)
	}{
		{"an unknown client", url.Values{"client_id": {"nobody"}}, other},
		{"an unknown client by Basic", nil, basicAuth("nobody", password)},
		{"an unknown client by the form", url.Values{"client_id": {"nobody"}, "client_secret": {password}}, other},
		{"a wrong secret by Basic", nil, basicAuth("back end", "guess")},
		{"a wrong secret by the form", url.Values{"client_id": {"back end"}, "client_secret": {"guess"}}, other},
		{"no secret", url.Values{"client_id": {"back end"}}, other},
		{"an empty secret by Basic", nil, basicAuth("back end", "")},
		{"an empty secret by the form", url.Values{"client_id": {"back end"}, "client_secret": {""}}, other},
		{"the hash of the secret", nil, basicAuth("back end", secret.From(password).Hash().String())},
		{"Basic that was not form-encoded", nil, header(raw("back end:" + password))},
		{"Basic with a broken encoding", nil, header(raw("back%2:x"))},
		{"Basic that is no base64", nil, header("Basic !")},
		{"Basic without a colon", nil, header(raw("back+end"))},
		{"Basic with nothing", nil, header("Basic")},
		{"another scheme", url.Values{"client_id": {"back end"}}, header("Bearer " + password)},
		{"Basic for one client and client_id of another", url.Values{"client_id": {"web"}}, basicAuth("back end", password)},
		{"the secret of another client", nil, basicAuth("service", password)},
		{"a public client with a secret", nil, basicAuth("web", password)},
		{"a client with a key and nothing more", url.Values{"client_id": {"service"}}, other},
		{"an assertion that is none", url.Values{"client_assertion": {"x"}, "client_assertion_type": {wire.AssertionTypeJWT}}, other},
	}
	for _, path := range []string{wire.PathToken, wire.PathDeviceAuthorization, wire.PathRevoke, wire.PathIntrospect} {
		for _, tt := range tests {
			t.Run(path+" "+tt.name, func(t *testing.T) {
				form := url.Values{"grant_type": {wire.GrantTypeDeviceCode}, "device_code": {"x"}, "token": {"x"}}
				for name, list := range tt.form {
					form[name] = list
				}
				a := s.post(path, form, tt.change)
				if got := a.oauthError(t); a.StatusCode != http.StatusUnauthorized || got != wire.CodeInvalidClient {
					t.Errorf("got %s %s, want 401 invalid_client", a.Status, a.body)
				}
				if got := a.Header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Basic realm=") {
					t.Errorf("WWW-Authenticate: got %q, want Basic", got)
				}
				for _, sensitive := range []string{password, "guess", secret.From(password).Hash().String()} {
					if strings.Contains(string(a.body), sensitive) || strings.Contains(s.log.String(), sensitive) {
						t.Errorf("%q is told on: %s", sensitive, a.body)
					}
				}
			})
		}
	}
}

func TestAuthenticatingTwiceIsRefused(t *testing.T) {
	s := serve(t, budget.Limits{})
	s.backend()
	service, key := s.service()
	assertion := func() string {
		return jwstest.Sign(t, "ES256", key, `{"alg":"ES256"}`, marshal(t, service.claims()))
	}
	basic := basicAuth("back end", password)
	twice := func(r *http.Request) {
		basic(r)
		r.Header.Add("Authorization", r.Header.Get("Authorization"))
	}
	form := func(kv ...string) url.Values {
		v := url.Values{"device_code": {"x"}, "grant_type": {wire.GrantTypeDeviceCode}}
		for i := 0; i < len(kv); i += 2 {
			v.Add(kv[i], kv[i+1])
		}
		return v
	}
	for name, got := range map[string]answer{
		"by the header and the form":     s.post(wire.PathToken, form("client_secret", password), basic),
		"by the header and an assertion": s.post(wire.PathToken, form("client_assertion", assertion(), "client_assertion_type", wire.AssertionTypeJWT), basic),
		"by the form and an assertion": s.post(wire.PathToken, form("client_id", "service", "client_secret", password,
			"client_assertion", assertion(), "client_assertion_type", wire.AssertionTypeJWT)),
		"by two headers":    s.post(wire.PathToken, form(), twice),
		"by two secrets":    s.post(wire.PathToken, form("client_id", "back end", "client_secret", password, "client_secret", "x")),
		"by two client_ids": s.post(wire.PathToken, form("client_id", "back end", "client_id", "web", "client_secret", password)),
		"by two assertions": s.post(wire.PathToken, form("client_assertion", assertion(), "client_assertion", assertion(), "client_assertion_type", wire.AssertionTypeJWT)),
	} {
		if code := got.oauthError(t); got.StatusCode != http.StatusBadRequest || code != wire.CodeInvalidRequest {
			t.Errorf("%s: got %s %s, want 400 invalid_request", name, got.Status, got.body)
		}
	}
}

func TestASecretEndsInItsTime(t *testing.T) {
	s := serve(t, budget.Limits{})
	back := s.backend(func(c *auth.Client) {
		c.Secrets = append(c.Secrets, auth.ClientSecret{Hash: secret.From("next").Hash()})
		c.Secrets[0].ExpiresAt = s.Clock.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	})
	next := *back
	next.authenticate = byBasic(back.id, "next")
	if back.signIn(nil).AccessToken == "" || next.signIn(nil).AccessToken == "" {
		t.Error("one of the two secrets does not work")
	}
	s.Clock.Advance(time.Hour)
	if got := back.post(wire.PathDeviceAuthorization, nil); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("the old one, after its time: got %s, want 401", got.Status)
	}
	if got := next.post(wire.PathDeviceAuthorization, nil); got.StatusCode != http.StatusOK {
		t.Errorf("the new one: got %s, want 200", got.Status)
	}
}

func TestAnAssertionMayBeMeantForTheIssuerOrTheEndpoint(t *testing.T) {
	s := serve(t, budget.Limits{})
	a, key := s.service()
	for _, path := range []string{wire.PathToken, wire.PathDeviceAuthorization, wire.PathIntrospect, wire.PathRevoke} {
		for audience, good := range map[any]bool{
			issuer:                  true,
			issuer + wire.PathToken: true,
			issuer + path:           true,
			issuer + "/":            false,
			s.URL:                   false, // what the Host header would make of it
			s.URL + path:            false,
			"https://other.example": false,
			"":                      false,
		} {
			claims := a.claims()
			claims["aud"] = []any{issuer, audience}
			got := s.post(path, asserted(jwstest.Sign(t, "ES256", key, `{"alg":"ES256"}`, marshal(t, claims))))
			if taken := got.StatusCode != http.StatusUnauthorized; taken != good {
				t.Errorf("aud %q at %s: got %s %s, want it taken: %t", audience, path, got.Status, got.body, good)
			}
		}
	}
}

// asserted is a form that an assertion authenticates, for any endpoint.
func asserted(assertion string) url.Values {
	return url.Values{
		"client_assertion": {assertion}, "client_assertion_type": {wire.AssertionTypeJWT},
		"grant_type": {wire.GrantTypeDeviceCode}, "device_code": {"x"}, "token": {"x"},
	}
}

func TestAnAssertionWorksOnce(t *testing.T) {
	s := serve(t, budget.Limits{})
	a, key := s.service()
	form := asserted(jwstest.Sign(t, "ES256", key, `{"alg":"ES256"}`, marshal(t, a.claims())))
	if got := s.post(wire.PathDeviceAuthorization, form); got.StatusCode != http.StatusOK {
		t.Fatalf("the first use: got %s %s, want 200", got.Status, got.body)
	}
	for _, path := range []string{wire.PathDeviceAuthorization, wire.PathToken, wire.PathIntrospect} {
		if got := s.post(path, form); got.StatusCode != http.StatusUnauthorized || got.oauthError(t) != wire.CodeInvalidClient {
			t.Errorf("again at %s: got %s %s, want invalid_client", path, got.Status, got.body)
		}
	}
}

func TestAnAssertionIsRefused(t *testing.T) {
	s := serve(t, budget.Limits{})
	a, key := s.service()
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s.web()
	with := func(kv ...any) string {
		c := a.claims()
		for i := 0; i < len(kv); i += 2 {
			if c[kv[i].(string)] = kv[i+1]; kv[i+1] == nil {
				delete(c, kv[i].(string))
			}
		}
		return marshal(t, c)
	}
	sign := func(header, payload string) string { return jwstest.Sign(t, "ES256", key, header, payload) }
	const es256 = `{"alg":"ES256"}`
	now := s.Clock.Now()
	tests := []struct {
		name string
		form url.Values
	}{
		{"another's signature", asserted(jwstest.Sign(t, "ES256", stranger, es256, with()))},
		{"no signature", asserted(jwstest.Sign(t, "none", nil, `{"alg":"none"}`, with()))},
		{"a MAC by the public key", asserted(jwstest.Sign(t, "HS256", []byte(jwstest.JWK(t, key)), `{"alg":"HS256"}`, with()))},
		{"its own key in the header", asserted(jwstest.Sign(t, "ES256", stranger, `{"alg":"ES256","jwk":`+jwstest.JWK(t, stranger)+`}`, with()))},
		{"a crit", asserted(sign(`{"alg":"ES256","crit":["exp"]}`, with()))},
		{"a DPoP proof's typ", asserted(sign(`{"alg":"ES256","typ":"dpop+jwt"}`, with()))},
		{"another iss", asserted(sign(es256, with("iss", "web")))},
		{"another sub", asserted(sign(es256, with("sub", "web")))},
		{"both of a public client", asserted(sign(es256, with("iss", "web", "sub", "web")))},
		{"both of nobody", asserted(sign(es256, with("iss", "nobody", "sub", "nobody")))},
		{"no exp", asserted(sign(es256, with("exp", nil)))},
		{"an exp in the past", asserted(sign(es256, with("exp", now.Add(-2*time.Minute).Unix())))},
		{"an exp far ahead", asserted(sign(es256, with("exp", now.Add(24*time.Hour).Unix())))},
		{"an nbf ahead", asserted(sign(es256, with("nbf", now.Add(time.Hour).Unix())))},
		{"no jti", asserted(sign(es256, with("jti", nil)))},
		{"no aud", asserted(sign(es256, with("aud", nil)))},
		{"no type", url.Values{"client_assertion": {sign(es256, with())}}},
		{"another type", url.Values{"client_assertion": {sign(es256, with())}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}}},
		{"a type and no assertion", url.Values{"client_id": {"service"}, "client_assertion_type": {wire.AssertionTypeJWT}}},
		{"the client_id of another", url.Values{"client_id": {"web"}, "client_assertion": {sign(es256, with())}, "client_assertion_type": {wire.AssertionTypeJWT}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := s.post(wire.PathDeviceAuthorization, tt.form)
			if code := got.oauthError(t); got.StatusCode != http.StatusUnauthorized || code != wire.CodeInvalidClient {
				t.Errorf("got %s %s, want 401 invalid_client", got.Status, got.body)
			}
			text := tt.form.Get("client_assertion")
			if text != "" && (strings.Contains(string(got.body), text) || strings.Contains(s.log.String(), text)) {
				t.Errorf("the assertion is told on: %s", got.body)
			}
		})
	}
}
