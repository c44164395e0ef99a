package login_test

import (
	"context"
	"errors"
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

// startFor begins a grant that is bound to the key.
func startFor(t *testing.T, w *logintest.World, k dpop.Key) (grant.Grant, secret.Text) {
	t.Helper()
	client, err := w.Client(t.Context(), logintest.App)
	if err != nil {
		t.Fatal(err)
	}
	g, code, err := w.Service.Start(t.Context(), login.StartRequest{Client: client, Origin: logintest.Home, KeyThumbprint: k.Thumbprint()})
	if err != nil {
		t.Fatal(err)
	}
	return g, code
}

func TestABoundGrantIsForItsKeyAlone(t *testing.T) {
	w := logintest.New(t)
	w.Clock.Stop()
	ada := w.Join("Ada")
	key := w.Key()
	g, code := startFor(t, w, key)
	wrong := map[string]dpop.Key{"no key": logintest.NoKey, "another key": w.Key()}
	for name, k := range wrong {
		for range 3 { // no pace either: the grant's own desktop must not pay for it
			if _, err := w.Redeem(t.Context(), w.Request(logintest.App, k), code); !errors.Is(err, login.ErrKey) {
				t.Errorf("%s, while pending: got %v, want ErrKey", name, err)
			}
		}
	}
	if _, err := w.Redeem(t.Context(), w.Request(logintest.App, key), code); !errors.Is(err, grant.ErrPending) {
		t.Errorf("the key, while pending: got %v, want ErrPending", err)
	}
	w.Approve(ada, g.ID)
	for name, k := range wrong {
		if _, err := w.Redeem(t.Context(), w.Request(logintest.App, k), code); !errors.Is(err, login.ErrKey) {
			t.Errorf("%s, when approved: got %v, want ErrKey", name, err)
		}
	}
	tokens, err := w.Redeem(t.Context(), w.Request(logintest.App, key), code)
	if err != nil {
		t.Fatalf("the key, when approved: %v", err)
	}
	if got := accessClaims(t, w, tokens.Access).KeyThumbprint; got != key.Thumbprint() || tokens.Type != "DPoP" {
		t.Errorf("got a %s token of %q, want one of the key", tokens.Type, got)
	}
}

func TestAProofAtTheStartBindsTheGrant(t *testing.T) {
	w := logintest.New(t)
	client, _ := w.Client(t.Context(), logintest.App)
	key := w.Key()
	proof := w.ProofWith(key, "") // no nonce: it is the first that the desktop says
	g, _, err := w.Service.Start(t.Context(), login.StartRequest{Client: client, Origin: logintest.Home, Proof: proof})
	if err != nil || g.KeyThumbprint != key.Thumbprint() {
		t.Errorf("got a grant for %q, %v; want one for the key", g.KeyThumbprint, err)
	}
	if _, _, err := w.Service.Start(t.Context(), login.StartRequest{Client: client, Origin: logintest.Home, Proof: proof}); !errors.Is(err, login.ErrReplay) {
		t.Errorf("the same proof: got %v, want ErrReplay", err)
	}
	mixed := login.StartRequest{Client: client, Origin: logintest.Home, Proof: w.ProofWith(key, ""), KeyThumbprint: w.Key().Thumbprint()}
	if _, _, err := w.Service.Start(t.Context(), mixed); !errors.Is(err, login.ErrOtherKey) {
		t.Errorf("a proof of another key than dpop_jkt: got %v, want ErrOtherKey", err)
	}
}

func TestTheHolderOfTheKeyMayAskForTheAnswerAgain(t *testing.T) {
	// With the grant bound to the key from the start, and from the redeeming on.
	for name, bound := range map[string]bool{"bound at the start": true, "bound by the first redeeming": false} {
		t.Run(name, func(t *testing.T) {
			w := logintest.New(t)
			w.Clock.Stop()
			ada := w.Join("Ada")
			key := w.Key()
			begin := logintest.NoKey
			refused := grant.ErrRedeemed
			if bound {
				begin, refused = key, login.ErrKey
			}
			g, code := startFor(t, w, begin)
			w.Approve(ada, g.ID)
			poll := func(k dpop.Key) (login.Tokens, error) {
				return w.Redeem(t.Context(), w.Request(logintest.App, k), code)
			}
			first, err := poll(key)
			if err != nil {
				t.Fatal(err)
			}
			w.Clock.Advance(grant.RepeatFor - time.Microsecond)
			again, err := poll(key)
			if err != nil {
				t.Fatalf("within the time: %v", err)
			}
			if again.Access == first.Access || again.Refresh == first.Refresh || again.ID.IsZero() {
				t.Error("want fresh tokens of all kinds")
			}
			if sessions := w.Sessions(ada); len(sessions) != 1 || sessions[0].Generation != 0 {
				t.Errorf("got %+v, want one session of generation 0", sessions)
			}
			for who, k := range map[string]dpop.Key{"no key": logintest.NoKey, "another key": w.Key()} {
				if _, err := poll(k); !errors.Is(err, refused) {
					t.Errorf("%s: got %v, want %v", who, err, refused)
				}
			}
			w.Clock.Advance(time.Microsecond)
			if _, err := poll(key); !errors.Is(err, grant.ErrRedeemed) {
				t.Errorf("after the time: got %v, want ErrRedeemed", err)
			}
			if !live(t, w, key, first.Access) || !live(t, w, key, again.Access) {
				t.Error("the session is over for a poll too many")
			}
			refresh(t, w, key, again.Refresh)
		})
	}
}

func TestABearerTokensAnswerComesOnce(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	g, code := w.Start(logintest.App)
	w.Approve(ada, g.ID)
	tokens, err := w.Redeem(t.Context(), w.Request(logintest.App, logintest.NoKey), code)
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]dpop.Key{"no key": logintest.NoKey, "a key": w.Key()} {
		if _, err := w.Redeem(t.Context(), w.Request(logintest.App, k), code); !errors.Is(err, grant.ErrRedeemed) {
			t.Errorf("%s: got %v, want ErrRedeemed", name, err)
		}
	}
	if !live(t, w, logintest.NoKey, tokens.Access) {
		t.Error("the session is over for a poll too many")
	}
}

