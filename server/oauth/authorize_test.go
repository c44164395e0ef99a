package oauth_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/wire"
	"github.com/qrauthd/qrauthd/mobileweb"
)

func TestAnAuthorizationRequestPutsAQuestion(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	got := s.authorize(a.query("scope", "openid", "nonce", "n1", "device_name", "ALICE-PC", "unknown", "ignored"))
	id, times := last(s.pages, asked)
	if got.StatusCode != http.StatusOK || got.Header.Get("Location") != "" || times != 1 {
		t.Fatalf("got %s to %q, %d questions; want one question", got.Status, got.Header.Get("Location"), times)
	}
	g, err := s.Service.Grant(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if g.ClientID != "web" || g.Scopes.String() != "openid" || g.Nonce != "n1" || g.Device.Name != "ALICE-PC" || g.Origin != logintest.Home || g.State != grant.Pending {
		t.Errorf("the grant: got %s, scope %s, nonce %q, device %q, from %s, %s", g.ClientID, g.Scopes, g.Nonce, g.Device.Name, g.Origin, g.State)
	}
}

// TestAnAuthorizationCodeFlow is the whole of it: the tokens are those of the person
// who approved, and the nonce and the state come back as they were sent.
func TestAnAuthorizationCodeFlow(t *testing.T) {
	s := serve(t, budget.Limits{})
	for name, a := range map[string]*app{"public": s.web(), "confidential": s.backend(func(c *auth.Client) { c.RedirectURIs = []string{callback} })} {
		tok := a.tokens(a.exchange(a.code(a.query("nonce", "n1"))))
		if o := s.open(tok.IDToken); o.claims["nonce"] != "n1" || o.claims["aud"] != a.id {
			t.Errorf("%s: the ID token is for %v with nonce %v", name, o.claims["aud"], o.claims["nonce"])
		}
		if got := a.userInfo(tok); !strings.Contains(string(got.body), `"name":"Ada"`) {
			t.Errorf("%s: userinfo: got %s %s, want Ada", name, got.Status, got.body)
		}
	}
}

// nowhere wants an answer that leads the browser nowhere.
func (s *server) nowhere(got answer, status int) {
	s.t.Helper()
	if got.StatusCode != status || got.Header.Get("Location") != "" || got.Header.Get("Refresh") != "" {
		s.t.Errorf("got %s to %q, want %d and nowhere to go", got.Status, got.Header.Get("Location"), status)
	}
}

func TestNothingIsSentWhereNobodyIsRegistered(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	s.AddClient(auth.Client{ID: "desktop", Name: "Desktop"})
	repeated := func(name, value string) url.Values {
		q := a.query()
		q.Add(name, value)
		return q
	}
	tests := []struct {
		name  string
		query url.Values
		fault mobileweb.LinkFault
	}{
		{"an unknown client", a.query("client_id", "nobody"), mobileweb.LinkUnknownApp},
		{"no client", a.query("client_id", ""), mobileweb.LinkUnknownApp},
		{"two clients", repeated("client_id", "desktop"), mobileweb.LinkMalformed},
		{"the same client twice", repeated("client_id", "web"), mobileweb.LinkMalformed},
		{"no redirect_uri", a.query("redirect_uri", ""), mobileweb.LinkUnregisteredReturn},
		{"two redirect_uris", repeated("redirect_uri", "https://evil.example"), mobileweb.LinkMalformed},
		{"a stranger's redirect_uri", a.query("redirect_uri", "https://evil.example"), mobileweb.LinkUnregisteredReturn},
		{"a client that has none", a.query("client_id", "desktop"), mobileweb.LinkUnregisteredReturn},
		{"a stranger's, with a fault that would be sent", a.query("redirect_uri", "https://evil.example", "response_type", "token"), mobileweb.LinkUnregisteredReturn},
		{"a script", a.query("redirect_uri", "javascript:alert(1)"), mobileweb.LinkUnregisteredReturn},
		{"data", a.query("redirect_uri", "data:text/html,x"), mobileweb.LinkUnregisteredReturn},
		{"an HTML client", a.query("client_id", "<script>alert(1)</script>"), mobileweb.LinkUnknownApp},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.nowhere(s.authorize(tt.query), http.StatusBadRequest)
			if fault, _ := last(s.pages, refused); fault != tt.fault {
				t.Errorf("got fault %v, want %v", fault, tt.fault)
			}
		})
	}
	for name, raw := range map[string]string{
		"a broken query":   "client_id=web&redirect_uri=%zz",
		"semicolons":       "client_id=web;redirect_uri=" + url.QueryEscape(callback),
		"too long a query": a.query("state", strings.Repeat("x", 9<<10)).Encode(),
	} {
		s.nowhere(s.send(http.MethodGet, wire.PathAuthorize+"?"+raw, ""), http.StatusBadRequest)
		if fault, _ := last(s.pages, refused); fault != mobileweb.LinkMalformed {
			t.Errorf("%s: got fault %v, want malformed", name, fault)
		}
	}
	if _, times := last(s.pages, asked); times != 0 {
		t.Errorf("%d of them put a question", times)
	}
}

