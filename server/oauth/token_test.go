package oauth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// opened is a token as a stranger reads it, who has nothing but the JWK Set.
type opened struct {
	header jose.Header
	claims map[string]any
}

func (s *server) open(token string) opened {
	s.t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(s.send(http.MethodGet, wire.PathJWKS, "").body, &set); err != nil {
		s.t.Fatal(err)
	}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256})
	if err != nil {
		s.t.Fatalf("not a signed JWT: %v", err)
	}
	keys := set.Key(signed.Signatures[0].Header.KeyID)
	if len(keys) != 1 {
		s.t.Fatalf("the JWK Set has %d keys of the token's kid", len(keys))
	}
	payload, err := signed.Verify(keys[0])
	if err != nil {
		s.t.Fatal(err)
	}
	o := opened{header: signed.Signatures[0].Header}
	if err := json.Unmarshal(payload, &o.claims); err != nil {
		s.t.Fatal(err)
	}
	return o
}

func (o opened) typ() string { return o.header.ExtraHeaders[jose.HeaderType].(string) }

func TestTheAccessTokenIsOneOfRFC9068(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	began := s.Clock.Now().Unix()
	tok := a.signIn(nil)
	o := s.open(tok.AccessToken)
	if o.typ() != "at+jwt" || o.header.Algorithm != "ES256" || o.header.KeyID == "" {
		t.Errorf("the header: got typ %q, alg %q, kid %q", o.typ(), o.header.Algorithm, o.header.KeyID)
	}
	for name, want := range map[string]any{
		"iss": issuer, "aud": issuer, "client_id": "web", "sub": string(s.ada().User.ID), "scope": "openid profile offline_access", "acr": "phr",
	} {
		if o.claims[name] != want {
			t.Errorf("%s: got %v, want %v", name, o.claims[name], want)
		}
	}
	if id, _ := o.claims["jti"].(string); len(id) < 16 {
		t.Errorf("jti: got %q", id)
	}
	iat, exp := o.seconds("iat"), o.seconds("exp")
	if iat < began || exp-iat != int64(tok.ExpiresIn) || exp-iat > 3600 {
		t.Errorf("iat %d, exp %d; want a life of expires_in %d", iat, exp, tok.ExpiresIn)
	}
	if o.claims["cnf"] != nil {
		t.Errorf("cnf: got %v in a bearer token", o.claims["cnf"])
	}
}

func (o opened) seconds(name string) int64 {
	f, _ := o.claims[name].(float64)
	return int64(f)
}

// TestTokensTellHowThePersonWasVerified: at the sign-in and, unchanged, with each refresh.
func TestTokensTellHowThePersonWasVerified(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	code := a.approved(nil)
	proved := s.Clock.Now().Unix()
	s.Clock.Advance(20 * time.Second)
	first := a.tokens(a.redeem(code))
	s.Clock.Advance(time.Hour)
	second := a.tokens(a.refresh(first.RefreshToken, nil))
	for name, text := range map[string]string{
		"access token": first.AccessToken, "ID token": first.IDToken,
		"access token of a refresh": second.AccessToken, "ID token of a refresh": second.IDToken,
	} {
		o := s.open(text)
		amr, _ := o.claims["amr"].([]any)
		if !slices.Equal(amr, []any{"pop", "user", "mfa"}) || o.claims["acr"] != "phr" {
			t.Errorf("%s: got amr %v, acr %v", name, amr, o.claims["acr"])
		}
		if at := o.seconds("auth_time"); at < proved-5 || at > proved {
			t.Errorf("%s: auth_time %d, want when the passkey was touched, %d", name, at, proved)
		}
	}
}