func TestAnAnswerIsNotRepeated(t *testing.T) {
	tests := []struct {
		name string
		then func(t *testing.T, w *logintest.World, ada *logintest.Person, key dpop.Key, code secret.Text, tokens login.Tokens)
	}{
		{"after the first refresh", func(t *testing.T, w *logintest.World, _ *logintest.Person, key dpop.Key, _ secret.Text, tokens login.Tokens) {
			refresh(t, w, key, tokens.Refresh)
		}},
		{"after the session was revoked", func(t *testing.T, w *logintest.World, _ *logintest.Person, _ dpop.Key, _ secret.Text, tokens login.Tokens) {
			if err := w.Revoke(t.Context(), logintest.App, tokens.Access, logintest.Home); err != nil {
				t.Fatal(err)
			}
		}},
		{"after the device code was revoked", func(t *testing.T, w *logintest.World, _ *logintest.Person, _ dpop.Key, code secret.Text, _ login.Tokens) {
			if err := w.Revoke(t.Context(), logintest.App, code, logintest.Home); err != nil {
				t.Fatal(err)
			}
		}},
		{"to a person who was disabled", func(_ *testing.T, w *logintest.World, ada *logintest.Person, _ dpop.Key, _ secret.Text, _ login.Tokens) {
			disable(w, ada.User)
		}},
		{"to a person who was removed", func(_ *testing.T, w *logintest.World, ada *logintest.Person, _ dpop.Key, _ secret.Text, _ login.Tokens) {
			w.Update(func(tx store.Tx) error { return tx.RemoveUser(ada.User.ID) })
		}},
		{"to a client that was removed", func(_ *testing.T, w *logintest.World, _ *logintest.Person, _ dpop.Key, _ secret.Text, _ login.Tokens) {
			w.Update(func(tx store.Tx) error { return tx.RemoveClient(logintest.App) })
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := logintest.New(t)
			ada := w.Join("Ada")
			key := w.Key()
			g, code := startFor(t, w, key)
			w.Approve(ada, g.ID)
			tokens, err := w.Redeem(t.Context(), w.Request(logintest.App, key), code)
			if err != nil {
				t.Fatal(err)
			}
			repeat := w.Request(logintest.App, key)
			tt.then(t, w, ada, key, code, tokens)
			got, err := w.Redeem(t.Context(), repeat, code)
			if !errors.Is(err, grant.ErrRedeemed) || !got.Access.IsZero() {
				t.Errorf("got %v, tokens %t; want ErrRedeemed and none", err, !got.Access.IsZero())
			}
		})
	}
}

func TestARepeatAsksForNoMoreThanWasGranted(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	key := w.Key()
	g, code := startFor(t, w, key)
	w.Approve(ada, g.ID)
	if _, err := w.Redeem(t.Context(), w.Request(logintest.App, key), code); err != nil {
		t.Fatal(err)
	}
	r := w.Request(logintest.App, key)
	r.Resources = []string{"https://evil.example"}
	if _, err := w.Redeem(t.Context(), r, code); !errors.Is(err, login.ErrTarget) {
		t.Errorf("got %v, want ErrTarget", err)
	}
}