func TestARedirectURIIsMatchedToTheLetter(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	for uri, good := range map[string]bool{
		callback:                             true,
		callback + "/":                       false,
		callback + "?x=1":                    false,
		callback + "#x":                      false,
		callback + "%20":                     false,
		callback + "/../evil":                false,
		"https://app.acme.example":           false,
		"https://app.acme.example/Done":      false,
		"https://APP.acme.example/done":      false,
		"https://app.acme.example:443/done":  false,
		"https://app.acme.example.evil/done": false,
		"https://x@app.acme.example/done":    false,
		"http://app.acme.example/done":       false,
		"https://app.acme.example/%64one":    false,
		" " + callback:                       false,
		callback + "\n":                      false,
		callback + "\x00":                    false,
		"com.acme.app:/done":                 true,
		"com.acme.app:/done2":                false,
		"com.acme.app://done":                false,
		"COM.acme.app:/done":                 false,
		// The port of a loopback address is the app's to choose (RFC 8252 section 7.3).
		"http://127.0.0.1/done":                   true,
		"http://127.0.0.1:49152/done":             true,
		"http://127.0.0.1:1/done":                 true,
		"http://127.0.0.1:/done":                  false,
		"http://127.0.0.1:x/done":                 false,
		"http://127.0.0.1:-1/done":                false,
		"http://127.0.0.1:123456/done":            false,
		"http://127.0.0.1:80@evil.example/done":   false,
		"http://127.0.0.1:80.evil.example/done":   false,
		"http://127.0.0.1.evil.example/done":      false,
		"http://127.0.0.1:80/done/x":              false,
		"http://127.0.0.1:80/done?x":              false,
		"http://127.0.0.1:80/":                    false,
		"http://127.0.0.1:80\\@evil.example/done": false,
		"https://127.0.0.1:80/done":               false,
		"http://127.0.0.2:80/done":                false,
		"http://localhost:80/done":                false, // another host than the one registered
		"http://[::1]:80/done":                    false,
		"http://0x7f000001:80/done":               false,
		"HTTP://127.0.0.1:80/done":                false,
	} {
		_, before := last(s.pages, asked)
		got := s.authorize(a.query("redirect_uri", uri))
		if _, after := last(s.pages, asked); (after > before) != good {
			t.Errorf("%q: got %s to %q, want it taken: %t", uri, got.Status, got.Header.Get("Location"), good)
		}
		if bad := s.authorize(a.query("redirect_uri", uri, "scope", "admin")); (bad.Header.Get("Location") != "") != good {
			t.Errorf("%q, with an error: got %s to %q, want it sent: %t", uri, bad.Status, bad.Header.Get("Location"), good)
		}
	}
}

