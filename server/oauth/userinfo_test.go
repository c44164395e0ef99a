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
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestUserInfoByGetAndByPost(t *testing.T) {
	s := serve(t, budget.Limits{})
	loose, bound := s.web(), s.app("web").bound()
	want := `{"sub":"` + string(s.ada().User.ID) + `","name":"Ada"}`
	for name, a := range map[string]*app{"Bearer": loose, "DPoP": bound} {
		tok := a.signIn(nil)
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			got := a.send(method, wire.PathUserInfo, "", presenting(name, tok.AccessToken), a.proving(method, wire.PathUserInfo, tok.AccessToken))
			if got.StatusCode != http.StatusOK || strings.TrimSpace(string(got.body)) != want {
				t.Errorf("%s by %s: got %s %s, want %s", method, name, got.Status, got.body, want)
			}
		}
	}
	tok := loose.signIn(url.Values{"scope": {"openid"}})
	if got := loose.userInfo(tok); strings.Contains(string(got.body), "Ada") {
		t.Errorf("without the scope profile: got %s, want no name", got.body)
	}
	for _, scheme := range []string{"bearer", "BEARER", "Bearer  "} { // RFC 9110 section 11.1
		if got := s.send(http.MethodGet, wire.PathUserInfo, "", presenting(scheme, tok.AccessToken)); got.StatusCode != http.StatusOK {
			t.Errorf("scheme %q: got %s, want 200", scheme, got.Status)
		}
	}
}

func TestUserInfoNeedsTheScopeOpenID(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	got := a.userInfo(a.signIn(url.Values{"scope": {"profile offline_access"}}))
	if got.StatusCode != http.StatusForbidden || got.oauthError(t) != wire.CodeInsufficientScope || strings.Contains(string(got.body), "Ada") {
		t.Errorf("got %s %s, want 403 insufficient_scope", got.Status, got.body)
	}
	if challenge := got.Header.Get("WWW-Authenticate"); !strings.HasPrefix(challenge, "Bearer ") || !strings.Contains(challenge, `error="insufficient_scope"`) {
		t.Errorf("WWW-Authenticate: got %q", challenge)
	}
}

// TestATokenComesInOneAuthorizationHeaderOrNotAtAll: and the answer to none names
// both schemes, and no error (RFC 6750 section 3.1).
func TestATokenComesInOneAuthorizationHeaderOrNotAtAll(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	tok := a.signIn(nil).AccessToken
	header := func(values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header["Authorization"] = values }
	}
	form := func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }
	body := url.Values{"access_token": {tok}}.Encode()
	for name, got := range map[string]answer{
		"nothing":                   s.send(http.MethodGet, wire.PathUserInfo, ""),
		"two headers":               s.send(http.MethodGet, wire.PathUserInfo, "", header("Bearer "+tok, "Bearer "+tok)),
		"a good one and a bad one":  s.send(http.MethodGet, wire.PathUserInfo, "", header("Bearer "+tok, "Bearer x")),
		"two schemes":               s.send(http.MethodGet, wire.PathUserInfo, "", header("DPoP "+tok, "Bearer "+tok)),
		"two tokens in one":         s.send(http.MethodGet, wire.PathUserInfo, "", header("Bearer "+tok+", Bearer "+tok)),
		"no scheme":                 s.send(http.MethodGet, wire.PathUserInfo, "", header(tok)),
		"no token":                  s.send(http.MethodGet, wire.PathUserInfo, "", header("Bearer ")),
		"Basic":                     s.send(http.MethodGet, wire.PathUserInfo, "", basicAuth("x", tok)),
		"a tab for the space":       s.send(http.MethodGet, wire.PathUserInfo, "", header("Bearer\t"+tok)),
		"in the query":              s.send(http.MethodGet, wire.PathUserInfo+"?access_token="+tok, ""),
		"in the query of a POST":    s.send(http.MethodPost, wire.PathUserInfo+"?access_token="+tok, body, form),
		"in the body":               s.send(http.MethodPost, wire.PathUserInfo, body, form),
		"in another header":         s.send(http.MethodGet, wire.PathUserInfo, "", func(r *http.Request) { r.Header.Set("Proxy-Authorization", "Bearer "+tok) }),
		"in a cookie":               s.send(http.MethodGet, wire.PathUserInfo, "", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "access_token", Value: tok}) }),
		"with characters that none": s.send(http.MethodGet, wire.PathUserInfo, "", header(`Bearer "`+tok+`"`)),
	} {
		if got.StatusCode != http.StatusUnauthorized || strings.Contains(string(got.body), "Ada") {
			t.Errorf("%s: got %s %s, want 401", name, got.Status, got.body)
		}
		challenges := got.Header.Values("WWW-Authenticate")
		if len(challenges) != 2 || challenges[0] != "Bearer" || !strings.HasPrefix(challenges[1], `DPoP algs="ES256`) || strings.Contains(challenges[1], "error") {
			t.Errorf("%s: WWW-Authenticate: got %q, want both schemes and no error", name, challenges)
		}
	}
}

