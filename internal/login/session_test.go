package login_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/keyring"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/token"
	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestATokenIsWorthNothingWithoutItsKey(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	key := w.Key()
	bound := w.SignIn(ada, logintest.App, key)
	free := w.SignIn(ada, logintest.App, logintest.NoKey)
	tests := []struct {
		name string
		a    login.Access
		err  error
	}{
		{"a bound one with a proof of its key", w.Access(key, bound.Access), nil},
		{"a bound one without a proof", w.Access(logintest.NoKey, bound.Access), login.ErrUnknownToken},
		{"a bound one with a proof of another key", w.Access(w.Key(), bound.Access), login.ErrUnknownToken},
		{"a bearer token as such", w.Access(logintest.NoKey, free.Access), nil},
		{"a bearer token with a proof", w.Access(key, free.Access), login.ErrUnknownToken},
		{"an ID token", w.Access(logintest.NoKey, free.ID), login.ErrUnknownToken},
		{"a refresh token", w.Access(logintest.NoKey, free.Refresh), login.ErrUnknownToken},
		{"nothing", login.Access{}, login.ErrUnknownToken},
		{"chance", login.Access{Token: secret.Must()}, login.ErrUnknownToken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := w.UserInfo(t.Context(), tt.a)
			if !errors.Is(err, tt.err) || (c.User.ID == ada.User.ID) != (tt.err == nil) {
				t.Errorf("got %q, %v; want %v", c.User.ID, err, tt.err)
			}
		})
	}
}

func TestAnAccessTokenEnds(t *testing.T) {
	tests := []struct {
		name string
		end  func(t *testing.T, w *logintest.World, ada *logintest.Person, tokens login.Tokens, code secret.Text) error
	}{
		{"at its time", func(_ *testing.T, w *logintest.World, _ *logintest.Person, _ login.Tokens, _ secret.Text) error {
			w.Clock.Advance(login.DefaultAccessLifetime)
			return nil
		}},
		{"when it is revoked", func(t *testing.T, w *logintest.World, _ *logintest.Person, tokens login.Tokens, _ secret.Text) error {
			return w.Revoke(t.Context(), logintest.App, tokens.Access, logintest.Home)
		}},
		{"when its refresh token is revoked", func(t *testing.T, w *logintest.World, _ *logintest.Person, tokens login.Tokens, _ secret.Text) error {
			return w.Revoke(t.Context(), logintest.App, tokens.Refresh, logintest.Home)
		}},
		{"when a refresh token of before is revoked", func(t *testing.T, w *logintest.World, _ *logintest.Person, tokens login.Tokens, _ secret.Text) error {
			refresh(t, w, logintest.NoKey, tokens.Refresh)
			return w.Revoke(t.Context(), logintest.App, tokens.Refresh, logintest.Home)
		}},
		{"when the device code is revoked", func(t *testing.T, w *logintest.World, _ *logintest.Person, _ login.Tokens, code secret.Text) error {
			return w.Revoke(t.Context(), logintest.App, code, logintest.Home)
		}},
		{"with the account", func(_ *testing.T, w *logintest.World, ada *logintest.Person, _ login.Tokens, _ secret.Text) error {
			w.Update(func(tx store.Tx) error { return tx.RemoveUser(ada.User.ID) })
			return nil
		}},
		{"when the account is disabled", func(_ *testing.T, w *logintest.World, ada *logintest.Person, _ login.Tokens, _ secret.Text) error {
			disable(w, ada.User)
			return nil
		}},
		{"with its client", func(_ *testing.T, w *logintest.World, _ *logintest.Person, _ login.Tokens, _ secret.Text) error {
			w.Update(func(tx store.Tx) error { return tx.RemoveClient(logintest.App) })
			return nil
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := logintest.New(t)
			w.Clock.Stop()
			ada := w.Join("Ada")
			g, code := w.Start(logintest.App)
			w.Approve(ada, g.ID)
			tokens, err := w.Redeem(t.Context(), w.Request(logintest.App, logintest.NoKey), code)
			if err != nil {
				t.Fatal(err)
			}
			w.Clock.Advance(login.DefaultAccessLifetime - time.Second)
			if !live(t, w, logintest.NoKey, tokens.Access) {
				t.Fatal("it is over before")
			}
			w.Clock.Advance(-time.Minute)
			if err := tt.end(t, w, ada, tokens, code); err != nil {
				t.Fatal(err)
			}
			if live(t, w, logintest.NoKey, tokens.Access) {
				t.Error("it is live")
			}
		})
	}
}

