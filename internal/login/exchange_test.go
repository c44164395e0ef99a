package login_test

import (
	"context"
	"errors"
	"strings"
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

// signedInByCode is a person's authorization up to its code.
func signedInByCode(t *testing.T, w *logintest.World, k dpop.Key) (*logintest.Person, logintest.Authorization, secret.Text) {
	t.Helper()
	ada := w.Join("Ada")
	a := w.Ask(browserApp, k)
	w.Approve(ada, a.ID)
	return ada, a, w.Code(ada, a)
}

func TestAnAuthorizationCodeYieldsTokens(t *testing.T) {
	w := newWorld(t)
	ada, a, code := signedInByCode(t, w, logintest.NoKey)
	tokens, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, code))
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.UserInfo(t.Context(), w.Access(logintest.NoKey, tokens.Access))
	if err != nil || c.User.ID != ada.User.ID || tokens.Refresh.IsZero() {
		t.Errorf("the token is %q's, %v; want Ada's, and a refresh token", c.User.ID, err)
	}
	if nonce, _ := payload(t, tokens.ID)["nonce"].(string); !strings.HasPrefix(nonce, "n-") {
		t.Errorf("got the nonce %q, want the request's", nonce)
	}
}

func TestAnExchangeIsRefused(t *testing.T) {
	tests := []struct {
		name   string
		change func(w *logintest.World, r *login.ExchangeRequest)
		err    error
		good   bool // what is right succeeds afterwards
	}{
		{"with another verifier", func(_ *logintest.World, r *login.ExchangeRequest) { r.Verifier = strings.Repeat("w", 43) }, grant.ErrMismatch, false},
		{"without a verifier", func(_ *logintest.World, r *login.ExchangeRequest) { r.Verifier = "" }, grant.ErrMismatch, false},
		{"with another redirect_uri", func(_ *logintest.World, r *login.ExchangeRequest) { r.RedirectURI = "http://127.0.0.1:80/callback" }, grant.ErrMismatch, false},
		{"without a redirect_uri", func(_ *logintest.World, r *login.ExchangeRequest) { r.RedirectURI = "" }, grant.ErrMismatch, false},
		{"too late", func(w *logintest.World, _ *login.ExchangeRequest) { w.Clock.Advance(grant.CodeLife) }, grant.ErrExpired, false},
		{"by another client", func(w *logintest.World, r *login.ExchangeRequest) {
			r.Client = w.AddClient(auth.Client{ID: "evil", Name: "Evil", RedirectURIs: r.Client.RedirectURIs})
		}, grant.ErrForeign, true},
		{"with a guess", func(_ *logintest.World, r *login.ExchangeRequest) {
			id, _, _ := strings.Cut(r.Code.Reveal(), ".")
			r.Code = secret.From(id + ".guess")
		}, grant.ErrForeign, true},
		{"with the grant's name alone", func(_ *logintest.World, r *login.ExchangeRequest) {
			id, _, _ := strings.Cut(r.Code.Reveal(), ".")
			r.Code = secret.From(id)
		}, grant.ErrForeign, true},
		{"with nothing", func(_ *logintest.World, r *login.ExchangeRequest) { r.Code = secret.Text{} }, login.ErrUnknownCode, true},
		{"with chance", func(_ *logintest.World, r *login.ExchangeRequest) { r.Code = secret.Must() }, login.ErrUnknownCode, true},
		{"for a resource that was not granted", func(_ *logintest.World, r *login.ExchangeRequest) { r.Resources = []string{"https://x"} }, login.ErrTarget, true},
		{"for a disabled person", func(w *logintest.World, _ *login.ExchangeRequest) {
			w.Update(func(tx store.Tx) error {
				users, err := tx.Users()
				if err != nil {
					return err
				}
				users[0].Disabled = true
				return tx.SetUser(users[0])
			})
		}, grant.ErrDenied, false},
		{"for a client that was removed", func(w *logintest.World, r *login.ExchangeRequest) {
			w.Update(func(tx store.Tx) error { return tx.RemoveClient(r.Client.ID) })
		}, grant.ErrDenied, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.Clock.Stop()
			_, a, code := signedInByCode(t, w, logintest.NoKey)
			good := w.Exchanging(a, logintest.NoKey, code)
			r := good
			tt.change(w, &r)
			got, err := w.Exchange(t.Context(), r)
			if !errors.Is(err, tt.err) || !got.Access.IsZero() {
				t.Errorf("got %v, tokens %t; want %v and none", err, !got.Access.IsZero(), tt.err)
			}
			if _, err := w.Exchange(t.Context(), good); (err == nil) != tt.good {
				t.Errorf("what is right, afterwards: got %v, want success %t", err, tt.good)
			}
		})
	}
}

