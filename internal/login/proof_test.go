package login_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// tokenEndpoint is the requests that a proof comes with, each ready to be sent. They
// take the proof's place in what is otherwise right.
func tokenEndpoint(t *testing.T, w *logintest.World) map[string]func(*login.Service, login.TokenRequest) error {
	t.Helper()
	ada := w.Join("Ada")
	g, deviceCode := w.Start("browser-app")
	w.Approve(ada, g.ID)
	a := w.Ask("browser-app", logintest.NoKey)
	w.Approve(ada, a.ID)
	code := w.Code(ada, a)
	signedIn := w.SignIn(ada, "browser-app", logintest.NoKey)
	ctx := t.Context()
	return map[string]func(*login.Service, login.TokenRequest) error{
		"redeem": func(s *login.Service, r login.TokenRequest) error {
			_, err := s.Redeem(ctx, r, deviceCode)
			return err
		},
		"exchange": func(s *login.Service, r login.TokenRequest) error {
			_, err := s.Exchange(ctx, login.ExchangeRequest{TokenRequest: r, Code: code, RedirectURI: a.RedirectURI, Verifier: a.Verifier})
			return err
		},
		"refresh": func(s *login.Service, r login.TokenRequest) error {
			_, err := s.Refresh(ctx, login.RefreshRequest{TokenRequest: r, Token: signedIn.Refresh})
			return err
		},
	}
}

// newWorld has a client for the browser too.
func newWorld(t *testing.T) *logintest.World {
	t.Helper()
	w := logintest.New(t)
	w.AddClient(auth.Client{ID: "browser-app", Name: "Browser App", RedirectURIs: []string{"http://127.0.0.1/callback"}})
	return w
}

func TestAProofNeedsAFreshNonceAndUsesNothingUpWithoutOne(t *testing.T) {
	for _, name := range []string{"redeem", "exchange", "refresh"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Clock.Stop()
			stale := w.FreshNonce()
			w.Clock.Advance(4*time.Minute + time.Second) // two buckets of two minutes
			send := tokenEndpoint(t, w)[name]
			request := w.Request("browser-app", w.Key())
			good := request.Proof
			for what, nonce := range map[string]string{"no nonce": "", "a stale nonce": stale, "a made-up nonce": "made-up"} {
				request.Proof = good
				request.Proof.Nonce = nonce
				if err := send(w.Service, request); !errors.Is(err, login.ErrNonce) {
					t.Errorf("%s: got %v, want ErrNonce", what, err)
				}
			}
			request.Proof = good
			if err := send(w.Service, request); err != nil {
				t.Errorf("the same proof with the nonce: %v", err)
			}
		})
	}
}

func TestANonceOfAnotherServerOnTheSameStoreIsGood(t *testing.T) {
	w := newWorld(t)
	send := tokenEndpoint(t, w)["refresh"]
	nonce, err := w.Node().Nonce(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	request := w.Request("browser-app", logintest.NoKey)
	request.Proof = w.ProofWith(w.Key(), nonce)
	if err := send(w.Service, request); err != nil {
		t.Errorf("got %v, want tokens", err)
	}
}

func TestAProofThatGotTokensGetsNothingMore(t *testing.T) {
	for _, name := range []string{"redeem", "exchange", "refresh"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ada := w.Join("Another")
			endpoints := tokenEndpoint(t, w)
			request := w.Request("browser-app", w.Key())
			if err := endpoints[name](w.Service, request); err != nil {
				t.Fatal(err)
			}
			// Whatever it is used for next, here or at a node that has not seen it.
			other, deviceCode := w.Start("browser-app")
			w.Approve(ada, other.ID)
			endpoints["another grant"] = func(s *login.Service, r login.TokenRequest) error {
				_, err := s.Redeem(t.Context(), r, deviceCode)
				return err
			}
			for next, send := range endpoints {
				for where, node := range map[string]*login.Service{"here": w.Service, "at another node": w.Node()} {
					if err := send(node, request); !errors.Is(err, login.ErrReplay) {
						t.Errorf("%s %s: got %v, want ErrReplay", next, where, err)
					}
				}
			}
			// And none of it was used up: each is good with a proof of its own.
			for next, send := range endpoints {
				if next == name {
					continue
				}
				if err := send(w.Service, w.Request("browser-app", w.Key())); err != nil {
					t.Errorf("%s afterwards: %v", next, err)
				}
			}
		})
	}
}

func TestAProofOfAPollIsUsedUpToo(t *testing.T) {
	w := newWorld(t)
	_, code := w.Start(logintest.App)
	request := w.Request(logintest.App, w.Key())
	if _, err := w.Redeem(t.Context(), request, code); !errors.Is(err, grant.ErrPending) {
		t.Fatalf("got %v, want ErrPending", err)
	}
	if _, err := w.Redeem(t.Context(), request, code); !errors.Is(err, login.ErrReplay) {
		t.Errorf("again: got %v, want ErrReplay", err)
	}
}

