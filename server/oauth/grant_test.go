package oauth_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/wire"
)

func secretOf(s string) secret.Text { return secret.From(s) }

func TestDeviceAuthorization(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.post(wire.PathDeviceAuthorization, url.Values{
		"client_id": {string(logintest.App)}, "scope": {""}, "unknown": {"ignored"}, "device_name": {"ALICE-PC"},
	})
	if a.StatusCode != http.StatusOK || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
		t.Fatalf("got %s %s, want 200 JSON", a.Status, a.Header.Get("Content-Type"))
	}
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: got %q, want no-store", got)
	}
	var d wire.DeviceAuthorization
	if err := json.Unmarshal(a.body, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.DeviceCode) < 22 {
		t.Errorf("device_code has %d characters, too few for 128 bits", len(d.DeviceCode))
	}
	if _, err := grant.ParseUserCode(d.UserCode); err != nil || d.UserCode[4] != '-' {
		t.Errorf("user_code: got %q, want XXXX-XXXX of the alphabet", d.UserCode)
	}
	if want := "http://localhost:8080/device"; d.VerificationURI != want {
		t.Errorf("verification_uri: got %q, want %q", d.VerificationURI, want)
	}
	link, key, _ := strings.Cut(d.VerificationURIComplete, "&k=")
	if want := "http://localhost:8080/device?user_code=" + d.UserCode; link != want || len(key) != 8 {
		t.Errorf("verification_uri_complete: got %q, want %q and a key of 8 characters", d.VerificationURIComplete, want)
	}
	if strings.Contains(d.VerificationURIComplete, d.DeviceCode) {
		t.Error("the device code is in what the QR code says")
	}
	if want := "ws://localhost:8080/push"; d.PushURI != want {
		t.Errorf("push_uri: got %q, want %q", d.PushURI, want)
	}
	if d.ExpiresIn != 300 || d.Interval != 5 {
		t.Errorf("expires_in %d, interval %d; want 300 and 5", d.ExpiresIn, d.Interval)
	}
	g, err := s.Grant(t.Context(), grantID(d.DeviceCode))
	if err != nil || g.Device.Name != "ALICE-PC" || g.Origin != logintest.Home {
		t.Errorf("the grant: got %q from %s, %v; want ALICE-PC from the request's peer", g.Device.Name, g.Origin, err)
	}
}

func TestDeviceAuthorizationIsRefused(t *testing.T) {
	s := serve(t, budget.Limits{})
	s.AddClient(auth.Client{ID: "backend", Name: "Backend", AuthMethod: auth.AuthSecret, Secrets: []auth.ClientSecret{{Hash: secret.From("s3cret").Hash()}}})
	app := string(logintest.App)
	form := func(kv ...string) url.Values {
		v := url.Values{}
		for i := 0; i < len(kv); i += 2 {
			v.Add(kv[i], kv[i+1])
		}
		return v
	}
	none := func(*http.Request) {}
	tests := []struct {
		name   string
		form   url.Values
		change func(*http.Request)
		status int
		code   string
	}{
		{"a repeated parameter", form("client_id", app, "scope", "openid", "scope", "profile"), none, 400, wire.CodeInvalidRequest},
		{"no client_id", form("scope", "openid"), none, 400, wire.CodeInvalidRequest},
		{"an empty client_id counts as none", form("client_id", ""), none, 400, wire.CodeInvalidRequest},
		{"an unknown client", form("client_id", "nobody"), none, 401, wire.CodeInvalidClient},
		{"a scope that the client has not", form("client_id", app, "scope", "openid admin"), none, 400, wire.CodeInvalidScope},
		{"a nonce that is too long", form("client_id", app, "nonce", strings.Repeat("n", 513)), none, 400, wire.CodeInvalidRequest},
		{"a scope with a forbidden character", form("client_id", app, "scope", `open"id`), none, 400, wire.CodeInvalidScope},
		{"a body that is no form", form("client_id", app), func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 400, wire.CodeInvalidRequest},
		{"a confidential client without its secret", form("client_id", "backend"), none, 401, wire.CodeInvalidClient},
		{"a confidential client with a wrong secret", form("client_id", "backend", "client_secret", "guess"), none, 401, wire.CodeInvalidClient},
		{"a public client with a secret", form("client_id", app, "client_secret", "x"), none, 401, wire.CodeInvalidClient},
		{"a secret in the header and in the form", form("client_secret", "s3cret"), basicAuth("backend", "s3cret"), 400, wire.CodeInvalidRequest},
		{"one client that authenticates and names another", form("client_id", app), basicAuth("backend", "s3cret"), 401, wire.CodeInvalidClient},
		{"an Authorization header that is not Basic", form("client_id", app), bearer("x"), 401, wire.CodeInvalidClient},
		{"a body that is too large", form("client_id", app, "x", strings.Repeat("x", 1<<17)), none, 400, wire.CodeInvalidRequest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := s.post(wire.PathDeviceAuthorization, tt.form, tt.change)
			if got := a.oauthError(t); a.StatusCode != tt.status || got != tt.code {
				t.Errorf("got %d %s, want %d %s", a.StatusCode, got, tt.status, tt.code)
			}
			if tt.status == 401 && a.Header.Get("WWW-Authenticate") == "" {
				t.Error("401 without WWW-Authenticate")
			}
		})
	}
}

