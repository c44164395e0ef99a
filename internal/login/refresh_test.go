package login_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// live reports whether the access token is worth something at this server.
func live(t *testing.T, w *logintest.World, k dpop.Key, tok secret.Text) bool {
	t.Helper()
	_, err := w.UserInfo(t.Context(), w.Access(k, tok))
	if err != nil && !errors.Is(err, login.ErrUnknownToken) {
		t.Fatalf("userinfo: %v", err)
	}
	return err == nil
}

// refresh is one that the test takes for granted.
func refresh(t *testing.T, w *logintest.World, k dpop.Key, tok secret.Text) login.Tokens {
	t.Helper()
	next, err := w.Refresh(t.Context(), w.Refreshing(logintest.App, k, tok))
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func TestARefreshTokenComesWithOfflineAccessOnly(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	w.AddClient(auth.Client{ID: "kiosk", Name: "Kiosk", Scopes: auth.Scopes{"openid"}})
	tokens := w.SignIn(ada, "kiosk", logintest.NoKey)
	if !tokens.Refresh.IsZero() {
		t.Error("there is a refresh token without offline_access")
	}
	session := w.Sessions(ada)[0]
	if !session.Family.IsZero() {
		t.Error("the session has a family of refresh tokens")
	}
	if lasts := session.ExpiresAt.Sub(session.CreatedAt); lasts != login.DefaultAccessLifetime {
		t.Errorf("the session lasts %s, want as long as its access token", lasts)
	}
	if !live(t, w, logintest.NoKey, tokens.Access) {
		t.Error("the access token is not live")
	}
	w.Clock.Advance(login.DefaultAccessLifetime)
	if live(t, w, logintest.NoKey, tokens.Access) {
		t.Error("the session outlives its access token")
	}
}

func TestARefreshRotates(t *testing.T) {
	for name, key := range keys(t) {
		t.Run(name, func(t *testing.T) {
			w := logintest.New(t)
			ada := w.Join("Ada")
			first := w.SignIn(ada, logintest.App, key)
			second := refresh(t, w, key, first.Refresh)
			if second.Refresh == first.Refresh || second.Access == first.Access {
				t.Error("the tokens are the same as before")
			}
			session := w.Sessions(ada)[0]
			if session.Generation != 1 {
				t.Errorf("got generation %d, want 1", session.Generation)
			}
			// The former access token goes on until its own end: it is the same session.
			if !live(t, w, key, first.Access) || !live(t, w, key, second.Access) {
				t.Error("an access token of the session is not live")
			}
			third := refresh(t, w, key, second.Refresh)
			if !live(t, w, key, third.Access) {
				t.Error("the third access token is not live")
			}
		})
	}
}

// keys are the two kinds of desktops.
func keys(t *testing.T) map[string]dpop.Key {
	t.Helper()
	k, err := dpop.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]dpop.Key{"bearer tokens": logintest.NoKey, "tokens bound to a key": k}
}

func TestASessionEndsWhenItIsNotRefreshed(t *testing.T) {
	w := logintest.New(t)
	w.Clock.Stop()
	ada := w.Join("Ada")
	tokens := w.SignIn(ada, logintest.App, logintest.NoKey)
	w.Clock.Advance(login.DefaultSessionIdle - time.Microsecond)
	tokens = refresh(t, w, logintest.NoKey, tokens.Refresh)
	w.Clock.Advance(login.DefaultSessionIdle)
	if _, err := w.Refresh(t.Context(), w.Refreshing(logintest.App, logintest.NoKey, tokens.Refresh)); !errors.Is(err, login.ErrRefresh) {
		t.Errorf("got %v, want ErrRefresh after the idle time", err)
	}
}