func TestAProofThatGotNothingIsUsedUpAtEveryNode(t *testing.T) {
	w := newWorld(t)
	client, err := w.Client(t.Context(), logintest.App)
	if err != nil {
		t.Fatal(err)
	}
	none := secret.From("made.up")
	for name, send := range map[string]func(*login.Service, login.TokenRequest) error{
		"a refresh": func(s *login.Service, r login.TokenRequest) error {
			_, err := s.Refresh(t.Context(), login.RefreshRequest{TokenRequest: r, Token: none})
			return err
		},
		"an exchange": func(s *login.Service, r login.TokenRequest) error {
			_, err := s.Exchange(t.Context(), login.ExchangeRequest{TokenRequest: r, Code: none})
			return err
		},
		"a start": func(s *login.Service, r login.TokenRequest) error {
			_, _, err := s.Start(t.Context(), login.StartRequest{Client: client, Origin: logintest.Home, Proof: r.Proof})
			return err
		},
	} {
		r := w.Request(logintest.App, w.Key())
		if err := send(w.Service, r); errors.Is(err, login.ErrReplay) {
			t.Errorf("%s: got %v at the first use", name, err)
		}
		if err := send(w.Node(), r); !errors.Is(err, login.ErrReplay) {
			t.Errorf("%s at another node: got %v, want ErrReplay", name, err)
		}
	}
}

// TestAFloodOfProofsDoesNotFillTheStore: anybody can make proofs.
func TestAFloodOfProofsDoesNotFillTheStore(t *testing.T) {
	w := newWorld(t)
	w.Clock.Stop()
	key := w.Key()
	var kept int
	for range 300 {
		r := login.RefreshRequest{TokenRequest: w.Request(logintest.App, key), Token: secret.From("made.up")}
		if _, err := w.Refresh(t.Context(), r); !errors.Is(err, login.ErrRefresh) {
			t.Fatal(err)
		}
		w.Update(func(tx store.Tx) error {
			if errors.Is(tx.AddReplay(auth.Replay{Hash: r.Proof.ReplayKey(), ExpiresAt: r.Proof.Expires()}), store.ErrConflict) {
				kept++
			}
			return nil
		})
	}
	if kept == 0 || kept > 100 {
		t.Errorf("%d of 300 within a second are in the store, want 100 at most", kept)
	}
}

func TestAProofOfAPollIsUsedUpAtEveryNode(t *testing.T) {
	w := newWorld(t)
	k := w.Key()
	_, code := w.Start(logintest.App)
	r := w.Request(logintest.App, k)
	if _, err := w.Redeem(t.Context(), r, code); !errors.Is(err, grant.ErrPending) {
		t.Fatalf("got %v, want ErrPending", err)
	}
	if _, err := w.Node().Redeem(t.Context(), r, code); !errors.Is(err, login.ErrReplay) {
		t.Errorf("at another node: got %v, want ErrReplay", err)
	}
}

func TestAtTwoNodesAtOnceAProofWorksOnce(t *testing.T) {
	w := newWorld(t)
	ada := w.Join("Ada")
	key := w.Key()
	tokens := w.SignIn(ada, logintest.App, key)
	nodes := []*login.Service{w.Service, w.Node(), w.Node(), w.Node()}
	request := w.Refreshing(logintest.App, key, tokens.Refresh)
	n := 0
	won := atOnce(t, len(nodes), func() *login.Service { n++; return nodes[n-1] },
		func(ctx context.Context, s *login.Service) (login.Tokens, error) { return s.Refresh(ctx, request) }, login.ErrReplay)
	if len(won) != 1 {
		t.Errorf("%d nodes took the same request, want 1", len(won))
	}
	if got := w.Sessions(ada); len(got) != 1 || got[0].Generation != 1 {
		t.Errorf("got %+v, want one session of generation 1", got)
	}
}

func TestAtUserInfoAProofWorksOnce(t *testing.T) {
	w := newWorld(t)
	w.Clock.Stop()
	ada := w.Join("Ada")
	key := w.Key()
	tokens := w.SignIn(ada, logintest.App, key)
	for name, nonce := range map[string]string{"no nonce": "", "a made-up nonce": "made-up"} {
		a := w.Access(key, tokens.Access)
		a.Proof.Nonce = nonce
		if _, err := w.UserInfo(t.Context(), a); !errors.Is(err, login.ErrNonce) {
			t.Errorf("%s: got %v, want ErrNonce", name, err)
		}
		a.Proof.Nonce = w.FreshNonce()
		if _, err := w.UserInfo(t.Context(), a); err != nil {
			t.Errorf("the same proof with the nonce: %v", err)
		}
		for where, node := range map[string]*login.Service{"here": w.Service, "at another node": w.Node()} {
			c, err := node.UserInfo(t.Context(), a)
			if !errors.Is(err, login.ErrReplay) || c.User.ID != "" {
				t.Errorf("again, %s: got %q, %v; want ErrReplay", where, c.User.ID, err)
			}
		}
	}
}

func TestWhatANodeForgetsTheStoreRemembers(t *testing.T) {
	w := newWorld(t)
	w.Clock.Stop()
	key := w.Key()
	tokens := w.SignIn(w.Join("Ada"), logintest.App, key)
	a := w.Access(key, tokens.Access)
	if _, err := w.UserInfo(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(80 * time.Second) // not too old yet
	if _, err := w.Store.Prune(t.Context(), w.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Node().UserInfo(t.Context(), a); !errors.Is(err, login.ErrReplay) {
		t.Errorf("got %v, want ErrReplay", err)
	}
}