func TestAConfidentialClientAuthenticates(t *testing.T) {
	s := serve(t, budget.Limits{})
	s.AddClient(auth.Client{ID: "back end", Name: "Backend", AuthMethod: auth.AuthSecret, Secrets: []auth.ClientSecret{{Hash: secret.From("p:w d%").Hash()}}})
	for name, a := range map[string]answer{
		"by HTTP Basic": s.post(wire.PathDeviceAuthorization, url.Values{}, basicAuth("back end", "p:w d%")),
		"by the form":   s.post(wire.PathDeviceAuthorization, url.Values{"client_id": {"back end"}, "client_secret": {"p:w d%"}}),
	} {
		if a.StatusCode != http.StatusOK {
			t.Errorf("%s: got %s %s, want 200", name, a.Status, a.body)
		}
	}
}

func TestGETIsNotAllowed(t *testing.T) {
	s := serve(t, budget.Limits{})
	for _, path := range []string{wire.PathDeviceAuthorization, wire.PathToken, wire.PathRevoke} {
		if a := s.send(http.MethodGet, path+"?client_id="+string(logintest.App), ""); a.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: got %s, want 405", path, a.Status)
		}
	}
}

func TestParametersInTheURLCountForNothing(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.post(wire.PathDeviceAuthorization+"?client_id="+string(logintest.App), url.Values{})
	if got := a.oauthError(t); got != wire.CodeInvalidRequest {
		t.Errorf("got %s, want invalid_request", got)
	}
}

func TestAClientsLifetimeAndIntervalAreItsOwn(t *testing.T) {
	s := serve(t, budget.Limits{})
	s.AddClient(auth.Client{ID: "quick", Name: "Quick", Lifetime: time.Minute, Interval: 2 * time.Second})
	d := s.begin(url.Values{"client_id": {"quick"}})
	if d.ExpiresIn != 60 || d.Interval != 2 {
		t.Errorf("got expires_in %d, interval %d; want 60 and 2", d.ExpiresIn, d.Interval)
	}
}

func TestToken(t *testing.T) {
	s := serve(t, budget.Limits{})
	ada := s.Join("Ada")
	d := s.begin(nil)
	s.Approve(ada, grantID(d.DeviceCode))
	a := s.poll(d.DeviceCode)
	var tok wire.Token
	if err := json.Unmarshal(a.body, &tok); err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("got %s %s", a.Status, a.body)
	}
	if tok.AccessToken == "" || tok.TokenType != "Bearer" || tok.ExpiresIn <= 0 || tok.Scope != "openid profile offline_access" {
		t.Errorf("got %+v, want a bearer token for all that the client has, with its life", tok)
	}
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: got %q, want no-store", got)
	}
	if got := s.poll(d.DeviceCode).oauthError(t); got != wire.CodeInvalidGrant {
		t.Errorf("a second poll: got %s, want invalid_grant", got)
	}
	info := s.send(http.MethodGet, wire.PathUserInfo, "", bearer(tok.AccessToken))
	if want := `{"sub":"` + string(ada.User.ID) + `","name":"Ada"}`; strings.TrimSpace(string(info.body)) != want {
		t.Errorf("userinfo: got %s, want %s", info.body, want)
	}
}