func TestASessionEndsHoweverOftenItIsRefreshed(t *testing.T) {
	w := logintest.New(t)
	w.Clock.Stop()
	ada := w.Join("Ada")
	tokens := w.SignIn(ada, logintest.App, logintest.NoKey)
	const day = 24 * time.Hour
	for age := day; age < login.DefaultSessionLifetime; age += day {
		w.Clock.Advance(day)
		tokens = refresh(t, w, logintest.NoKey, tokens.Refresh)
	}
	session := w.Sessions(ada)[0]
	if want := session.CreatedAt.Add(login.DefaultSessionLifetime); !session.ExpiresAt.Equal(want) {
		t.Errorf("the last refresh moved the end to %s, want %s", session.ExpiresAt, want)
	}
	w.Clock.Advance(day - time.Microsecond)
	tokens = refresh(t, w, logintest.NoKey, tokens.Refresh)
	w.Clock.Advance(time.Microsecond)
	if _, err := w.Refresh(t.Context(), w.Refreshing(logintest.App, logintest.NoKey, tokens.Refresh)); !errors.Is(err, login.ErrRefresh) {
		t.Errorf("refresh: got %v, want ErrRefresh after the absolute limit", err)
	}
	if live(t, w, logintest.NoKey, tokens.Access) {
		t.Error("the access token is live after the absolute limit")
	}
}