func TestACodeIsGoodToTheEndOfItsLife(t *testing.T) {
	w := newWorld(t)
	w.Clock.Stop()
	_, a, code := signedInByCode(t, w, logintest.NoKey)
	w.Clock.Advance(grant.CodeLife - time.Microsecond)
	if _, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, code)); err != nil {
		t.Errorf("got %v, want tokens", err)
	}
}

func TestACodeDoesNotOutliveItsGrant(t *testing.T) {
	w := newWorld(t)
	w.Clock.Stop()
	ada := w.Join("Ada")
	a := w.Ask(browserApp, logintest.NoKey)
	w.Approve(ada, a.ID)
	w.Clock.Advance(auth.DefaultLifetime - time.Second)
	code := w.Code(ada, a)
	w.Clock.Advance(time.Second)
	if _, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, code)); !errors.Is(err, grant.ErrExpired) {
		t.Errorf("got %v, want ErrExpired", err)
	}
}

func TestACodeThatComesAgainEndsTheSession(t *testing.T) {
	w := newWorld(t)
	_, a, code := signedInByCode(t, w, logintest.NoKey)
	tokens, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, code))
	if err != nil {
		t.Fatal(err)
	}
	harmless := map[string]func(*login.ExchangeRequest){
		"another client's": func(r *login.ExchangeRequest) {
			r.Client, _ = w.Client(t.Context(), logintest.App)
		},
		"a guess": func(r *login.ExchangeRequest) {
			id, _, _ := strings.Cut(code.Reveal(), ".")
			r.Code = secret.From(id + ".guess")
		},
	}
	for name, change := range harmless {
		r := w.Exchanging(a, logintest.NoKey, code)
		change(&r)
		if _, err := w.Exchange(t.Context(), r); !errors.Is(err, grant.ErrForeign) || !live(t, w, logintest.NoKey, tokens.Access) {
			t.Errorf("%s: got %v, want ErrForeign and no effect", name, err)
		}
	}
	if _, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, code)); !errors.Is(err, grant.ErrRedeemed) {
		t.Errorf("its own: got %v, want ErrRedeemed", err)
	}
	if live(t, w, logintest.NoKey, tokens.Access) {
		t.Error("the access token is live after it")
	}
	if _, err := w.Refresh(t.Context(), w.Refreshing(browserApp, logintest.NoKey, tokens.Refresh)); !errors.Is(err, login.ErrRefresh) {
		t.Errorf("the refresh token after it: got %v, want ErrRefresh", err)
	}
}

func TestTheHolderOfTheKeyMayExchangeAgain(t *testing.T) {
	for name, bound := range map[string]bool{"bound by dpop_jkt": true, "bound by the first exchange": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Clock.Stop()
			key, thief := w.Key(), w.Key()
			begin := logintest.NoKey
			if bound {
				begin = key
			}
			ada, a, code := signedInByCode(t, w, begin)
			if bound { // and nobody else spends the code, or voids it
				for _, k := range []dpop.Key{logintest.NoKey, thief} {
					r := w.Exchanging(a, k, code)
					r.Verifier = strings.Repeat("w", 43)
					if _, err := w.Exchange(t.Context(), r); !errors.Is(err, login.ErrKey) {
						t.Errorf("without the key: got %v, want ErrKey", err)
					}
				}
			}
			first, err := w.Exchange(t.Context(), w.Exchanging(a, key, code))
			if err != nil {
				t.Fatal(err)
			}
			w.Clock.Advance(grant.RepeatFor - time.Microsecond)
			again, err := w.Exchange(t.Context(), w.Exchanging(a, key, code))
			if err != nil || len(w.Sessions(ada)) != 1 {
				t.Fatalf("a repeat: got %v, %d sessions; want tokens of the one session", err, len(w.Sessions(ada)))
			}
			if !live(t, w, key, first.Access) || !live(t, w, key, again.Access) {
				t.Error("a token of the session is not live")
			}
			w.Clock.Advance(time.Microsecond)
			if _, err := w.Exchange(t.Context(), w.Exchanging(a, key, code)); !errors.Is(err, grant.ErrRedeemed) || live(t, w, key, again.Access) {
				t.Errorf("too late: got %v, want ErrRedeemed and the session ended", err)
			}
		})
	}
}