func TestWhoseTokenItIsOnlyTheirsRevokes(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	other := w.AddClient(auth.Client{ID: "another-app", Name: "Another"})
	tokens := w.SignIn(ada, logintest.App, logintest.NoKey)
	for name, tok := range map[string]secret.Text{"access": tokens.Access, "refresh": tokens.Refresh, "ID": tokens.ID} {
		if err := w.Revoke(t.Context(), other.ID, tok, logintest.Home); err != nil || !live(t, w, logintest.NoKey, tokens.Access) {
			t.Errorf("%s token, by another client: got %v, live %t; want no error and no effect", name, err, live(t, w, logintest.NoKey, tokens.Access))
		}
	}
	w.Clock.Advance(login.DefaultAccessLifetime)
	if err := w.Revoke(t.Context(), logintest.App, tokens.Access, logintest.Home); err != nil || len(w.Sessions(ada)) != 0 {
		t.Errorf("an access token whose time is over: got %v, %d sessions; want the session ended", err, len(w.Sessions(ada)))
	}
}

func TestUserInfoTakesOpenID(t *testing.T) {
	w := logintest.New(t)
	w.AddClient(auth.Client{ID: "api-only", Name: "API only", Scopes: auth.Scopes{"offline_access"}})
	tokens := w.SignIn(w.Join("Ada"), "api-only", logintest.NoKey)
	if !tokens.ID.IsZero() {
		t.Error("an ID token came without openid")
	}
	if c, err := w.UserInfo(t.Context(), w.Access(logintest.NoKey, tokens.Access)); !errors.Is(err, login.ErrScopeMissing) || c.User.ID != "" {
		t.Errorf("got %q, %v; want ErrScopeMissing", c.User.ID, err)
	}
}

func TestASubjectIsTheClientsOwn(t *testing.T) {
	w := logintest.New(t)
	ada, eve := w.Join("Ada"), w.Join("Eve")
	pair := []auth.ClientID{"pair-1", "pair-2"}
	secrets := make(map[auth.ClientID]auth.Client)
	for _, id := range append(pair, "public-1", "public-2") {
		secrets[id], _ = w.AddSecretClient(auth.Client{ID: id, Name: string(id), Pairwise: slices.Contains(pair, id)})
	}
	// subject is the one that all the tokens of a sign-in speak of.
	subject := func(p *logintest.Person, id auth.ClientID) string {
		t.Helper()
		tokens := w.SignIn(p, id, logintest.NoKey)
		want := accessClaims(t, w, tokens.Access).Subject
		told := map[string]any{"ID token": payload(t, tokens.ID)["sub"]}
		info, err := w.UserInfo(t.Context(), w.Access(logintest.NoKey, tokens.Access))
		if err != nil {
			t.Fatal(err)
		}
		told["userinfo"] = info.Subject
		for name, tok := range map[string]secret.Text{"introspection": tokens.Access, "introspection of the refresh token": tokens.Refresh} {
			i, err := w.Introspect(t.Context(), secrets[id], tok)
			if err != nil {
				t.Fatal(err)
			}
			told[name] = i.Subject
		}
		next, err := w.Refresh(t.Context(), w.Refreshing(id, logintest.NoKey, tokens.Refresh))
		if err != nil {
			t.Fatal(err)
		}
		told["refreshed access token"] = payload(t, next.Access)["sub"]
		told["refreshed ID token"] = payload(t, next.ID)["sub"]
		for name, got := range told {
			if got != want || want == "" {
				t.Errorf("%s of %s: got %q, want the access token's %q", name, id, got, want)
			}
		}
		return want
	}
	for _, id := range []auth.ClientID{"public-1", "public-2"} {
		if got := subject(ada, id); got != string(ada.User.ID) {
			t.Errorf("%s: got %q, want the account's own", id, got)
		}
	}
	first := subject(ada, "pair-1")
	if again := subject(ada, "pair-1"); again != first {
		t.Errorf("at the next sign-in: got %q, want the %q of before", again, first)
	}
	seen := []string{string(ada.User.ID), string(eve.User.ID), first, subject(ada, "pair-2"), subject(eve, "pair-1"), subject(eve, "pair-2")}
	slices.Sort(seen)
	if n := len(slices.Compact(seen)); n != 6 {
		t.Errorf("got %d subjects for two people at two clients and their own names, want 6", n)
	}
	// A node that starts later tells the same.
	if set, err := w.Node().Keys.Read(t.Context()); err != nil || !slices.Equal(set.Subjects, mustRead(t, w).Subjects) {
		t.Errorf("another node derives other subjects: %v", err)
	}
}