func TestARefreshMayNarrowAndNeverWiden(t *testing.T) {
	const api, files, other = "https://api.example", "https://files.example", "https://other.example"
	w := logintest.New(t)
	ada := w.Join("Ada")
	w.AddClient(auth.Client{ID: "wide", Name: "Wide", Resources: []string{api, files, other}})
	client, _ := w.Client(t.Context(), "wide")
	g, code, err := w.Service.Start(t.Context(), login.StartRequest{
		Client: client, Origin: logintest.Home, Scopes: auth.Scopes{"openid", "offline_access"}, Resources: []string{api, files},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Approve(ada, g.ID)
	tokens, err := w.Redeem(t.Context(), w.Request("wide", logintest.NoKey), code)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{api, files}
	tests := []struct {
		name      string
		scopes    auth.Scopes
		resources []string
		wantScope string
		wantAud   []string
		err       error
	}{
		{"nothing asked for means all that was granted", nil, nil, "openid offline_access", all, nil},
		{"fewer scopes", auth.Scopes{"openid"}, nil, "openid", all, nil},
		{"one resource of two", nil, []string{files}, "openid offline_access", []string{files}, nil},
		{"after it, all again", nil, all, "openid offline_access", all, nil},
		{"a scope that the client has and the person was not asked for", auth.Scopes{"openid", "profile"}, nil, "", nil, login.ErrScope},
		{"a scope that the client has not", auth.Scopes{"admin"}, nil, "", nil, login.ErrScope},
		{"a resource that the client has and that was not asked for", nil, []string{api, other}, "", nil, login.ErrTarget},
		{"a resource that nobody knows", nil, []string{"https://evil.example"}, "", nil, login.ErrTarget},
		{"the issuer, where there are resources", nil, []string{w.Config.Issuer}, "", nil, login.ErrTarget},
		{"in the end what was refused has used up nothing", nil, nil, "openid offline_access", all, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := w.Refreshing("wide", logintest.NoKey, tokens.Refresh)
			r.Scopes, r.Resources = tt.scopes, tt.resources
			next, err := w.Refresh(t.Context(), r)
			if !errors.Is(err, tt.err) {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			if err != nil {
				return
			}
			tokens = next
			claims := accessClaims(t, w, next.Access)
			if claims.Scope != tt.wantScope || next.Scopes.String() != tt.wantScope || !slices.Equal(claims.Audience, tt.wantAud) {
				t.Errorf("got scope %q (told %q) for %q, want %q for %q", claims.Scope, next.Scopes, claims.Audience, tt.wantScope, tt.wantAud)
			}
			if hasID := !next.ID.IsZero(); hasID != next.Scopes.Has(auth.ScopeOpenID) {
				t.Errorf("an ID token came: %t", hasID)
			}
		})
	}
}

func TestARefreshIsRefused(t *testing.T) {
	w := logintest.New(t)
	w.AddClient(auth.Client{ID: "another-app", Name: "Another"})
	tests := []struct {
		name   string
		client auth.ClientID
		text   func(refresh secret.Text) secret.Text
		before func(ada *logintest.Person)
		err    error
		lives  bool // the session goes on
	}{
		{"by another client", "another-app", same, nil, login.ErrRefresh, true},
		{"with nothing", logintest.App, text(""), nil, login.ErrRefresh, true},
		{"with a dot", logintest.App, text("."), nil, login.ErrRefresh, true},
		{"with a secret that is no token", logintest.App, text("abc"), nil, login.ErrRefresh, true},
		{"with an unknown family", logintest.App, text("abc.def"), nil, login.ErrRefresh, true},
		{"with a family and nothing else", logintest.App, familyAnd("."), nil, login.ErrRefresh, true},
		{"with more than a token", logintest.App, familyAnd(".a.b"), nil, login.ErrRefresh, true},
		{"with a token that never was, of a family that is: somebody guesses", logintest.App, familyAnd(".never"), nil, login.ErrReuse, false},
		{"by another client with a token that never was", "another-app", familyAnd(".never"), nil, login.ErrRefresh, true},
		{"for a person who was disabled", logintest.App, same, func(ada *logintest.Person) { disable(w, ada.User) }, login.ErrRefresh, false},
		{"for a person who was removed", logintest.App, same, func(ada *logintest.Person) {
			w.Update(func(tx store.Tx) error { return tx.RemoveUser(ada.User.ID) })
		}, login.ErrRefresh, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ada := w.Join("Ada")
			tokens := w.SignIn(ada, logintest.App, logintest.NoKey)
			if tt.before != nil {
				tt.before(ada)
			}
			got, err := w.Refresh(t.Context(), w.Refreshing(tt.client, logintest.NoKey, tt.text(tokens.Refresh)))
			if !errors.Is(err, tt.err) || !got.Access.IsZero() || !got.Refresh.IsZero() {
				t.Errorf("got %v, want %v and no tokens", err, tt.err)
			}
			if lives := live(t, w, logintest.NoKey, tokens.Access); lives != tt.lives {
				t.Errorf("the session goes on: got %t, want %t", lives, tt.lives)
			}
		})
	}
}

func same(tok secret.Text) secret.Text { return tok }

func text(s string) func(secret.Text) secret.Text {
	return func(secret.Text) secret.Text { return secret.From(s) }
}

// familyAnd is a token's family with something else behind it.
func familyAnd(rest string) func(secret.Text) secret.Text {
	return func(tok secret.Text) secret.Text {
		family, _, _ := cut(tok)
		return secret.From(family + rest)
	}
}

func TestARefreshEndsWithItsClient(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	tokens := w.SignIn(ada, logintest.App, logintest.NoKey)
	request := w.Refreshing(logintest.App, logintest.NoKey, tokens.Refresh) // the client is one of a moment ago
	w.Update(func(tx store.Tx) error { return tx.RemoveClient(logintest.App) })
	if _, err := w.Refresh(t.Context(), request); !errors.Is(err, login.ErrRefresh) {
		t.Errorf("a removed client: got %v, want ErrRefresh", err)
	}
	w.AddClient(auth.Client{ID: logintest.App, Name: "Somebody else's"})
	if _, err := w.Refresh(t.Context(), request); !errors.Is(err, login.ErrRefresh) {
		t.Errorf("another client under its ID: got %v, want ErrRefresh", err)
	}
}

func TestTheReuseOfARefreshTokenEndsTheSession(t *testing.T) {
	key, thief := keys(t)["tokens bound to a key"], keys(t)["tokens bound to a key"]
	tests := []struct {
		name        string
		owner, with dpop.Key
		rotations   int // after the one that was copied
		wait        time.Duration
	}{
		{"a bearer token, at once", logintest.NoKey, logintest.NoKey, 1, 0},
		{"a bearer token, by somebody with a key", logintest.NoKey, thief, 1, 0},
		{"a bearer token of long ago", logintest.NoKey, logintest.NoKey, 5, time.Hour},
		{"a bound token, by somebody without a key", key, logintest.NoKey, 1, 0},
		{"a bound token, by somebody with another key", key, thief, 1, 0},
		{"a bound token of long ago, by somebody with another key", key, thief, 3, time.Hour},
		{"a bound token by the holder of the key, too late", key, key, 1, grant.RepeatFor},
		{"a bound token of two generations ago by the holder of the key", key, key, 2, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := logintest.New(t)
			w.Clock.Stop()
			ada := w.Join("Ada")
			copied := w.SignIn(ada, logintest.App, tt.owner)
			all := []login.Tokens{copied}
			for range tt.rotations {
				all = append(all, refresh(t, w, tt.owner, all[len(all)-1].Refresh))
			}
			w.Clock.Advance(tt.wait)
			if tt.wait < login.DefaultAccessLifetime && !live(t, w, tt.owner, all[0].Access) {
				t.Fatal("the session was over before")
			}
			got, err := w.Refresh(t.Context(), w.Refreshing(logintest.App, tt.with, copied.Refresh))
			if !errors.Is(err, login.ErrReuse) || !got.Access.IsZero() {
				t.Fatalf("got %v, want ErrReuse and no tokens", err)
			}
			for i, tokens := range all {
				if live(t, w, tt.owner, tokens.Access) {
					t.Errorf("access token %d is live after the reuse", i)
				}
				if _, err := w.Refresh(t.Context(), w.Refreshing(logintest.App, tt.owner, tokens.Refresh)); !errors.Is(err, login.ErrRefresh) {
					t.Errorf("refresh token %d: got %v, want ErrRefresh", i, err)
				}
			}
			if left := w.Sessions(ada); len(left) != 0 {
				t.Errorf("got %d sessions, want none", len(left))
			}
		})
	}
}