func TestEveryLoopbackHostMayHaveItsPort(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web(func(c *auth.Client) {
		c.RedirectURIs = []string{"http://[::1]/a", "http://localhost:5000/b", "http://127.0.0.1?c"}
	})
	for uri, good := range map[string]bool{
		"http://[::1]:1/a": true, "http://localhost/b": true, "http://localhost:1/b": true, "http://127.0.0.1:1?c": true,
		"http://[::1]:1/b": false, "http://[::2]:1/a": false, "http://localhost.evil.example/b": false, "http://localhost:1@evil.example/b": false,
		"http://127.0.0.1:1": false, "http://127.0.0.1:1.evil.example?c": false, "http://::1/a": false, "https://localhost/b": false,
	} {
		got := s.authorize(a.query("redirect_uri", uri, "scope", "admin"))
		if to := got.Header.Get("Location"); (to != "") != good || !strings.HasPrefix(to, uri) && good {
			t.Errorf("%q: got %s to %q, want it taken: %t", uri, got.Status, to, good)
		}
	}
}

// returned is where an error was sent to.
func (s *server) returned(got answer, redirectURI string) url.Values {
	s.t.Helper()
	to := got.Header.Get("Location")
	query, ok := strings.CutPrefix(to, redirectURI+"?")
	if got.StatusCode != http.StatusSeeOther || !ok {
		s.t.Fatalf("got %s to %q, want 303 to %s", got.Status, to, redirectURI)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		s.t.Fatal(err)
	}
	return values
}

func TestAnErrorGoesToTheClientWithStateAndIssuer(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	repeated := func(name, value string) url.Values {
		q := a.query()
		q.Add(name, value)
		q.Add(name, value)
		return q
	}
	challenge := challengeOf(verifier)
	tests := []struct {
		name  string
		query url.Values
		code  string
	}{
		{"no response_type", a.query("response_type", ""), wire.CodeInvalidRequest},
		{"implicit", a.query("response_type", "token"), wire.CodeUnsupportedResponseType},
		{"an ID token", a.query("response_type", "id_token"), wire.CodeUnsupportedResponseType},
		{"hybrid", a.query("response_type", "code id_token"), wire.CodeUnsupportedResponseType},
		{"hybrid with a token", a.query("response_type", "code token"), wire.CodeUnsupportedResponseType},
		{"the type none", a.query("response_type", "none"), wire.CodeUnsupportedResponseType},
		{"the type in another case", a.query("response_type", "CODE"), wire.CodeUnsupportedResponseType},
		{"response_mode fragment", a.query("response_mode", "fragment"), wire.CodeInvalidRequest},
		{"response_mode form_post", a.query("response_mode", "form_post"), wire.CodeInvalidRequest},
		{"response_mode query.jwt", a.query("response_mode", "query.jwt"), wire.CodeInvalidRequest},
		{"no code_challenge", a.query("code_challenge", ""), wire.CodeInvalidRequest},
		{"no method, which means plain", a.query("code_challenge_method", ""), wire.CodeInvalidRequest},
		{"plain", a.query("code_challenge_method", "plain"), wire.CodeInvalidRequest},
		{"the method in another case", a.query("code_challenge_method", "s256"), wire.CodeInvalidRequest},
		{"a short challenge", a.query("code_challenge", challenge[1:]), wire.CodeInvalidRequest},
		{"a long challenge", a.query("code_challenge", challenge+"A"), wire.CodeInvalidRequest},
		{"a padded challenge", a.query("code_challenge", challenge[1:]+"="), wire.CodeInvalidRequest},
		{"a challenge in plain base64", a.query("code_challenge", challenge[1:]+"+"), wire.CodeInvalidRequest},
		{"no prompt at all", a.query("prompt", "none"), wire.CodeLoginRequired},
		{"none beside another prompt", a.query("prompt", "login none"), wire.CodeInvalidRequest},
		{"an ID token that is none", a.query("id_token_hint", "e30.e30.e30"), wire.CodeLoginRequired},
		{"an age that is none", a.query("max_age", "-1"), wire.CodeInvalidRequest},
		{"a request object", a.query("request", "e30.e30."), wire.CodeRequestUnsupported},
		{"a request_uri", a.query("request_uri", "https://evil.example/request"), wire.CodeRequestURIUnsupported},
		{"an unknown scope", a.query("scope", "openid admin"), wire.CodeInvalidScope},
		{"a scope with a quote", a.query("scope", `"openid"`), wire.CodeInvalidScope},
		{"another's resource", a.query("resource", "https://mail.example"), wire.CodeInvalidTarget},
		{"a relative resource", a.query("resource", "/api"), wire.CodeInvalidTarget},
		{"a dpop_jkt that is none", a.query("dpop_jkt", "x"), wire.CodeInvalidRequest},
		{"a huge nonce", a.query("nonce", strings.Repeat("n", 513)), wire.CodeInvalidRequest},
		{"two scopes", repeated("scope", "openid"), wire.CodeInvalidRequest},
		{"two states", repeated("state", "s2"), wire.CodeInvalidRequest},
		{"two response_types", repeated("response_type", "code"), wire.CodeInvalidRequest},
		{"two challenges", repeated("code_challenge", challenge), wire.CodeInvalidRequest},
		{"an unknown one twice", repeated("<script>", "x"), wire.CodeInvalidRequest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := s.authorize(tt.query)
			q := s.returned(got, callback)
			if q.Get("error") != tt.code || q.Get("state") != "s1 &<x>" || q.Get("iss") != issuer || q.Has("code") {
				t.Errorf("got %v, want %s with state and iss", q, tt.code)
			}
			if strings.ContainsAny(q.Get("error_description"), "\"\\\r\n") || strings.ContainsAny(got.Header.Get("Location"), "<>\" ") {
				t.Errorf("forbidden characters in %q", got.Header.Get("Location"))
			}
			if strings.Contains(string(got.body), "<") {
				t.Errorf("HTML in %q", got.body)
			}
		})
	}
	if _, times := last(s.pages, asked); times != 0 {
		t.Errorf("%d of them put a question", times)
	}
}