func mustRead(t *testing.T, w *logintest.World) *keyring.Set {
	t.Helper()
	set, err := w.Keys.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestWhatTokensSay(t *testing.T) {
	const api, files = "https://api.example", "https://files.example"
	w := logintest.New(t)
	w.Clock.Stop()
	ada := w.Join("Ada")
	w.AddClient(auth.Client{ID: "app", Name: "App", Resources: []string{api, files}})
	client, _ := w.Client(t.Context(), "app")
	key := w.Key()
	g, code, err := w.Service.Start(t.Context(), login.StartRequest{Client: client, Origin: logintest.Home, Nonce: "the client's nonce"})
	if err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(30 * time.Second)
	authTime := w.Clock.Now()
	w.Approve(ada, g.ID)
	w.Clock.Advance(10 * time.Second)
	r := w.Request("app", key)
	r.Resources = []string{files}
	tokens, err := w.Redeem(t.Context(), r, code)
	if err != nil {
		t.Fatal(err)
	}
	now, sid := w.Clock.Now(), string(w.Sessions(ada)[0].ID)
	access := accessClaims(t, w, tokens.Access)
	want := token.AccessClaims{
		Issuer: w.Config.Issuer, Subject: string(ada.User.ID), ClientID: "app", ID: access.ID,
		Audience: []string{files}, SessionID: sid, Scope: "openid profile offline_access",
		IssuedAt: now.UTC(), ExpiresAt: now.Add(login.DefaultAccessLifetime).UTC(), AuthTime: authTime.UTC(),
		KeyThumbprint: key.Thumbprint(),
	}
	if diff := cmp.Diff(want, access); diff != "" || access.ID == "" {
		t.Errorf("access token (-want +got):\n%s", diff)
	}
	id := payload(t, tokens.ID)
	wantID := map[string]any{
		"iss": w.Config.Issuer, "sub": string(ada.User.ID), "aud": "app", "nonce": "the client's nonce", "sid": sid,
		"iat": float64(now.Unix()), "exp": float64(now.Add(login.DefaultAccessLifetime).Unix()), "auth_time": float64(authTime.Unix()),
		"acr": "phr", "amr": []any{"pop", "user", "mfa"}, "at_hash": id["at_hash"],
	}
	if diff := cmp.Diff(wantID, id); diff != "" || id["at_hash"] == nil {
		t.Errorf("ID token (-want +got):\n%s", diff)
	}
	// The next ones tell of the same sign-in, but repeat no nonce (OpenID Connect Core section 12.2).
	w.Clock.Advance(time.Hour)
	next, err := w.Refresh(t.Context(), w.Refreshing("app", key, tokens.Refresh))
	if err != nil {
		t.Fatal(err)
	}
	wantID["iat"], wantID["exp"] = float64(w.Clock.Now().Unix()), float64(w.Clock.Now().Add(login.DefaultAccessLifetime).Unix())
	id = payload(t, next.ID)
	delete(wantID, "nonce")
	wantID["at_hash"] = id["at_hash"]
	if diff := cmp.Diff(wantID, id); diff != "" {
		t.Errorf("refreshed ID token (-want +got):\n%s", diff)
	}
	if got := accessClaims(t, w, next.Access).Audience; !slices.Equal(got, []string{api, files}) {
		t.Errorf("a refresh that names no resource: got %q, want all that was granted", got)
	}
}

func TestAnAccessTokenIsForTheResourcesThatWereAskedFor(t *testing.T) {
	const api, files, other = "https://api.example", "https://files.example", "https://other.example"
	w := logintest.New(t)
	ada := w.Join("Ada")
	w.AddClient(auth.Client{ID: "app", Name: "App", Resources: []string{api, files}})
	tests := []struct {
		name       string
		client     auth.ClientID
		start, ask []string
		want       []string
		startErr   error
		err        error
	}{
		{"none is named: all that the client has", "app", nil, nil, []string{api, files}, nil, nil},
		{"one is named at the start", "app", []string{files}, nil, []string{files}, nil, nil},
		{"one is named in the end", "app", nil, []string{api}, []string{api}, nil, nil},
		{"one that was not named at the start", "app", []string{files}, []string{api}, nil, nil, login.ErrTarget},
		{"one that the client has not", "app", []string{other}, nil, nil, login.ErrTarget, nil},
		{"a client that has none is the issuer's", logintest.App, nil, nil, []string{w.Config.Issuer}, nil, nil},
		{"and may ask for none", logintest.App, []string{api}, nil, nil, login.ErrTarget, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, _ := w.Client(t.Context(), tt.client)
			g, code, err := w.Service.Start(t.Context(), login.StartRequest{Client: client, Origin: logintest.Home, Resources: tt.start})
			if !errors.Is(err, tt.startErr) {
				t.Fatalf("start: got %v, want %v", err, tt.startErr)
			}
			if err != nil {
				return
			}
			w.Approve(ada, g.ID)
			r := w.Request(tt.client, logintest.NoKey)
			r.Resources = tt.ask
			tokens, err := w.Redeem(t.Context(), r, code)
			if !errors.Is(err, tt.err) {
				t.Fatalf("redeem: got %v, want %v", err, tt.err)
			}
			if err != nil {
				if _, err := w.Redeem(t.Context(), w.Request(tt.client, logintest.NoKey), code); err != nil {
					t.Errorf("after what was refused: %v", err)
				}
				return
			}
			if got := accessClaims(t, w, tokens.Access).Audience; !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestWhoMayIntrospectWhat(t *testing.T) {
	const api, files = "https://api.example", "https://files.example"
	w := logintest.New(t)
	ada := w.Join("Ada")
	owner, _ := w.AddSecretClient(auth.Client{ID: "owner", Name: "Owner", Resources: []string{api, files}, Pairwise: true})
	server, _ := w.AddSecretClient(auth.Client{ID: "api", Name: "API", Introspects: []string{"https://x.example", api}})
	stranger, _ := w.AddSecretClient(auth.Client{ID: "stranger", Name: "Stranger", Resources: []string{api}, Introspects: []string{"https://x.example"}})
	elsewhere, _ := w.AddSecretClient(auth.Client{ID: "elsewhere", Name: "Elsewhere", Introspects: []string{api}, Resources: []string{api}})
	key := w.Key()
	tokens := w.SignIn(ada, "owner", key)
	r := w.Refreshing("owner", key, tokens.Refresh)
	r.Resources = []string{files}
	narrow, err := w.Refresh(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		by     auth.Client
		tok    secret.Text
		active bool
	}{
		{"its own access token", owner, tokens.Access, true},
		{"its own refresh token", owner, narrow.Refresh, true},
		{"its own refresh token of before", owner, tokens.Refresh, false},
		{"its own ID token", owner, tokens.ID, false},
		{"chance", owner, secret.Must(), false},
		{"nothing", owner, secret.Text{}, false},
		{"a guess at a refresh token", owner, familyAnd(".never")(tokens.Refresh), false},
		{"who serves the resource, its access token", server, tokens.Access, true},
		{"who serves the resource, an access token for another", server, narrow.Access, false},
		{"who serves the resource, a refresh token", server, narrow.Refresh, false},
		{"who serves another resource", stranger, tokens.Access, false},
		{"any other, a refresh token", stranger, narrow.Refresh, false},
		{"a client that serves the resource and uses it", elsewhere, tokens.Access, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := w.Introspect(t.Context(), tt.by, tt.tok)
			if err != nil || got.Active != tt.active {
				t.Fatalf("got active %t, %v; want %t", got.Active, err, tt.active)
			}
			if diff := cmp.Diff(wire.Introspection{}, got); !tt.active && diff != "" {
				t.Errorf("what is not active tells something (-nothing +got):\n%s", diff)
			}
		})
	}
	client, _ := w.Client(t.Context(), logintest.App)
	own := w.SignIn(ada, logintest.App, logintest.NoKey)
	if got, err := w.Introspect(t.Context(), client, own.Access); !errors.Is(err, login.ErrClientAuth) || got.Active {
		t.Errorf("a public client: got active %t, %v; want ErrClientAuth", got.Active, err)
	}
	ended := map[string]func(){
		"when its time is over": func() { w.Clock.Advance(login.DefaultAccessLifetime) },
		"for a disabled person": func() { w.Clock.Advance(-login.DefaultAccessLifetime); disable(w, ada.User) },
	}
	for _, name := range []string{"when its time is over", "for a disabled person"} {
		ended[name]()
		if got, err := w.Introspect(t.Context(), server, tokens.Access); err != nil || cmp.Diff(wire.Introspection{}, got) != "" {
			t.Errorf("%s: got %+v, %v; want nothing but inactive", name, got, err)
		}
	}
	if got, err := w.Introspect(t.Context(), owner, narrow.Refresh); err != nil || got.Active {
		t.Errorf("the refresh token of a disabled person: got active %t, %v", got.Active, err)
	}
}

func TestWhatIntrospectionSays(t *testing.T) {
	w := logintest.New(t)
	w.Clock.Stop()
	ada := w.Join("Ada")
	client, _ := w.AddSecretClient(auth.Client{ID: "backend", Name: "Backend"})
	for name, key := range map[string]dpop.Key{"DPoP": w.Key(), "Bearer": logintest.NoKey} {
		tokens := w.SignIn(ada, client.ID, key)
		c := accessClaims(t, w, tokens.Access)
		var bound *wire.Confirmation
		if !key.IsZero() {
			bound = &wire.Confirmation{KeyThumbprint: key.Thumbprint()}
		}
		want := wire.Introspection{
			Active: true, Scope: c.Scope, ClientID: "backend", TokenType: name, ExpiresAt: c.ExpiresAt.Unix(), IssuedAt: c.IssuedAt.Unix(),
			Subject: string(ada.User.ID), Audience: []string{w.Config.Issuer}, Issuer: w.Config.Issuer, ID: c.ID, SessionID: c.SessionID, Bound: bound,
		}
		got, err := w.Introspect(t.Context(), client, tokens.Access)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
		got, err = w.Introspect(t.Context(), client, tokens.Refresh)
		want = wire.Introspection{
			Active: true, Scope: c.Scope, ClientID: "backend", ExpiresAt: w.Clock.Now().Add(login.DefaultSessionIdle).Unix(),
			IssuedAt: c.IssuedAt.Unix(), Subject: string(ada.User.ID), Issuer: w.Config.Issuer, SessionID: c.SessionID, Bound: bound,
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("refresh token of %s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}