func TestAReuseShowsInIntrospection(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	client, _ := w.AddSecretClient(auth.Client{ID: "backend", Name: "Backend"})
	first := w.SignIn(ada, client.ID, logintest.NoKey)
	second, err := w.Refresh(t.Context(), w.Refreshing(client.ID, logintest.NoKey, first.Refresh))
	if err != nil {
		t.Fatal(err)
	}
	active := func(tok secret.Text) bool {
		t.Helper()
		i, err := w.Introspect(t.Context(), client, tok)
		if err != nil {
			t.Fatal(err)
		}
		return i.Active
	}
	if !active(second.Access) || !active(second.Refresh) || active(first.Refresh) {
		t.Error("before: want the present tokens active, and the refresh token of before not")
	}
	if _, err := w.Refresh(t.Context(), w.Refreshing(client.ID, logintest.NoKey, first.Refresh)); !errors.Is(err, login.ErrReuse) {
		t.Fatalf("got %v, want ErrReuse", err)
	}
	if active(second.Access) || active(second.Refresh) || active(first.Access) {
		t.Error("after: a token of the session is active")
	}
}

func TestFiftyParallelRefreshesOfABearerTokenEndTheSession(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	tokens := w.SignIn(ada, logintest.App, logintest.NoKey)
	won := atOnce(t, 50, func() login.RefreshRequest {
		return w.Refreshing(logintest.App, logintest.NoKey, tokens.Refresh)
	}, w.Refresh, login.ErrReuse, login.ErrRefresh)
	if len(won) != 1 {
		t.Fatalf("%d refreshes were answered, want 1", len(won))
	}
	if live(t, w, logintest.NoKey, won[0].Access) {
		t.Error("the winner's access token is live")
	}
	if _, err := w.Refresh(t.Context(), w.Refreshing(logintest.App, logintest.NoKey, won[0].Refresh)); !errors.Is(err, login.ErrRefresh) {
		t.Errorf("the winner's refresh token: got %v, want ErrRefresh", err)
	}
}