func TestTheIDTokenIsTheClientsOwn(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	tok := a.signIn(url.Values{"nonce": {"n-0S6_WzA2Mj"}})
	o := s.open(tok.IDToken)
	if o.typ() != "JWT" {
		t.Errorf("typ: got %q, want one that no access token has", o.typ())
	}
	sum := sha256.Sum256([]byte(tok.AccessToken))
	for name, want := range map[string]any{
		"iss": issuer, "aud": "web", "nonce": "n-0S6_WzA2Mj", "sub": string(s.ada().User.ID),
		"at_hash": base64.RawURLEncoding.EncodeToString(sum[:16]), "sid": s.open(tok.AccessToken).claims["sid"],
	} {
		if o.claims[name] != want {
			t.Errorf("%s: got %v, want %v", name, o.claims[name], want)
		}
	}
	if got := a.userInfo(wire.Token{AccessToken: tok.IDToken, TokenType: "Bearer"}); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("an ID token for an access token: got %s, want 401", got.Status)
	}
}

func TestNoOpenIDScopeNoIDToken(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	if tok := a.signIn(url.Values{"scope": {"profile"}}); tok.IDToken != "" || tok.RefreshToken != "" || tok.Scope != "profile" {
		t.Errorf("got an ID token: %t, a refresh token: %t, scope %q; want none, none, profile", tok.IDToken != "", tok.RefreshToken != "", tok.Scope)
	}
}