func TestAnAccessTokenEndsWithItsTimeItsSessionAndItsPerson(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	refused := func(when string, tok wire.Token) {
		t.Helper()
		if got := a.userInfo(tok); got.StatusCode != http.StatusUnauthorized || got.oauthError(t) != wire.CodeInvalidToken {
			t.Errorf("%s: got %s %s, want 401 invalid_token", when, got.Status, got.body)
		}
	}
	expired := a.signIn(nil)
	const before = time.Minute
	s.Clock.Advance(time.Duration(expired.ExpiresIn)*time.Second - before)
	if got := a.userInfo(expired); got.StatusCode != http.StatusOK {
		t.Errorf("a minute before its end: got %s, want 200", got.Status)
	}
	s.Clock.Advance(before)
	refused("after its time", expired)
	tok := a.signIn(nil)
	sid, _ := s.open(tok.AccessToken).claims["sid"].(string)
	s.Update(func(tx store.Tx) error { return tx.RemoveSession(auth.SessionID(sid)) })
	refused("after its session", tok)
	tok = a.signIn(nil)
	disabled := s.ada().User
	disabled.Disabled = true
	s.Update(func(tx store.Tx) error { return tx.SetUser(disabled) })
	refused("of a disabled person", tok)
}

func TestABrokenStoreAtUserInfoIsNoChallenge(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web().bound()
	tok := a.signIn(nil)
	for name, tt := range map[string]struct {
		err    error
		status int
	}{
		"while it is full":       {store.ErrUnavailable, http.StatusServiceUnavailable},
		"when nobody knows what": {errors.New("disk sector 7"), http.StatusInternalServerError},
	} {
		whole := s.Service.Store
		s.Service.Store = failing{whole, tt.err}
		got := a.userInfo(tok)
		s.Service.Store = whole
		if got.StatusCode != tt.status || got.Header.Get("WWW-Authenticate") != "" || strings.Contains(string(got.body), "sector") {
			t.Errorf("%s: got %s %s, WWW-Authenticate %q; want %d and no challenge", name, got.Status, got.body, got.Header.Get("WWW-Authenticate"), tt.status)
		}
	}
}

// TestAPairwiseClientHasASubjectOfItsOwn: the same in all that it learns.
func TestAPairwiseClientHasASubjectOfItsOwn(t *testing.T) {
	s := serve(t, budget.Limits{})
	a, b := s.web(), s.backend(func(c *auth.Client) { c.Pairwise = true })
	open, own := a.signIn(nil), b.signIn(nil)
	sub := s.open(own.IDToken).claims["sub"].(string)
	if sub == s.open(open.IDToken).claims["sub"] || sub == string(s.ada().User.ID) || s.open(own.AccessToken).claims["sub"] != sub {
		t.Errorf("the ID token says %s, the access token %v; want one that no other client knows", sub, s.open(own.AccessToken).claims["sub"])
	}
	if got := b.userInfo(own); !strings.Contains(string(got.body), `"sub":"`+sub+`"`) {
		t.Errorf("userinfo: got %s, want %s", got.body, sub)
	}
	if again := b.signIn(nil); s.open(again.IDToken).claims["sub"] != sub {
		t.Error("the next sign-in has another subject")
	}
	if got := b.introspect(own.AccessToken); !strings.Contains(got, sub) {
		t.Errorf("introspection: got %s, want %s", got, sub)
	}
}