func TestAnErrorWithoutStateHasNone(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	if q := s.returned(s.authorize(a.query("state", "", "scope", "admin")), callback); q.Has("state") {
		t.Errorf("got %v, want no state", q)
	}
}

// TestARedirectURIWithAQueryKeepsIt: RFC 6749 section 3.1.2.
func TestARedirectURIWithAQueryKeepsIt(t *testing.T) {
	s := serve(t, budget.Limits{})
	const uri = "https://app.acme.example/done?tenant=7"
	a := s.web(func(c *auth.Client) { c.RedirectURIs = []string{uri} })
	got := s.authorize(a.query("redirect_uri", uri, "scope", "admin")).Header.Get("Location")
	u, err := url.Parse(got)
	if err != nil || u.Query().Get("tenant") != "7" || u.Query().Get("error") != wire.CodeInvalidScope || strings.Count(got, "?") != 1 {
		t.Errorf("got %q, want the query that was registered and the error", got)
	}
}

func TestStateAndNonceComeBackAsTheyWere(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	for name, text := range map[string]string{
		"the largest":   strings.Repeat("n", 512),
		"markup":        `"><script>alert('x')</script>`,
		"not ASCII":     "Ünïcødé 🔑",
		"not UTF-8":     "\xff\xfe",
		"line ends":     "a\r\nSet-Cookie: x=y",
		"a query in it": "x&code=evil&iss=evil#f",
	} {
		q := s.returned(s.authorize(a.query("state", text, "scope", "admin")), callback)
		if q.Get("state") != text || q.Get("iss") != issuer || q.Has("code") {
			t.Errorf("%s: got state %q, iss %q", name, q.Get("state"), q.Get("iss"))
		}
		if name == "not UTF-8" {
			continue // no JSON can say it
		}
		if got := s.open(a.tokens(a.exchange(a.code(a.query("nonce", text)))).IDToken).claims["nonce"]; got != text {
			t.Errorf("%s: got nonce %q, want %q", name, got, text)
		}
	}
	huge := strings.Repeat("s", 7<<10)
	if q := s.returned(s.authorize(a.query("state", huge, "scope", "admin")), callback); q.Get("state") != huge {
		t.Errorf("a state of 7 KiB came back with %d bytes", len(q.Get("state")))
	}
}

