package login_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/keyring"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/token"
)

var errKeyless = errors.New("no keys to be read")

// keyless is a store whose keys cannot be read.
type keyless struct{ store.Store }

func (s keyless) View(ctx context.Context, fn func(store.Tx) error) error {
	return s.Store.View(ctx, func(tx store.Tx) error { return fn(keylessTx{tx}) })
}

type keylessTx struct{ store.Tx }

func (keylessTx) Keys() ([]auth.Key, error) { return nil, errKeyless }

// signerless is a store whose keys sign nothing.
type signerless struct{ store.Store }

func (s signerless) View(ctx context.Context, fn func(store.Tx) error) error {
	return s.Store.View(ctx, func(tx store.Tx) error { return fn(signerlessTx{tx}) })
}

type signerlessTx struct{ store.Tx }

func (tx signerlessTx) Keys() ([]auth.Key, error) {
	keys, err := tx.Tx.Keys()
	for i := range keys {
		if keys[i].Use == auth.KeySigns {
			keys[i].SignsFrom = keys[i].SignsFrom.AddDate(1, 0, 0)
		}
	}
	return keys, err
}

func TestWithoutASignatureNothingIsUsedUp(t *testing.T) {
	for _, name := range []string{"redeem", "exchange", "refresh"} {
		for what, broken := range map[string]struct {
			store func(store.Store) store.Store
			err   error
		}{
			"the keys cannot be read": {func(s store.Store) store.Store { return keyless{s} }, errKeyless},
			"no key signs":            {func(s store.Store) store.Store { return signerless{s} }, token.ErrNoSigner},
		} {
			t.Run(name+" when "+what, func(t *testing.T) {
				w := newWorld(t)
				send := tokenEndpoint(t, w)[name]
				request := w.Request(browserApp, w.Key())
				sound := w.Service.Keys
				w.Service.Keys = keyring.New(broken.store(w.Service.Store), keyring.Policy{}, w.Clock.Now)
				if err := send(w.Service, request); !errors.Is(err, broken.err) {
					t.Errorf("got %v, want %v", err, broken.err)
				}
				w.Service.Keys = sound
				request.Proof = w.Proof(w.Key())
				if err := send(w.Service, request); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			})
		}
	}
}

func TestWhatIsPublishedVerifiesWhatIsSigned(t *testing.T) {
	w := logintest.New(t)
	tokens := w.SignIn(w.Join("Ada"), logintest.App, logintest.NoKey)
	set, err := w.JWKS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, tok := range map[string]string{"access token": tokens.Access.Reveal(), "ID token": tokens.ID.Reveal()} {
		if err := verifies(set, tok); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var published struct{ Keys []map[string]any }
	if err := json.Unmarshal(set, &published); err != nil || len(published.Keys) != 1 {
		t.Fatalf("got %d keys, %v; want 1", len(published.Keys), err)
	}
	for _, private := range []string{"d", "k", "p", "q"} {
		if _, ok := published.Keys[0][private]; ok {
			t.Errorf("the private member %q is published", private)
		}
	}
	if algs, err := w.SigningAlgorithms(t.Context()); err != nil || !slices.Equal(algs, []string{"ES256"}) {
		t.Errorf("got %q, %v; want ES256", algs, err)
	}
}

func TestARotationLeavesDesktopsSignedIn(t *testing.T) {
	w := logintest.New(t)
	w.Clock.Stop()
	tokens := w.SignIn(w.Join("Ada"), logintest.App, logintest.NoKey)
	seen := make(map[string]bool)
	for n := range 30 * 6 {
		w.Clock.Advance(4 * time.Hour)
		w.Service.Keys = keyring.New(w.Service.Store, keyring.Policy{RotateAfter: 24 * time.Hour, TokenLife: login.DefaultAccessLifetime}, w.Clock.Now)
		if err := w.Service.Keys.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n%2 == 0 {
			continue
		}
		next, err := w.Refresh(t.Context(), w.Refreshing(logintest.App, logintest.NoKey, tokens.Refresh))
		if errors.Is(err, login.ErrRefresh) {
			break // 30 days are over
		}
		if err != nil {
			t.Fatal(err)
		}
		if !live(t, w, logintest.NoKey, next.Access) {
			t.Fatal("a new access token is not live")
		}
		tokens = next
		seen[header(t, next.Access)] = true
	}
	if len(seen) < 20 {
		t.Errorf("%d keys have signed, want one a day", len(seen))
	}
}
