package oauth_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/wire"
)

const inactive = `{"active":false}`

// introspect is what the client is told of the token.
func (a *app) introspect(tok string) string {
	a.t.Helper()
	got := a.post(wire.PathIntrospect, url.Values{"token": {tok}})
	if got.StatusCode != http.StatusOK {
		a.t.Fatalf("introspect: %s %s", got.Status, got.body)
	}
	return strings.TrimSpace(string(got.body))
}

func TestIntrospection(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.backend().bound()
	tok := a.signIn(nil)
	says := func(text string) (m map[string]any) {
		if err := json.Unmarshal([]byte(a.introspect(text)), &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	access := s.open(tok.AccessToken).claims
	got := says(tok.AccessToken)
	want := map[string]any{
		"active": true, "scope": tok.Scope, "client_id": a.id, "token_type": "DPoP", "aud": []any{issuer},
		"iss": issuer, "sub": string(s.ada().User.ID), "cnf": map[string]any{"jkt": a.key.Thumbprint()},
	}
	for _, name := range []string{"exp", "iat", "jti", "sid"} {
		want[name] = access[name]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("of an access token (-want +got):\n%s", diff)
	}
	of := says(tok.RefreshToken)
	if of["active"] != true || of["client_id"] != a.id || of["token_type"] != nil || of["sub"] != want["sub"] {
		t.Errorf("of a refresh token: got %v", of)
	}
}

func TestOnlyWhoAuthenticatesMayIntrospect(t *testing.T) {
	s := serve(t, budget.Limits{})
	web, back := s.web(), s.backend()
	tok := web.signIn(nil)
	for name, got := range map[string]answer{
		"a public client":        web.post(wire.PathIntrospect, url.Values{"token": {tok.AccessToken}}),
		"who says nothing":       s.post(wire.PathIntrospect, url.Values{"token": {tok.AccessToken}}),
		"nobody":                 s.post(wire.PathIntrospect, url.Values{"token": {tok.AccessToken}, "client_id": {"nobody"}}),
		"a wrong secret":         s.post(wire.PathIntrospect, url.Values{"token": {tok.AccessToken}}, basicAuth("back end", "guess")),
		"the token for a secret": s.post(wire.PathIntrospect, url.Values{"token": {tok.AccessToken}}, bearer(tok.AccessToken)),
	} {
		if got.StatusCode != http.StatusUnauthorized || got.oauthError(t) != wire.CodeInvalidClient || strings.Contains(string(got.body), "active") {
			t.Errorf("%s: got %s %s, want 401 invalid_client", name, got.Status, got.body)
		}
	}
	if got := back.post(wire.PathIntrospect, nil); got.oauthError(t) != wire.CodeInvalidRequest {
		t.Errorf("no token: got %s, want invalid_request", got.body)
	}
}

func TestAnInactiveTokenSaysNothingElse(t *testing.T) {
	s := serve(t, budget.Limits{})
	a, web := s.backend(), s.web()
	foreign, own, rotated := web.signIn(nil), a.signIn(nil), a.signIn(nil)
	next := a.tokens(a.refresh(rotated.RefreshToken, nil))
	family, _, _ := strings.Cut(own.RefreshToken, ".")
	for name, tok := range map[string]string{
		"an unknown one":                 "x",
		"another client's access token":  foreign.AccessToken,
		"another client's refresh token": foreign.RefreshToken,
		"an ID token":                    own.IDToken,
		"a refresh token that was spent": rotated.RefreshToken,
		"half a refresh token":           family,
		"a forged refresh token":         family + ".guess",
		"a tampered one":                 own.AccessToken[:len(own.AccessToken)-3],
		"a device code":                  s.begin(nil).DeviceCode,
		"a huge one":                     strings.Repeat("x", 12<<10),
	} {
		if got := a.introspect(tok); got != inactive {
			t.Errorf("%s: got %s, want %s", name, got, inactive)
		}
	}
	if got := a.introspect(next.RefreshToken); got == inactive {
		t.Error("to look at a spent token ended its session")
	}
	s.Clock.Advance(time.Duration(own.ExpiresIn) * time.Second)
	if got := a.introspect(own.AccessToken); got != inactive {
		t.Errorf("an expired one: got %s, want %s", got, inactive)
	}
}

// TestAResourceServerMayAskForItsOwnTokens: of other clients too, and of no others.
func TestAResourceServerMayAskForItsOwnTokens(t *testing.T) {
	s := serve(t, budget.Limits{})
	const files, mail = "https://files.example", "https://mail.example"
	web := s.web(func(c *auth.Client) { c.Resources = []string{files, mail} })
	api := s.backend(func(c *auth.Client) { c.Introspects = []string{files} })
	forFiles, forMail := web.signIn(url.Values{"resource": {files}}), web.signIn(url.Values{"resource": {mail}})
	if got := api.introspect(forFiles.AccessToken); !strings.Contains(got, `"active":true`) || !strings.Contains(got, `"client_id":"web"`) {
		t.Errorf("a token for it: got %s, want active", got)
	}
	for name, tok := range map[string]string{"a token for another": forMail.AccessToken, "a refresh token": forFiles.RefreshToken} {
		if got := api.introspect(tok); got != inactive {
			t.Errorf("%s: got %s, want %s", name, got, inactive)
		}
	}
}

func TestARevocationEndsAllTokensOfTheSession(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.backend()
	for name, pick := range map[string]func(wire.Token) string{
		"by the refresh token": func(t wire.Token) string { return t.RefreshToken },
		"by the access token":  func(t wire.Token) string { return t.AccessToken },
	} {
		for _, hint := range []string{"", "refresh_token", "access_token", "nonsense"} {
			tok := a.signIn(nil)
			got := a.post(wire.PathRevoke, url.Values{"token": {pick(tok)}, "token_type_hint": {hint}})
			if got.StatusCode != http.StatusOK || len(got.body) != 0 {
				t.Errorf("%s, hint %q: got %s %q, want 200 and nothing", name, hint, got.Status, got.body)
			}
			if a.introspect(tok.AccessToken) != inactive || a.introspect(tok.RefreshToken) != inactive {
				t.Errorf("%s, hint %q: a token is still active", name, hint)
			}
			if got := a.userInfo(tok); got.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s, hint %q: userinfo: got %s, want 401", name, hint, got.Status)
			}
			if got := a.refresh(tok.RefreshToken, nil); got.oauthError(t) != wire.CodeInvalidGrant {
				t.Errorf("%s, hint %q: refresh: got %s, want invalid_grant", name, hint, got.body)
			}
		}
	}
}

func TestARefreshTokenThatWasSpentStillRevokes(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	first := a.signIn(nil)
	second := a.tokens(a.refresh(first.RefreshToken, nil))
	a.post(wire.PathRevoke, url.Values{"token": {first.RefreshToken}})
	if got := a.userInfo(second); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("got %s, want 401: the session is one", got.Status)
	}
}