func TestFiftyParallelRefreshesByTheHolderOfTheKeyAreAllAnswered(t *testing.T) {
	w := logintest.New(t)
	w.Clock.Stop()
	ada := w.Join("Ada")
	key := w.Key()
	tokens := w.SignIn(ada, logintest.App, key)
	got := atOnce(t, 50, func() login.RefreshRequest { return w.Refreshing(logintest.App, key, tokens.Refresh) }, w.Refresh)
	if len(got) != 50 {
		t.Fatalf("%d refreshes were answered, want 50", len(got))
	}
	sessions := w.Sessions(ada)
	if len(sessions) != 1 || sessions[0].Generation != 1 {
		t.Fatalf("got sessions %+v, want one of generation 1", sessions)
	}
	for i, answer := range got {
		if !live(t, w, key, answer.Access) {
			t.Errorf("access token %d is not live", i)
		}
	}
	// Whichever answer has arrived, the desktop goes on with that one. The others are
	// of the generation before then, and good for as long as an answer may be lost.
	refresh(t, w, key, got[0].Refresh)
	w.Clock.Advance(grant.RepeatFor - time.Microsecond)
	var last login.Tokens
	for _, answer := range got[1:] {
		last = refresh(t, w, key, answer.Refresh)
	}
	if g := w.Sessions(ada)[0].Generation; g != 2 {
		t.Errorf("got generation %d, want 2: repeats rotate nothing", g)
	}
	refresh(t, w, key, last.Refresh)
	w.Clock.Advance(grant.RepeatFor)
	if _, err := w.Refresh(t.Context(), w.Refreshing(logintest.App, key, got[1].Refresh)); !errors.Is(err, login.ErrReuse) {
		t.Errorf("an answer after the session went on without it: got %v, want ErrReuse", err)
	}
	if live(t, w, key, last.Access) {
		t.Error("the session lives after the reuse")
	}
}