func TestTokenIsRefused(t *testing.T) {
	s := serve(t, budget.Limits{})
	ada := s.Join("Ada")
	s.AddClient(auth.Client{ID: "another", Name: "Another"})
	app := string(logintest.App)
	fresh := func() string { return s.begin(nil).DeviceCode }
	approved := func() string {
		code := fresh()
		s.Approve(ada, grantID(code))
		return code
	}
	decided := func(decide func(auth.GrantID) error) string {
		code := fresh()
		if err := decide(grantID(code)); err != nil {
			t.Fatal(err)
		}
		return code
	}
	form := func(client, kind, code string) url.Values {
		return url.Values{"client_id": {client}, "grant_type": {kind}, "device_code": {code}}
	}
	twice := form(app, wire.GrantTypeDeviceCode, "x")
	twice.Add("device_code", "y")
	tests := []struct {
		name   string
		form   url.Values
		status int
		code   string
	}{
		{"while nobody has decided", form(app, wire.GrantTypeDeviceCode, fresh()), 400, wire.CodeAuthorizationPending},
		{"another grant type", form(app, "password", "x"), 400, wire.CodeUnsupportedGrantType},
		{"the grant type in another case", form(app, strings.ToUpper(wire.GrantTypeDeviceCode), "x"), 400, wire.CodeUnsupportedGrantType},
		{"no grant type", form(app, "", "x"), 400, wire.CodeInvalidRequest},
		{"no device code", form(app, wire.GrantTypeDeviceCode, ""), 400, wire.CodeInvalidRequest},
		{"a repeated parameter", twice, 400, wire.CodeInvalidRequest},
		{"an unknown device code", form(app, wire.GrantTypeDeviceCode, "guess"), 400, wire.CodeInvalidGrant},
		{"another client's code", form("another", wire.GrantTypeDeviceCode, approved()), 400, wire.CodeInvalidGrant},
		{"an unknown client", form("nobody", wire.GrantTypeDeviceCode, fresh()), 401, wire.CodeInvalidClient},
		{"a user code in place of the device code", form(app, wire.GrantTypeDeviceCode, s.begin(nil).UserCode), 400, wire.CodeInvalidGrant},
		{"after a denial", form(app, wire.GrantTypeDeviceCode, decided(func(id auth.GrantID) error { return s.Deny(t.Context(), logintest.At("phone"), id) })), 400, wire.CodeAccessDenied},
		{"after the desktop cancelled", form(app, wire.GrantTypeDeviceCode, decided(func(id auth.GrantID) error { return s.Cancel(t.Context(), logintest.App, id, logintest.Home) })), 400, wire.CodeAccessDenied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := s.post(wire.PathToken, tt.form)
			if got := a.oauthError(t); a.StatusCode != tt.status || got != tt.code {
				t.Errorf("got %d %s, want %d %s", a.StatusCode, got, tt.status, tt.code)
			}
		})
	}
}

func TestAClientRemovedMeanwhileIsUnknownAndNothingCrashes(t *testing.T) {
	s := serve(t, budget.Limits{})
	d := s.begin(nil)
	desk := s.subscribe(d.DeviceCode)
	desk.until(wire.StatePending)
	s.Update(func(tx store.Tx) error { return tx.RemoveClient(logintest.App) })
	s.Clock.Advance(3 * time.Second) // what is cached of clients is fresh for two
	if got := s.poll(d.DeviceCode).oauthError(t); got != wire.CodeInvalidClient {
		t.Errorf("poll: got %s, want invalid_client", got)
	}
	if err := s.Scan(t.Context(), logintest.At("phone"), grantID(d.DeviceCode)); err != nil {
		t.Errorf("scan: %v", err)
	}
	desk.until(wire.StateScanned)
}

func TestAccessDeniedIsSticky(t *testing.T) {
	s := serve(t, budget.Limits{})
	d := s.begin(nil)
	if err := s.Deny(t.Context(), logintest.At("phone"), grantID(d.DeviceCode)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got := s.poll(d.DeviceCode).oauthError(t); got != wire.CodeAccessDenied {
			t.Errorf("got %s, want access_denied each time", got)
		}
	}
}

func TestAnExpiredGrantSaysSoEvenIfApproved(t *testing.T) {
	s := serve(t, budget.Limits{})
	ada := s.Join("Ada")
	waiting, approved := s.begin(nil), s.begin(nil)
	s.Approve(ada, grantID(approved.DeviceCode))
	s.Clock.Advance(auth.DefaultLifetime)
	for _, d := range []wire.DeviceAuthorization{waiting, approved} {
		if got := s.poll(d.DeviceCode).oauthError(t); got != wire.CodeExpiredToken {
			t.Errorf("got %s, want expired_token", got)
		}
	}
}

func TestSlowDown(t *testing.T) {
	s := serve(t, budget.Limits{})
	d := s.begin(nil)
	if got := s.poll(d.DeviceCode).oauthError(t); got != wire.CodeAuthorizationPending {
		t.Errorf("the first poll: got %s, want authorization_pending", got)
	}
	if got := s.poll(d.DeviceCode).oauthError(t); got != wire.CodeSlowDown {
		t.Errorf("at once again: got %s, want slow_down", got)
	}
	s.Clock.Advance(5 * time.Second)
	if got := s.poll(d.DeviceCode).oauthError(t); got != wire.CodeSlowDown {
		t.Errorf("after the old interval: got %s, want slow_down", got)
	}
	s.Clock.Advance(15 * time.Second)
	if got := s.poll(d.DeviceCode).oauthError(t); got != wire.CodeAuthorizationPending {
		t.Errorf("after waiting long enough: got %s, want authorization_pending", got)
	}
}