func TestAStolenCodeEndsTheSessionOfItsOwner(t *testing.T) {
	wrong := map[string]func(w *logintest.World, r *login.ExchangeRequest){
		"without the key":       func(_ *logintest.World, r *login.ExchangeRequest) { r.Proof = dpop.Proof{} },
		"with another key":      func(w *logintest.World, r *login.ExchangeRequest) { r.Proof = w.Proof(w.Key()) },
		"with another verifier": func(_ *logintest.World, r *login.ExchangeRequest) { r.Verifier = strings.Repeat("w", 43) },
	}
	for name, change := range wrong {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			key := w.Key()
			_, a, code := signedInByCode(t, w, logintest.NoKey)
			tokens, err := w.Exchange(t.Context(), w.Exchanging(a, key, code))
			if err != nil {
				t.Fatal(err)
			}
			r := w.Exchanging(a, key, code)
			change(w, &r)
			if got, err := w.Exchange(t.Context(), r); !errors.Is(err, grant.ErrRedeemed) || !got.Access.IsZero() {
				t.Errorf("got %v, want ErrRedeemed and no tokens", err)
			}
			if live(t, w, key, tokens.Access) {
				t.Error("the session lives")
			}
		})
	}
}

func TestFiftyParallelExchangesYieldOneAnswerAndEndIt(t *testing.T) {
	w := newWorld(t)
	ada, a, code := signedInByCode(t, w, logintest.NoKey)
	won := atOnce(t, 50, func() login.ExchangeRequest { return w.Exchanging(a, logintest.NoKey, code) }, w.Exchange, grant.ErrRedeemed)
	if len(won) != 1 || len(w.Sessions(ada)) != 0 {
		t.Errorf("%d were answered, and %d sessions live; want 1 and none", len(won), len(w.Sessions(ada)))
	}
}

func TestFiftyParallelExchangesByTheHolderOfTheKeyYieldOneSession(t *testing.T) {
	w := newWorld(t)
	key := w.Key()
	ada, a, code := signedInByCode(t, w, key)
	won := atOnce(t, 50, func() login.ExchangeRequest { return w.Exchanging(a, key, code) }, w.Exchange)
	if len(won) != 50 || len(w.Sessions(ada)) != 1 {
		t.Errorf("%d were answered, and %d sessions live; want 50 and 1", len(won), len(w.Sessions(ada)))
	}
}

func TestADevicesGrantIsNeverExchangedNorAnAuthorizationRedeemed(t *testing.T) {
	w := newWorld(t)
	ada, a, code := signedInByCode(t, w, logintest.NoKey)
	g, deviceCode := w.Start(browserApp)
	w.Approve(ada, g.ID)
	for name, tok := range map[string]string{"device code": deviceCode.Reveal(), "grant's name": string(g.ID), "grant's name and a secret": string(g.ID) + "." + deviceCode.Reveal()} {
		r := w.Exchanging(a, logintest.NoKey, secret.From(tok))
		if _, err := w.Exchange(t.Context(), r); !errors.Is(err, grant.ErrForeign) && !errors.Is(err, login.ErrUnknownCode) {
			t.Errorf("exchange of a %s: got %v, want it refused", name, err)
		}
	}
	id, own, _ := strings.Cut(code.Reveal(), ".")
	for name, tok := range map[string]string{"code": code.Reveal(), "name": id, "secret": own} {
		if _, err := w.Redeem(t.Context(), w.Request(browserApp, logintest.NoKey), secret.From(tok)); !errors.Is(err, login.ErrUnknownCode) {
			t.Errorf("redeem of a code's %s: got %v, want ErrUnknownCode", name, err)
		}
	}
	if address, err := w.Return(t.Context(), ada.Browser, g.ID); !errors.Is(err, login.ErrNoReturn) || address != "" {
		t.Errorf("return of a device's grant: got %q, %v; want ErrNoReturn", address, err)
	}
}

func TestACodeIsStoredHashed(t *testing.T) {
	w := newWorld(t)
	_, a, code := signedInByCode(t, w, logintest.NoKey)
	g, err := w.Grant(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	if g.Redirect.Code != code.Hash() {
		t.Error("the grant does not keep the hash of the code")
	}
}

func TestAnExchangeThatCannotBeKeptLeavesTheCodeGood(t *testing.T) {
	w := newWorld(t)
	_, a, code := signedInByCode(t, w, logintest.NoKey)
	sound := w.Service.Store
	broken := map[string]store.Store{"session": sessionless{sound}, "refresh token": refreshless{sound}}
	for what, st := range broken {
		w.Service.Store = st
		got, err := w.Exchange(context.Background(), w.Exchanging(a, logintest.NoKey, code))
		if err == nil || !got.Access.IsZero() {
			t.Errorf("no room for a %s: got %v, want the store's failure", what, err)
		}
	}
	w.Service.Store = sound
	if _, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, code)); err != nil {
		t.Errorf("afterwards: got %v, want tokens", err)
	}
}