func TestAnotherClientsTokenIsNotRevoked(t *testing.T) {
	s := serve(t, budget.Limits{})
	a, thief := s.web(), s.backend()
	tok, waiting := a.signIn(nil), a.approved(nil)
	code := a.code(a.query())
	for name, text := range map[string]string{
		"a refresh token": tok.RefreshToken, "an access token": tok.AccessToken, "a device code": waiting,
		"an authorization code": code, "an unknown one": "x", "a huge one": strings.Repeat("x", 12<<10), "dots": "..",
	} {
		if got := thief.post(wire.PathRevoke, url.Values{"token": {text}}); got.StatusCode != http.StatusOK || len(got.body) != 0 {
			t.Errorf("%s: got %s %q, want 200 and nothing", name, got.Status, got.body)
		}
	}
	for name, got := range map[string]answer{
		"the access token": a.userInfo(tok), "the refresh token": a.refresh(tok.RefreshToken, nil),
		"the device code": a.redeem(waiting), "the authorization code": a.exchange(code),
	} {
		if got.StatusCode != http.StatusOK {
			t.Errorf("%s afterwards: got %s %s, want 200", name, got.Status, got.body)
		}
	}
}

func TestARevocationWithoutATokenIsRefused(t *testing.T) {
	s := serve(t, budget.Limits{})
	if got := s.web().post(wire.PathRevoke, nil); got.StatusCode != http.StatusBadRequest || got.oauthError(t) != wire.CodeInvalidRequest {
		t.Errorf("got %s %s, want invalid_request", got.Status, got.body)
	}
}