func TestFiftyParallelPollsByTheHolderOfTheKeyYieldOneSession(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	key := w.Key()
	g, code := startFor(t, w, key)
	w.Approve(ada, g.ID)
	redeem := func(ctx context.Context, r login.TokenRequest) (login.Tokens, error) { return w.Redeem(ctx, r, code) }
	got := atOnce(t, 50, func() login.TokenRequest { return w.Request(logintest.App, key) }, redeem)
	if len(got) != 50 {
		t.Errorf("%d polls were answered, want 50", len(got))
	}
	if sessions := w.Sessions(ada); len(sessions) != 1 || sessions[0].Generation != 0 {
		t.Fatalf("got %+v, want one session of generation 0", sessions)
	}
	refreshed := refresh(t, w, key, got[len(got)-1].Refresh)
	if !live(t, w, key, got[0].Access) || !live(t, w, key, refreshed.Access) {
		t.Error("a token of the session is not live")
	}
}

func TestARepeatThatCannotBeKeptYieldsNothing(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	key := w.Key()
	g, code := startFor(t, w, key)
	w.Approve(ada, g.ID)
	if _, err := w.Redeem(t.Context(), w.Request(logintest.App, key), code); err != nil {
		t.Fatal(err)
	}
	sound := w.Service.Store
	w.Service.Store = refreshless{sound}
	got, err := w.Redeem(t.Context(), w.Request(logintest.App, key), code)
	if !errors.Is(err, errRefreshless) || !got.Access.IsZero() || !got.Refresh.IsZero() {
		t.Errorf("got %v, tokens %t; want the store's failure and none", err, !got.Access.IsZero())
	}
	w.Service.Store = sound
	if _, err := w.Redeem(t.Context(), w.Request(logintest.App, key), code); err != nil {
		t.Errorf("the next poll: got %v, want tokens", err)
	}
}

// TestARepeatIsDecidedInItsTransaction: what a look without the lock has found may
// have changed since.
func TestARepeatIsDecidedInItsTransaction(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	key := w.Key()
	g, code := startFor(t, w, key)
	w.Approve(ada, g.ID)
	tokens, err := w.Redeem(t.Context(), w.Request(logintest.App, key), code)
	if err != nil {
		t.Fatal(err)
	}
	repeat, next := w.Request(logintest.App, key), w.Refreshing(logintest.App, key, tokens.Refresh)
	sound := w.Service.Store
	other := w.Node()
	looks := 0
	w.Service.Store = watched{sound, func() {
		if looks++; looks != 2 { // the first look finds the grant, the second what is repeated
			return
		}
		if _, err := other.Refresh(t.Context(), next); err != nil {
			t.Error(err)
		}
	}}
	got, err := w.Redeem(t.Context(), repeat, code)
	if !errors.Is(err, grant.ErrRedeemed) || !got.Access.IsZero() {
		t.Errorf("got %v, tokens %t; want ErrRedeemed and none", err, !got.Access.IsZero())
	}
	if looks < 2 {
		t.Errorf("%d looks, want two", looks)
	}
}

// watched is a store that has something happen after each look without the lock.
type watched struct {
	store.Store
	looked func()
}

func (s watched) Glance(ctx context.Context, id auth.GrantID) (grant.Glance, error) {
	g, err := s.Store.Glance(ctx, id)
	s.looked()
	return g, err
}

func (s watched) View(ctx context.Context, fn func(store.Tx) error) error {
	err := s.Store.View(ctx, fn)
	s.looked()
	return err
}

func TestAClientThatMustProveAKeyGetsNothingWithoutOne(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	const id auth.ClientID = "strict"
	w.AddClient(auth.Client{ID: id, Name: "Strict", RequireDPoP: true, RedirectURIs: []string{"http://127.0.0.1/cb"}})
	g, code := w.Start(id)
	w.Approve(ada, g.ID)
	if _, err := w.Redeem(t.Context(), w.Request(id, logintest.NoKey), code); !errors.Is(err, login.ErrProofNeeded) {
		t.Errorf("redeem: got %v, want ErrProofNeeded", err)
	}
	key := w.Key()
	tokens, err := w.Redeem(t.Context(), w.Request(id, key), code)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Refresh(t.Context(), w.Refreshing(id, logintest.NoKey, tokens.Refresh)); !errors.Is(err, login.ErrKey) {
		t.Errorf("refresh: got %v, want ErrKey", err)
	}
	a := w.Ask(id, logintest.NoKey)
	w.Approve(ada, a.ID)
	authCode := w.Code(ada, a)
	if _, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, authCode)); !errors.Is(err, login.ErrProofNeeded) {
		t.Errorf("exchange: got %v, want ErrProofNeeded", err)
	}
	if _, err := w.Exchange(t.Context(), w.Exchanging(a, key, authCode)); err != nil {
		t.Errorf("exchange with a key: %v", err)
	}
}