func TestAPostedAuthorizationRequestBecomesAGet(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	form := a.query("resource", "urn:x")
	form.Add("resource", "urn:y")
	got := s.post(wire.PathAuthorize, form)
	if got.StatusCode != http.StatusSeeOther {
		t.Fatalf("got %s, want 303", got.Status)
	}
	path, query, _ := strings.Cut(got.Header.Get("Location"), "?")
	if path != issuer+wire.PathAuthorize || query != form.Encode() {
		t.Errorf("got %s, want our own address with the form", got.Header.Get("Location"))
	}
	if _, times := last(s.pages, asked); times != 0 {
		t.Error("the form began a grant by itself")
	}
	evil := s.post(wire.PathAuthorize, a.query("redirect_uri", "https://evil.example"))
	if to := evil.Header.Get("Location"); !strings.HasPrefix(to, issuer+wire.PathAuthorize+"?") {
		t.Errorf("with a stranger's redirect_uri: to %q, want our own address", to)
	}
	s.nowhere(s.send(http.MethodPost, wire.PathAuthorize, form.Encode()), http.StatusBadRequest)
	form.Add("state", "s2")
	s.nowhere(s.post(wire.PathAuthorize, form), http.StatusBadRequest)
}

func TestAuthorizationRequestsAreBudgeted(t *testing.T) {
	s := serve(t, budget.Limits{Starts: ratelimit.Rate{Count: 1, Per: time.Minute}})
	a := s.web()
	s.authorize(a.query())
	s.nowhere(s.authorize(a.query()), http.StatusServiceUnavailable)
	err, times := last(s.pages, failed)
	var wait interface{ RetryAfter() time.Duration }
	if times != 1 || !errors.As(err, &wait) || wait.RetryAfter() <= 0 {
		t.Errorf("got %v, want one error that says when to come back", err)
	}
}

func TestABrokenStoreAtTheAuthorizationEndpoint(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	s.authorize(a.query()) // fills the client cache
	s.Service.Store = failing{s.Service.Store, store.ErrUnavailable}
	if q := s.returned(s.authorize(a.query()), callback); q.Get("error") != wire.CodeUnavailable || q.Get("state") == "" {
		t.Errorf("got %v, want temporarily_unavailable", q)
	}
	s.Service.Store = failing{s.Service.Store, errors.New("disk sector 7")}
	if q := s.returned(s.authorize(a.query()), callback); q.Get("error") != wire.CodeServerError || strings.Contains(q.Encode(), "sector") {
		t.Errorf("got %v, want server_error, and nothing of the cause", q)
	}
}

func TestPKCEAtTheTokenEndpoint(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	for name, tt := range map[string]struct{ verifier, code string }{
		"none":                     {"", wire.CodeInvalidRequest},
		"another":                  {strings.Repeat("x", 43), wire.CodeInvalidGrant},
		"the challenge itself":     {challengeOf(verifier), wire.CodeInvalidGrant},
		"one character less":       {verifier[1:], wire.CodeInvalidGrant},
		"one in another case":      {strings.ToUpper(verifier), wire.CodeInvalidGrant},
		"one with a space":         {verifier + " ", wire.CodeInvalidGrant},
		"one that is far too long": {strings.Repeat(verifier, 4), wire.CodeInvalidGrant},
	} {
		got := a.exchange(a.code(a.query()), "code_verifier", tt.verifier)
		if code := got.oauthError(t); got.StatusCode != http.StatusBadRequest || code != tt.code {
			t.Errorf("%s: got %s %s, want %s", name, got.Status, got.body, tt.code)
		}
	}
	short := "x-verifier-of-less-than-43-characters"
	if got := a.exchange(a.code(a.query("code_challenge", challengeOf(short))), "code_verifier", short); got.oauthError(t) != wire.CodeInvalidGrant {
		t.Errorf("one shorter than RFC 7636 section 4.1 allows: got %s, want invalid_grant", got.body)
	}
}