// TestATokenThatWasTamperedWithIsRefused: also by who knows the public key.
func TestATokenThatWasTamperedWithIsRefused(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	good := a.signIn(nil).AccessToken
	parts := strings.Split(good, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	none := b64([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + parts[1] + "."
	for name, text := range map[string]string{
		"alg none":                 none,
		"alg none and a signature": none + parts[2],
		"another payload":          parts[0] + "." + b64([]byte(strings.Replace(string(payload), "openid", "openxd", 1))) + "." + parts[2],
		"no signature":             parts[0] + "." + parts[1] + ".",
		"a cut signature":          good[:len(good)-4],
		"a tail":                   good + "A",
		"padding":                  good + "=",
	} {
		got := s.send(http.MethodGet, wire.PathUserInfo, "", bearer(text))
		if got.StatusCode != http.StatusUnauthorized || !strings.Contains(got.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
			t.Errorf("%s: got %s %q, want 401 invalid_token", name, got.Status, got.Header.Get("WWW-Authenticate"))
		}
	}
}

func TestRefresh(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	first := a.signIn(url.Values{"nonce": {"n1"}})
	second := a.tokens(a.refresh(first.RefreshToken, nil))
	if second.RefreshToken == "" || second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken {
		t.Error("the refresh did not rotate the tokens")
	}
	for name, tok := range map[string]wire.Token{"old": first, "new": second} {
		if got := a.userInfo(tok); got.StatusCode != http.StatusOK {
			t.Errorf("the %s access token: got %s, want 200", name, got.Status)
		}
	}
	before, after := s.open(first.IDToken).claims, s.open(second.IDToken).claims
	for _, name := range []string{"iss", "sub", "aud", "auth_time", "sid"} { // OpenID Connect Core section 12.2
		if before[name] != after[name] {
			t.Errorf("%s of the ID token: got %v, want %v as before", name, after[name], before[name])
		}
	}
}

func TestTheReuseOfARefreshTokenEndsTheSession(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	stolen := a.signIn(nil)
	other := a.signIn(nil)
	thief := a.tokens(a.refresh(stolen.RefreshToken, nil))
	if got := a.refresh(stolen.RefreshToken, nil); got.StatusCode != http.StatusBadRequest || got.oauthError(t) != wire.CodeInvalidGrant {
		t.Errorf("the same again: got %s %s, want invalid_grant", got.Status, got.body)
	}
	if got := a.refresh(thief.RefreshToken, nil); got.StatusCode != http.StatusBadRequest || got.oauthError(t) != wire.CodeInvalidGrant {
		t.Errorf("the newest one: got %s %s, want invalid_grant", got.Status, got.body)
	}
	for name, tok := range map[string]wire.Token{"first": stolen, "thief's": thief} {
		if got := a.userInfo(tok); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("the %s access token: got %s, want 401", name, got.Status)
		}
	}
	if got := a.refresh(other.RefreshToken, nil); got.StatusCode != http.StatusOK {
		t.Errorf("another session of the same person: got %s, want 200", got.Status)
	}
	if strings.Contains(s.log.String(), stolen.RefreshToken) || strings.Contains(s.log.String(), thief.RefreshToken) {
		t.Error("the log has a refresh token")
	}
}

func TestARefreshMayAskForLessAndNeverForMore(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	first := a.signIn(url.Values{"scope": {"openid offline_access"}})
	for _, scope := range []string{"openid profile", "profile", "admin"} {
		if got := a.refresh(first.RefreshToken, url.Values{"scope": {scope}}); got.StatusCode != http.StatusBadRequest || got.oauthError(t) != wire.CodeInvalidScope {
			t.Errorf("scope %q: got %s %s, want invalid_scope", scope, got.Status, got.body)
		}
	}
	if got := a.refresh(first.RefreshToken, url.Values{"scope": {`a"b`}}); got.oauthError(t) != wire.CodeInvalidScope {
		t.Errorf("a scope with a quote: got %s, want invalid_scope", got.body)
	}
	narrow := a.tokens(a.refresh(first.RefreshToken, url.Values{"scope": {"offline_access"}})) // none of the refusals spent it
	if narrow.Scope != "offline_access" || narrow.IDToken != "" || s.open(narrow.AccessToken).claims["scope"] != "offline_access" {
		t.Errorf("got scope %q, an ID token: %t; want offline_access and none", narrow.Scope, narrow.IDToken != "")
	}
	if all := a.tokens(a.refresh(narrow.RefreshToken, nil)); all.Scope != "openid offline_access" {
		t.Errorf("the next one without scope: got %q, want all that was granted", all.Scope)
	}
}

func TestRefreshIsRefused(t *testing.T) {
	s := serve(t, budget.Limits{})
	a, back := s.web(), s.backend()
	tok := a.signIn(nil)
	family, _, _ := strings.Cut(tok.RefreshToken, ".")
	for name, got := range map[string]answer{
		"an unknown one":                 a.refresh("x.y", nil),
		"an access token in its place":   a.refresh(tok.AccessToken, nil),
		"its first half":                 a.refresh(family, nil),
		"its first half and a dot":       a.refresh(family+".", nil),
		"another client's":               back.refresh(tok.RefreshToken, nil),
		"with a third part":              a.refresh(tok.RefreshToken+".x", nil),
		"with a space (but not trimmed)": a.refresh(" "+tok.RefreshToken, nil),
	} {
		if code := got.oauthError(t); got.StatusCode != http.StatusBadRequest || code != wire.CodeInvalidGrant {
			t.Errorf("%s: got %s %s, want invalid_grant", name, got.Status, got.body)
		}
	}
	if got := a.refresh("", nil); got.oauthError(t) != wire.CodeInvalidRequest {
		t.Errorf("none at all: got %s, want invalid_request", got.body)
	}
	if got := a.refresh(tok.RefreshToken, nil); got.StatusCode != http.StatusOK {
		t.Errorf("the right one after all that: got %s %s, want 200", got.Status, got.body)
	}
}

func TestARefreshEndsWithTheSession(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	tok := a.signIn(nil)
	s.Clock.Advance(14 * 24 * time.Hour)
	if got := a.refresh(tok.RefreshToken, nil); got.oauthError(t) != wire.CodeInvalidGrant {
		t.Errorf("after the idle time: got %s, want invalid_grant", got.body)
	}
	tok = a.signIn(nil)
	disabled := s.ada().User
	disabled.Disabled = true
	s.Update(func(tx store.Tx) error { return tx.SetUser(disabled) })
	if got := a.refresh(tok.RefreshToken, nil); got.oauthError(t) != wire.CodeInvalidGrant {
		t.Errorf("of a disabled person: got %s, want invalid_grant", got.body)
	}
}

func TestGrantTypesThatThereAreNot(t *testing.T) {
	s := serve(t, budget.Limits{})
	web, back := s.web(), s.backend()
	for _, kind := range []string{
		"password", "client_credentials", "implicit", "token", "Refresh_Token", "authorization_code ", "refresh_token,password",
		"urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange",
		"urn:openid:params:grant-type:ciba", "<script>",
	} {
		for _, a := range []*app{web, back} {
			got := a.post(wire.PathToken, url.Values{
				"grant_type": {kind}, "username": {"ada"}, "password": {"hunter2"}, "scope": {"openid"}, "assertion": {"x"}, "subject_token": {"x"},
			})
			if code := got.oauthError(t); got.StatusCode != http.StatusBadRequest || code != wire.CodeUnsupportedGrantType {
				t.Errorf("%s by %s: got %s %s, want unsupported_grant_type", kind, a.id, got.Status, got.body)
			}
			if strings.Contains(string(got.body)+s.log.String(), "hunter2") {
				t.Error("the password is told on")
			}
		}
	}
}

func TestEveryAdvertisedGrantTypeYieldsTokens(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	first := a.signIn(nil)
	yields := map[string]func() answer{
		wire.GrantTypeDeviceCode: func() answer { return a.redeem(a.approved(nil)) },
		wire.GrantTypeCode:       func() answer { return a.exchange(a.code(a.query())) },
		wire.GrantTypeRefresh:    func() answer { return a.refresh(first.RefreshToken, nil) },
	}
	advertised := s.metadata().GrantTypesSupported
	if want := slices.Sorted(maps.Keys(yields)); !slices.Equal(slices.Sorted(slices.Values(advertised)), want) {
		t.Errorf("advertised: got %v, want %v", advertised, want)
	}
	for _, kind := range advertised {
		if got := yields[kind](); got.StatusCode != http.StatusOK {
			t.Errorf("%s: got %s %s, want 200", kind, got.Status, got.body)
		}
	}
}

func TestResources(t *testing.T) {
	s := serve(t, budget.Limits{})
	const files, mail = "https://files.example/api", "urn:example:mail"
	a := s.web(func(c *auth.Client) { c.Resources = []string{files, mail} })
	audience := func(tok wire.Token) any { return s.open(tok.AccessToken).claims["aud"] }
	both := a.signIn(url.Values{"resource": {files, mail, files, ""}})
	if got, ok := audience(both).([]any); !ok || !slices.Equal(got, []any{files, mail}) {
		t.Errorf("asked for two: got %v", audience(both))
	}
	if got := audience(a.tokens(a.refresh(both.RefreshToken, url.Values{"resource": {mail}}))); got != mail {
		t.Errorf("a refresh for one of them: got %v, want %s", got, mail)
	}
	one := a.signIn(url.Values{"resource": {files}})
	if got := audience(one); got != files {
		t.Errorf("asked for one: got %v, want %s", got, files)
	}
	if got := a.refresh(one.RefreshToken, url.Values{"resource": {mail}}); got.oauthError(t) != wire.CodeInvalidTarget {
		t.Errorf("a refresh for what was not granted: got %s, want invalid_target", got.body)
	}
	if got := audience(a.tokens(a.exchange(a.code(a.query("resource", mail)), "resource", mail))); got != mail {
		t.Errorf("by an authorization code: got %v, want %s", got, mail)
	}
}

func TestResourcesThatMayNotBeAskedFor(t *testing.T) {
	s := serve(t, budget.Limits{})
	const files = "https://files.example/api"
	a := s.web(func(c *auth.Client) { c.Resources = []string{files} })
	for name, list := range map[string][]string{
		"another's":       {"https://mail.example"},
		"one more":        {files, "https://mail.example"},
		"relative":        {"/api"},
		"no scheme":       {"//files.example/api"},
		"a fragment":      {files + "#x"},
		"an empty one":    {files + "#"},
		"another case":    {"https://files.example/API"},
		"a slash more":    {files + "/"},
		"not a URI":       {"https://files.example/%zz"},
		"a line end":      {files + "\n"},
		"a query on top":  {files + "?x"},
		"the issuer":      {issuer},
		"a path above it": {"https://files.example"},
	} {
		form := url.Values{"resource": list}
		for where, got := range map[string]answer{
			"device_authorization": a.post(wire.PathDeviceAuthorization, form),
			"token":                a.post(wire.PathToken, url.Values{"grant_type": {wire.GrantTypeDeviceCode}, "device_code": {a.approved(nil)}, "resource": list}),
		} {
			if code := got.oauthError(t); got.StatusCode != http.StatusBadRequest || code != wire.CodeInvalidTarget {
				t.Errorf("%s at %s: got %s %s, want invalid_target", name, where, got.Status, got.body)
			}
		}
	}
}

func TestTheAnswersOfTheTokenEndpointAreNeverStored(t *testing.T) {
	s := serve(t, budget.Limits{})
	a, bound := s.web(), s.app("web").bound()
	tok := a.signIn(nil)
	answers := map[string]answer{
		"tokens for a device code":         a.redeem(a.approved(nil)),
		"tokens for an authorization code": a.exchange(a.code(a.query())),
		"tokens for a refresh token":       a.refresh(tok.RefreshToken, nil),
		"a nonce that is missing":          bound.redeem("x"),
		"a proof that is wrong":            a.redeem("x", func(r *http.Request) { r.Header.Set("DPoP", "x") }),
		"an unknown code":                  a.redeem("x"),
		"a pending one":                    s.poll(s.begin(nil).DeviceCode),
		"an unknown client":                s.app("nobody").redeem("x"),
		"no grant type":                    a.post(wire.PathToken, nil),
		"no form":                          s.send(http.MethodPost, wire.PathToken, "{}"),
		"too large a form":                 a.post(wire.PathToken, url.Values{"x": {strings.Repeat("x", 1<<17)}}),
		"a device authorization":           a.post(wire.PathDeviceAuthorization, nil),
		"an introspection":                 s.backend().post(wire.PathIntrospect, url.Values{"token": {"x"}}),
		"a revocation":                     a.post(wire.PathRevoke, url.Values{"token": {"x"}}),
		"a person's name":                  a.userInfo(tok),
		"none":                             s.send(http.MethodGet, wire.PathUserInfo, ""),
		"an authorization request":         s.authorize(a.query()),
		"an authorization error":           s.authorize(a.query("scope", "admin")),
	}
	s.Service.Store = failing{s.Service.Store, store.ErrUnavailable}
	answers["a broken store"] = a.post(wire.PathDeviceAuthorization, nil)
	for name, got := range answers {
		if got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Pragma") != "no-cache" {
			t.Errorf("%s (%s): Cache-Control %q, Pragma %q; want no-store, no-cache", name, got.Status, got.Header.Get("Cache-Control"), got.Header.Get("Pragma"))
		}
	}
}

// TestParallelRequestsYieldOneSetOfTokens: of a code, and of a refresh token, that is
// bound to no key.
func TestParallelRequestsYieldOneSetOfTokens(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	code, refresh := a.code(a.query()), a.signIn(nil).RefreshToken
	for name, ask := range map[string]func() answer{
		"an authorization code": func() answer { app := *a; return app.exchange(code) },
		"a refresh token":       func() answer { app := *a; return app.refresh(refresh, nil) },
	} {
		var requests sync.WaitGroup
		var tokens, refused atomic.Int32
		for range 20 {
			requests.Go(func() {
				switch got := ask(); {
				case got.StatusCode == http.StatusOK:
					tokens.Add(1)
				case strings.Contains(string(got.body), wire.CodeInvalidGrant):
					refused.Add(1)
				default:
					t.Errorf("%s: got %s %s", name, got.Status, got.body)
				}
			})
		}
		requests.Wait()
		if tokens.Load() != 1 || refused.Load() != 19 {
			t.Errorf("%s: got %d sets of tokens and %d invalid_grant, want 1 and 19", name, tokens.Load(), refused.Load())
		}
	}
}
