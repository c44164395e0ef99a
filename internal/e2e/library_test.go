package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// relyingParty is an app that knows nothing but the issuer's address, with the
// libraries that Go programs have for it.
type relyingParty struct {
	t        *testing.T
	ctx      context.Context
	issuer   string
	provider *oidc.Provider
	config   oauth2.Config
	extra    struct {
		Revocation    string `json:"revocation_endpoint"`
		Introspection string `json:"introspection_endpoint"`
	}
}

func newRelyingParty(t *testing.T, issuer, id, sec string) *relyingParty {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(stop)
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		t.Fatal(err)
	}
	rp := &relyingParty{t: t, ctx: ctx, issuer: issuer, provider: provider}
	rp.config = oauth2.Config{
		ClientID: id, ClientSecret: sec, Endpoint: provider.Endpoint(),
		Scopes: []string{oidc.ScopeOpenID, "profile", oidc.ScopeOfflineAccess},
	}
	if err := provider.Claims(&rp.extra); err != nil {
		t.Fatal(err)
	}
	return rp
}

// device signs in by the device grant.
func (rp *relyingParty) device(p *phone) *oauth2.Token {
	rp.t.Helper()
	auth, err := rp.config.DeviceAuth(rp.ctx)
	if err != nil {
		rp.t.Fatal(err)
	}
	p.open(auth.VerificationURIComplete)
	p.press("Approve")
	auth.Interval = 1
	tok, err := rp.config.DeviceAccessToken(rp.ctx, auth)
	if err != nil {
		rp.t.Fatal(err)
	}
	p.see("You're signed in on ")
	return tok
}

// code signs in by the authorization code, on a port that nobody has registered.
func (rp *relyingParty) code(p *phone) *oauth2.Token {
	rp.t.Helper()
	answers := make(chan url.Values, 1)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/callback" {
			answers <- r.URL.Query()
		}
	}))
	defer app.Close()
	_, port, _ := net.SplitHostPort(app.Listener.Addr().String())
	rp.config.RedirectURL = "http://127.0.0.1:" + port + "/callback"
	verifier, state, nonce := oauth2.GenerateVerifier(), "the state", "the nonce"
	p.open(rp.config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier), oidc.Nonce(nonce)))
	p.press("Approve")
	var answer url.Values
	select {
	case answer = <-answers:
	case <-rp.ctx.Done():
		rp.t.Fatalf("the browser has not come back; its page says:\n%s", p.text())
	}
	if answer.Get("state") != state || answer.Get("iss") != rp.issuer {
		rp.t.Errorf("came back with state %q and iss %q, want %q and %q", answer.Get("state"), answer.Get("iss"), state, rp.issuer)
	}
	tok, err := rp.config.Exchange(rp.ctx, answer.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		rp.t.Fatal(err)
	}
	if got := rp.verify(tok).Nonce; got != nonce {
		rp.t.Errorf("nonce: got %q, want %q", got, nonce)
	}
	return tok
}

// verify checks the ID token and the access token's hash in it.
func (rp *relyingParty) verify(tok *oauth2.Token) *oidc.IDToken {
	rp.t.Helper()
	raw, _ := tok.Extra("id_token").(string)
	id, err := rp.provider.VerifierContext(rp.ctx, &oidc.Config{ClientID: rp.config.ClientID}).Verify(rp.ctx, raw)
	if err != nil {
		rp.t.Fatal(err)
	}
	if err := id.VerifyAccessToken(tok.AccessToken); err != nil {
		rp.t.Error(err)
	}
	return id
}

func (rp *relyingParty) userInfo(tok *oauth2.Token) (*oidc.UserInfo, error) {
	return rp.provider.UserInfo(rp.ctx, oauth2.StaticTokenSource(tok))
}

