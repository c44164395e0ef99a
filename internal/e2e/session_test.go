package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
	"github.com/qrauthd/qrauthd/resource"
)

// shelf is a store in memory, whose records a test can age.
type shelf struct {
	mu   sync.Mutex
	kept map[string][]byte // guarded by mu
}

func (s *shelf) Load(key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.kept[key]
	if !ok {
		return nil, desktop.ErrNotFound
	}
	return data, nil
}

func (s *shelf) Save(key string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil {
		s.kept = map[string][]byte{}
	}
	s.kept[key] = data
	return nil
}

func (s *shelf) Delete(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, key)
	return nil
}

// age makes the kept access token one that has run out, and returns the refresh token.
func (s *shelf) age(t *testing.T) (refresh string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, data := range s.kept {
		record := map[string]any{}
		if json.Unmarshal(data, &record) != nil || record["expiry"] == nil {
			continue // the key
		}
		refresh, _ = record["refresh_token"].(string)
		record["expiry"] = time.Now().Add(-time.Hour)
		data, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		s.kept[key] = data
	}
	return refresh
}

// enter signs somebody in by the SDK.
func enter(t *testing.T, c *desktop.Client, p *phone) *desktop.Session {
	t.Helper()
	login := begin(t, c)
	p.open(login.Current().Link())
	p.press("Approve")
	session := signedIn(t, login)
	p.see("You're signed in on ")
	return session
}

func TestAKeptSessionRefreshesItselfUntilItIsRevoked(t *testing.T) {
	s := serve(t)
	p := newPhone(t)
	p.signUp(s, "Ada")
	store := new(shelf)
	if err := enter(t, sdk(t, s.issuer), p).Save(store); err != nil {
		t.Fatal(err)
	}
	used := store.age(t)
	session, err := sdk(t, s.issuer).Restore(t.Context(), store) // the next start
	if err != nil {
		t.Fatal(err)
	}
	if who := name(t, session); who != "Ada" {
		t.Errorf("got a session of %q, want Ada's", who)
	}
	if now := store.age(t); now == used || now == "" {
		t.Error("the store keeps the refresh token that was used")
	}
	// A thief of the store's old copy, without the key.
	var meta wire.Metadata
	getJSON(t, s.issuer+wire.WellKnownMetadata, &meta)
	r, err := http.Post(meta.TokenEndpoint, "application/x-www-form-urlencoded",
		strings.NewReader("grant_type=refresh_token&client_id="+demoClient+"&refresh_token="+used))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if body, _ := io.ReadAll(r.Body); r.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "invalid_grant") {
		t.Errorf("a thief got %s %s", r.Status, body)
	}
	if _, err := sdk(t, s.issuer).Restore(t.Context(), store); !errors.Is(err, desktop.ErrNoSession) {
		t.Errorf("the next start: got %v, want ErrNoSession, for somebody has a copy", err)
	}
}

// TestAnAPITrustsADesktop: the vendor's backend verifies by what the server
// publishes, and no copy of a token works in it.
func TestAnAPITrustsADesktop(t *testing.T) {
	s := serve(t)
	api := httptest.NewUnstartedServer(nil)
	audience := "http://" + api.Listener.Addr().String()
	s.operate(t, "client", "add", "acme", "--name", "Acme Studio", "--scope", "openid", "--scope", "profile",
		"--scope", "offline_access", "--scope", "files.read", "--resource", audience)
	sec := s.confidential(t, "acme-api", "--introspects", audience)
	v, err := resource.New(resource.Config{
		Issuer: s.issuer, Audience: audience, BaseURL: audience, NonceKey: []byte(strings.Repeat("n", 32)),
		Introspection: &resource.Introspection{ClientID: "acme-api", ClientSecret: sec, CacheFor: -1},
	})
	if err != nil {
		t.Fatal(err)
	}
	api.Config.Handler = v.Require("files.read")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _ := resource.From(r.Context())
		_, _ = io.WriteString(w, "files of "+caller.Subject+"\n")
	}))
	api.Start()
	defer api.Close()

	p := newPhone(t)
	p.signUp(s, "Ada")
	session := enter(t, sdk(t, s.issuer, func(c *desktop.Config) { c.ClientID = "acme" }), p)
	info, err := session.UserInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(c *http.Client, change ...func(*http.Request)) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, audience+"/files", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range change {
			f(r)
		}
		answer, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(body)
	}
	if code, body := ask(session.HTTPClient()); code != http.StatusOK || body != "files of "+info.Subject+"\n" {
		t.Errorf("the desktop got %d %q", code, body)
	}
	app := terminal(t, s.issuer, "--client-id", "acme", "--call", audience+"/files")
	p.open(app.line("link: "))
	p.press("Approve")
	app.line("200 OK")
	if said := app.line("files of "); said != info.Subject || app.exit() != 0 {
		t.Errorf("the demo got the files of %q, want those of %q", said, info.Subject)
	}
	tok, err := session.Token()
	if err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []string{"Bearer", "DPoP"} {
		if code, _ := ask(http.DefaultClient, func(r *http.Request) { r.Header.Set("Authorization", scheme+" "+tok.AccessToken) }); code != http.StatusUnauthorized {
			t.Errorf("a stolen token as %s: got %d, want 401", scheme, code)
		}
	}
	used := session.HTTPClient()
	if err := session.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := used.Get(audience + "/files"); !errors.Is(err, desktop.ErrSignedOut) {
		t.Errorf("after the sign-out: got %v, want ErrSignedOut", err)
	}
}

// TestKeysRotateWhileTokensAreVerified: a verifier that asks for unknown keys, as
// libraries do, never fails.
func TestKeysRotateWhileTokensAreVerified(t *testing.T) {
	s := serve(t)
	p := newPhone(t)
	p.signUp(s, "Ada")
	rp := newRelyingParty(t, s.issuer, demoClient, "")
	first := rp.device(p)
	raw, _ := first.Extra("id_token").(string)
	verifier := rp.provider.VerifierContext(rp.ctx, &oidc.Config{ClientID: demoClient})

	ctx, stop := context.WithCancel(rp.ctx)
	var verified sync.WaitGroup
	for range 4 {
		verified.Go(func() {
			for ctx.Err() == nil {
				if _, err := verifier.Verify(rp.ctx, raw); err != nil {
					t.Errorf("during the rotation: %v", err)
					return
				}
			}
		})
	}
	s.operate(t, "keys", "rotate")
	until(t, "the next key is published", func() bool {
		var set struct{ Keys []json.RawMessage }
		getJSON(t, s.issuer+wire.PathJWKS, &set)
		return len(set.Keys) == 2
	})
	tok := first
	for range 20 {
		tok = rp.refresh(tok)
		rp.verify(tok)
	}
	stop()
	verified.Wait()

	// A key that leaked goes at once, and what it signed with it.
	s.operate(t, "keys", "rotate", "--now")
	until(t, "the old tokens have ended", func() bool {
		_, err := rp.userInfo(tok)
		return err != nil
	})
	rp.verify(rp.refresh(tok))
}