// atOnce makes n requests, sends them in parallel, and returns the answers to those
// that were not refused for one of the reasons.
func atOnce[R any](t *testing.T, n int, request func() R, send func(context.Context, R) (login.Tokens, error), reasons ...error) []login.Tokens {
	t.Helper()
	requests := make([]R, n)
	for i := range requests {
		requests[i] = request()
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var won []login.Tokens
	for _, r := range requests {
		all.Go(func() {
			got, err := send(t.Context(), r)
			switch {
			case err == nil:
				mu.Lock()
				won = append(won, got)
				mu.Unlock()
			case !slices.ContainsFunc(reasons, func(reason error) bool { return errors.Is(err, reason) }):
				t.Errorf("got %v, want one of %v", err, reasons)
			case !got.Access.IsZero() || !got.Refresh.IsZero() || !got.ID.IsZero():
				t.Error("a refusal came with tokens")
			}
		})
	}
	all.Wait()
	return won
}

func TestARepeatOfARefreshIsTheHoldersAlone(t *testing.T) {
	w := logintest.New(t)
	w.Clock.Stop()
	ada := w.Join("Ada")
	key := w.Key()
	first := w.SignIn(ada, logintest.App, key)
	w.Clock.Advance(time.Hour) // what counts is when it was refreshed, not when it was signed in
	lost := refresh(t, w, key, first.Refresh)
	w.Clock.Advance(grant.RepeatFor - time.Microsecond)
	again := refresh(t, w, key, first.Refresh)
	if again.Refresh == lost.Refresh {
		t.Error("the same refresh token came again: it must be kept nowhere")
	}
	next := refresh(t, w, key, again.Refresh)
	if !live(t, w, key, next.Access) {
		t.Error("the session does not go on after the repeat")
	}
}

func TestRefreshTokensOfLongAgoAreKeptNoMore(t *testing.T) {
	w := logintest.New(t)
	tokens := w.SignIn(w.Join("Ada"), logintest.App, logintest.NoKey)
	all := []login.Tokens{tokens}
	for range 4 {
		tokens = refresh(t, w, logintest.NoKey, tokens.Refresh)
		all = append(all, tokens)
	}
	for generation, tokens := range all {
		err := w.Store.View(t.Context(), func(tx store.Tx) error { _, err := tx.Refresh(tokens.Refresh.Hash()); return err })
		if kept := err == nil; kept != (generation >= 3) {
			t.Errorf("generation %d of 4: kept %t, %v; want the last two kept", generation, kept, err)
		}
	}
}

func TestThePresentRefreshTokenWithAWrongKeyChangesNothing(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	key, thief := w.Key(), w.Key()
	tokens := w.SignIn(ada, logintest.App, key)
	for name, k := range map[string]dpop.Key{"no key": logintest.NoKey, "another key": thief} {
		if _, err := w.Refresh(t.Context(), w.Refreshing(logintest.App, k, tokens.Refresh)); !errors.Is(err, login.ErrKey) {
			t.Errorf("%s: got %v, want ErrKey", name, err)
		}
	}
	if g := w.Sessions(ada)[0].Generation; g != 0 {
		t.Errorf("got generation %d, want 0", g)
	}
	if next := refresh(t, w, key, tokens.Refresh); !live(t, w, key, next.Access) {
		t.Error("the session of the key's holder does not go on")
	}
}

func TestASessionMayBecomeBoundAndNeverFree(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	free := w.SignIn(ada, logintest.App, logintest.NoKey)
	key := w.Key()
	bound := refresh(t, w, key, free.Refresh)
	if bound.Type != "DPoP" || accessClaims(t, w, bound.Access).KeyThumbprint != key.Thumbprint() {
		t.Errorf("got a %s token of %q, want one of the key", bound.Type, accessClaims(t, w, bound.Access).KeyThumbprint)
	}
	if got := w.Sessions(ada)[0].KeyThumbprint; got != key.Thumbprint() {
		t.Errorf("the session is bound to %q, want the key", got)
	}
	if _, err := w.Refresh(t.Context(), w.Refreshing(logintest.App, logintest.NoKey, bound.Refresh)); !errors.Is(err, login.ErrKey) {
		t.Errorf("without the key: got %v, want ErrKey", err)
	}
	refresh(t, w, key, bound.Refresh)
}

func TestAClientThatAuthenticatesMayComeWithANewKeyButNotWithoutOne(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	client, _ := w.AddSecretClient(auth.Client{ID: "backend", Name: "Backend"})
	first, second := w.Key(), w.Key()
	tokens := w.SignIn(ada, client.ID, first)
	if _, err := w.Refresh(t.Context(), w.Refreshing(client.ID, logintest.NoKey, tokens.Refresh)); !errors.Is(err, login.ErrKey) {
		t.Errorf("without a key: got %v, want ErrKey", err)
	}
	next, err := w.Refresh(t.Context(), w.Refreshing(client.ID, second, tokens.Refresh))
	if err != nil {
		t.Fatal(err)
	}
	if got := w.Sessions(ada)[0].KeyThumbprint; got != second.Thumbprint() || !live(t, w, second, next.Access) {
		t.Errorf("the session is bound to %q, want the new key", got)
	}
	// What the new key has got may be asked for again by that one, not by the old.
	if _, err := w.Refresh(t.Context(), w.Refreshing(client.ID, second, tokens.Refresh)); err != nil {
		t.Errorf("a repeat with the new key: %v", err)
	}
	if _, err := w.Refresh(t.Context(), w.Refreshing(client.ID, first, tokens.Refresh)); !errors.Is(err, login.ErrReuse) {
		t.Errorf("a repeat with the old key: got %v, want ErrReuse", err)
	}
}

func TestARefreshThatCannotBeKeptLeavesTheTokenGood(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	key := w.Key()
	tokens := w.SignIn(ada, logintest.App, key)
	sound := w.Service.Store
	w.Service.Store = refreshless{sound}
	if _, err := w.Refresh(t.Context(), w.Refreshing(logintest.App, key, tokens.Refresh)); !errors.Is(err, errRefreshless) {
		t.Fatalf("got %v, want the store's failure", err)
	}
	w.Service.Store = sound
	if g := w.Sessions(ada)[0].Generation; g != 0 {
		t.Errorf("got generation %d, want 0", g)
	}
	refresh(t, w, key, tokens.Refresh)
}