// refresh has the library take its access token for run out.
func (rp *relyingParty) refresh(tok *oauth2.Token) *oauth2.Token {
	rp.t.Helper()
	next, err := rp.config.TokenSource(rp.ctx, &oauth2.Token{RefreshToken: tok.RefreshToken}).Token()
	if err != nil {
		rp.t.Fatal(err)
	}
	if next.RefreshToken == tok.RefreshToken || next.AccessToken == tok.AccessToken {
		rp.t.Error("a refresh yielded old tokens")
	}
	return next
}

// post sends a form as a client that has a secret.
func (rp *relyingParty) post(endpoint, id, sec string, form url.Values) []byte {
	rp.t.Helper()
	r, err := http.NewRequestWithContext(rp.ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		rp.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if sec != "" {
		r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(sec))
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		rp.t.Fatal(err)
	}
	defer resp.Body.Close()
	var body json.RawMessage
	if err := json.NewDecoder(resp.Body).Decode(&body); resp.StatusCode != http.StatusOK || err != nil && resp.ContentLength != 0 {
		rp.t.Fatalf("%s: %s %s (%v)", endpoint, resp.Status, body, err)
	}
	return body
}

// revoke ends what the token stands for.
func (rp *relyingParty) revoke(tok string) {
	rp.t.Helper()
	id, sec := rp.config.ClientID, rp.config.ClientSecret
	rp.post(rp.extra.Revocation, id, sec, url.Values{"token": {tok}, "client_id": {id}})
}

// backend is the client that serves the resource, and may ask about its tokens.
type backend struct{ id, sec string }

func (b backend) active(rp *relyingParty, tok string) bool {
	rp.t.Helper()
	var answer struct{ Active bool }
	if err := json.Unmarshal(rp.post(rp.extra.Introspection, b.id, b.sec, url.Values{"token": {tok}}), &answer); err != nil {
		rp.t.Fatal(err)
	}
	return answer.Active
}

func TestGosLibrariesCompleteEveryFlow(t *testing.T) {
	s := serve(t)
	// x/oauth2 does not authenticate at the device authorization endpoint, so its
	// device is a public client.
	web := s.confidential(t, "kiosk", "--redirect-uri", "http://127.0.0.1/callback")
	api := backend{"api", s.confidential(t, "api", "--introspects", s.issuer)}
	p := newPhone(t)
	p.signUp(s, "Ada")
	for name, tt := range map[string]struct {
		id, sec string
		signIn  func(*relyingParty, *phone) *oauth2.Token
	}{
		"by the device grant":       {demoClient, "", (*relyingParty).device},
		"by the authorization code": {"kiosk", web, (*relyingParty).code},
	} {
		t.Run(name, func(t *testing.T) {
			rp := newRelyingParty(t, s.issuer, tt.id, tt.sec)
			first := tt.signIn(rp, p.in(t))
			id := rp.verify(first)
			tok := rp.refresh(first)
			if again := rp.verify(tok); again.Subject != id.Subject {
				t.Errorf("after a refresh the subject is %q, want %q", again.Subject, id.Subject)
			}
			info, err := rp.userInfo(tok)
			var claims struct{ Name string }
			if err != nil || info.Claims(&claims) != nil || info.Subject != id.Subject || claims.Name != "Ada" {
				t.Errorf("userinfo: got %+v, %v; want Ada's", claims, err)
			}
			if !api.active(rp, tok.AccessToken) {
				t.Error("a live token is not active")
			}
			rp.revoke(tok.RefreshToken)
			if api.active(rp, tok.AccessToken) {
				t.Error("the access token of a revoked refresh token is active")
			}
			var refused *oauth2.RetrieveError
			_, err = rp.config.TokenSource(rp.ctx, &oauth2.Token{RefreshToken: tok.RefreshToken}).Token()
			if !errors.As(err, &refused) || refused.ErrorCode != "invalid_grant" {
				t.Errorf("a refresh after the revocation: got %v, want invalid_grant", err)
			}
		})
	}
}