func TestFiftyParallelPollsYieldOneToken(t *testing.T) {
	s := serve(t, budget.Limits{})
	ada := s.Join("Ada")
	d := s.begin(nil)
	s.Approve(ada, grantID(d.DeviceCode))
	var polls sync.WaitGroup
	var tokens, refused atomic.Int32
	for range 50 {
		polls.Go(func() {
			a := s.poll(d.DeviceCode)
			switch {
			case a.StatusCode == http.StatusOK:
				tokens.Add(1)
			case strings.Contains(string(a.body), wire.CodeInvalidGrant):
				refused.Add(1)
			default:
				t.Errorf("got %s %s", a.Status, a.body)
			}
		})
	}
	polls.Wait()
	if tokens.Load() != 1 || refused.Load() != 49 {
		t.Errorf("got %d tokens and %d invalid_grant, want 1 and 49", tokens.Load(), refused.Load())
	}
}

func TestUserInfoIsRefused(t *testing.T) {
	s := serve(t, budget.Limits{})
	none := func(*http.Request) {}
	for name, change := range map[string]func(*http.Request){
		"without a token":          none,
		"with an unknown token":    bearer("guess"),
		"with an empty token":      bearer(""),
		"with another auth scheme": basicAuth("x", "y"),
	} {
		a := s.send(http.MethodGet, wire.PathUserInfo, "", change)
		if a.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: got %s, WWW-Authenticate %q; want 401 Bearer", name, a.Status, a.Header.Get("WWW-Authenticate"))
		}
		if told := strings.Contains(string(a.body)+a.Header.Get("WWW-Authenticate"), wire.CodeInvalidToken); told != (name == "with an unknown token") {
			t.Errorf("%s: invalid_token in the answer: %t", name, told)
		}
	}
}

func TestARevokedTokenIsDead(t *testing.T) {
	s := serve(t, budget.Limits{})
	ada := s.Join("Ada")
	d := s.begin(nil)
	s.Approve(ada, grantID(d.DeviceCode))
	var tok wire.Token
	if err := json.Unmarshal(s.poll(d.DeviceCode).body, &tok); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"client_id": {string(logintest.App)}, "token": {tok.AccessToken}}
	for range 2 {
		if a := s.post(wire.PathRevoke, form); a.StatusCode != http.StatusOK {
			t.Errorf("revoke: got %s, want 200 whether known or not", a.Status)
		}
	}
	if a := s.send(http.MethodGet, wire.PathUserInfo, "", bearer(tok.AccessToken)); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("userinfo afterwards: got %s, want 401", a.Status)
	}
}

func TestNothingSecretIsLogged(t *testing.T) {
	s := serve(t, budget.Limits{})
	d := s.begin(nil)
	s.poll(d.DeviceCode)
	s.poll("a-wrong-device-code")
	s.send(http.MethodGet, wire.PathUserInfo, "", bearer("a-wrong-token"))
	for _, sensitive := range []string{d.DeviceCode, d.UserCode, "a-wrong-device-code", "a-wrong-token"} {
		if strings.Contains(s.log.String(), sensitive) {
			t.Errorf("the log has %q in it", sensitive)
		}
	}
}

func TestABrokenStoreIsAClearErrorThatLeaksNothing(t *testing.T) {
	s := serve(t, budget.Limits{})
	s.begin(nil) // fills the client cache
	for name, tt := range map[string]struct {
		err        error
		status     int
		code       string
		retryAfter string
	}{
		"while it is full":            {store.ErrUnavailable, 503, wire.CodeUnavailable, "5"},
		"while it has too much to do": {store.ErrOverloaded, 503, wire.CodeUnavailable, "1"},
		"when nobody knows what":      {errors.New("disk sector 7 of /var/lib/secret"), 500, wire.CodeServerError, ""},
	} {
		s.Service.Store = failing{s.Service.Store, tt.err}
		a := s.post(wire.PathDeviceAuthorization, url.Values{"client_id": {string(logintest.App)}})
		if got := a.oauthError(t); a.StatusCode != tt.status || got != tt.code {
			t.Errorf("%s: got %d %s, want %d %s", name, a.StatusCode, got, tt.status, tt.code)
		}
		if strings.Contains(string(a.body), "sector") {
			t.Errorf("%s: the cause leaked: %s", name, a.body)
		}
		if got := a.Header.Get("Retry-After"); got != tt.retryAfter {
			t.Errorf("%s: got Retry-After %q, want %q", name, got, tt.retryAfter)
		}
		s.Service.Store = s.Service.Store.(failing).Store
	}
}
