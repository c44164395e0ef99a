package login_test

import (
	"errors"
	"testing"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/secret"
)

// hinted begins an authorization request for the one whose ID token it is.
func hinted(t *testing.T, w *logintest.World, id auth.ClientID, hint secret.Text) (auth.GrantID, error) {
	t.Helper()
	c, err := w.Client(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	g, err := w.Authorize(t.Context(), login.AuthorizeRequest{
		StartRequest: login.StartRequest{Client: c, Origin: logintest.Home}, RedirectURI: c.RedirectURIs[0],
		Challenge: secret.Must().Hash().String(), IDTokenHint: hint.Reveal(),
	})
	return g.ID, err
}

func TestOnlyThePersonWhomTheClientExpectsApproves(t *testing.T) {
	for name, pairwise := range map[string]bool{"public subjects": false, "pairwise subjects": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			const app auth.ClientID = "app"
			w.AddClient(auth.Client{ID: app, Name: "App", Pairwise: pairwise, RedirectURIs: []string{"http://127.0.0.1/callback"}})
			ada, eve := w.Join("Ada"), w.Join("Eve")
			id, err := hinted(t, w, app, w.SignIn(ada, app, logintest.NoKey).ID)
			ada.Browser, eve.Browser = "a shared computer's", "a shared computer's"
			if err != nil {
				t.Fatal(err)
			}
			options := w.Begin(eve, id)
			if _, err := w.FinishApproval(t.Context(), eve.Visitor(), id, eve.Get(options)); !errors.Is(err, login.ErrOtherPerson) {
				t.Fatalf("Eve: got %v, want ErrOtherPerson", err)
			}
			if _, err := w.Return(t.Context(), eve.Browser, id); !errors.Is(err, login.ErrNoReturn) {
				t.Errorf("after Eve's try: got %v, want the question still open", err)
			}
			w.Approve(ada, id)
		})
	}
}

func TestAHintIsAnIDTokenOfTheClientsOwn(t *testing.T) {
	w := newWorld(t)
	ada := w.Join("Ada")
	own, foreign := w.SignIn(ada, "browser-app", logintest.NoKey), w.SignIn(ada, logintest.App, logintest.NoKey)
	w.Clock.Advance(2 * login.DefaultAccessLifetime)
	if _, err := hinted(t, w, "browser-app", own.ID); err != nil {
		t.Errorf("one that has ended: got %v, want it taken for the name in it", err)
	}
	for name, hint := range map[string]secret.Text{
		"no token":                  secret.From("x"),
		"an access token":           own.Access,
		"another client's ID token": foreign.ID,
	} {
		if _, err := hinted(t, w, "browser-app", hint); !errors.Is(err, login.ErrHint) {
			t.Errorf("%s: got %v, want ErrHint", name, err)
		}
	}
}
