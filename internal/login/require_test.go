package login_test

import (
	"context"
	"errors"
	"testing"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/store"
)

// TestASessionFromBeforeAKeyWasDemandedEnds: whoever stole its refresh token could
// bind it to a key of theirs.
func TestASessionFromBeforeAKeyWasDemandedEnds(t *testing.T) {
	w := newWorld(t)
	ada := w.Join("Ada")
	tokens := w.SignIn(ada, logintest.App, logintest.NoKey)
	client, err := w.Client(t.Context(), logintest.App)
	if err != nil {
		t.Fatal(err)
	}
	client.RequireDPoP = true
	w.Update(func(tx store.Tx) error { return tx.SetClient(client) })
	for name, key := range keys(t) {
		r := w.Refreshing(logintest.App, key, tokens.Refresh)
		r.Client = client
		if _, err := w.Refresh(t.Context(), r); !errors.Is(err, login.ErrKey) {
			t.Errorf("%s: got %v, want ErrKey", name, err)
		}
	}
}

func TestAnAuthorizationCodeCanBeRevoked(t *testing.T) {
	w := newWorld(t)
	ada, a, code := signedInByCode(t, w, logintest.NoKey)
	if _, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, code)); err != nil {
		t.Fatal(err)
	}
	if err := w.Revoke(t.Context(), logintest.App, code, logintest.Home); err != nil || len(w.Sessions(ada)) != 1 {
		t.Fatalf("by another client: got %v, want no effect", err)
	}
	if err := w.Revoke(t.Context(), a.ClientID, code, logintest.Home); err != nil || len(w.Sessions(ada)) != 0 {
		t.Errorf("got %v and %d sessions, want none", err, len(w.Sessions(ada)))
	}
}

// TestACodeReuseThatCannotEndTheSessionIsNoQuietRefusal: the session must not live on
// behind an answer that says it is over.
func TestACodeReuseThatCannotEndTheSessionIsNoQuietRefusal(t *testing.T) {
	w := newWorld(t)
	_, a, code := signedInByCode(t, w, logintest.NoKey)
	if _, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, code)); err != nil {
		t.Fatal(err)
	}
	w.Service.Store = unending{w.Service.Store}
	if _, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, code)); !errors.Is(err, errUnending) {
		t.Errorf("got %v, want the store's failure", err)
	}
}

var errUnending = errors.New("the session cannot be removed")

// unending is a store that fails to remove sessions, and nothing else.
type unending struct{ store.Store }

func (s unending) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.Store.Update(ctx, func(tx store.Tx) error { return fn(unendingTx{tx}) })
}

type unendingTx struct{ store.Tx }

func (unendingTx) RemoveSession(auth.SessionID) error { return errUnending }