// TestAnAuthorizationCodeIsRefused as an invalid grant, whatever is wrong with it: the
// codes of RFC 8628 section 3.5 are for device codes.
func TestAnAuthorizationCodeIsRefused(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	other := s.backend(func(c *auth.Client) { c.RedirectURIs = []string{callback} })
	id := func(code string) string { name, _, _ := strings.Cut(code, "."); return name }
	tests := []struct {
		name     string
		exchange func(code string) answer
		code     string
	}{
		{"another client's", func(code string) answer { return other.exchange(code) }, wire.CodeInvalidGrant},
		{"no redirect_uri", func(code string) answer { return a.exchange(code, "redirect_uri", "") }, wire.CodeInvalidRequest},
		{"another redirect_uri", func(code string) answer { return a.exchange(code, "redirect_uri", "http://127.0.0.1/done") }, wire.CodeInvalidGrant},
		{"another port", func(string) answer {
			return a.exchange(a.code(a.query("redirect_uri", "http://127.0.0.1:5000/done")), "redirect_uri", "http://127.0.0.1:5001/done")
		}, wire.CodeInvalidGrant},
		{"no code", func(string) answer { return a.exchange("") }, wire.CodeInvalidRequest},
		{"a guess", func(code string) answer { return a.exchange(id(code) + ".guess") }, wire.CodeInvalidGrant},
		{"the grant's name", func(code string) answer { return a.exchange(id(code)) }, wire.CodeInvalidGrant},
		{"a device code's grant type", func(code string) answer { return a.redeem(code) }, wire.CodeInvalidGrant},
		{"the name for a device code", func(code string) answer { return a.redeem(id(code)) }, wire.CodeInvalidGrant},
		{"a refresh token's grant type", func(code string) answer { return a.refresh(code, nil) }, wire.CodeInvalidGrant},
		{"a device code in its place", func(string) answer { return a.exchange(a.approved(nil)) }, wire.CodeInvalidGrant},
		{"after its minute", func(code string) answer { s.Clock.Advance(grant.CodeLife); return a.exchange(code) }, wire.CodeInvalidGrant},
		{"once more after a wrong verifier", func(code string) answer {
			a.exchange(code, "code_verifier", strings.Repeat("x", 43))
			return a.exchange(code)
		}, wire.CodeInvalidGrant},
		{"when the person is gone", func(code string) answer {
			gone := s.ada().User
			gone.Disabled = true
			s.Update(func(tx store.Tx) error { return tx.SetUser(gone) })
			return a.exchange(code)
		}, wire.CodeInvalidGrant},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code := a.code(a.query())
			got := tt.exchange(code)
			if is := got.oauthError(t); got.StatusCode != http.StatusBadRequest || is != tt.code {
				t.Errorf("got %s %s, want 400 %s", got.Status, got.body, tt.code)
			}
			if strings.Contains(string(got.body)+s.log.String(), code) {
				t.Errorf("the code is told on: %s", got.body)
			}
		})
	}
}

// TestACodeThatComesTwiceEndsTheSession: RFC 6749 section 4.1.2.
func TestACodeThatComesTwiceEndsTheSession(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	code := a.code(a.query())
	tok := a.tokens(a.exchange(code))
	if got := a.exchange(code); got.oauthError(t) != wire.CodeInvalidGrant {
		t.Errorf("the second time: got %s, want invalid_grant", got.body)
	}
	if got := a.userInfo(tok); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("the access token afterwards: got %s, want 401", got.Status)
	}
	if got := a.refresh(tok.RefreshToken, nil); got.oauthError(t) != wire.CodeInvalidGrant {
		t.Errorf("the refresh token afterwards: got %s, want invalid_grant", got.body)
	}
}

func TestTheOtherMethodsOfTheAuthorizationEndpoint(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodOptions} {
		if got := s.send(method, wire.PathAuthorize+"?"+a.query().Encode(), ""); got.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: got %s, want 405", method, got.Status)
		}
	}
	if got := s.send(http.MethodHead, wire.PathAuthorize+"?"+a.query("scope", "admin").Encode(), ""); got.StatusCode != http.StatusSeeOther || len(got.body) != 0 {
		t.Errorf("HEAD: got %s with %d bytes, want what GET answers, without a body", got.Status, len(got.body))
	}
}
