package login_test

import (
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
)

func TestNoTokenOutlivesItsSession(t *testing.T) {
	w := newWorld(t)
	w.Service.SessionIdle, w.Service.SessionLifetime = time.Hour, time.Hour
	ada := w.Join("Ada")
	first := w.SignIn(ada, logintest.App, dpop.Key{})
	if first.ExpiresIn != w.AccessLifetime {
		t.Errorf("at the start: got %s, want %s", first.ExpiresIn, w.AccessLifetime)
	}
	w.Clock.Advance(55 * time.Minute)
	last := refresh(t, w, dpop.Key{}, first.Refresh)
	if last.ExpiresIn <= 0 || last.ExpiresIn > 5*time.Minute {
		t.Errorf("five minutes before the end: got %s, want no more than those", last.ExpiresIn)
	}
}

func TestTheIssuerMayBeNamedWhereItIsTheDefault(t *testing.T) {
	w := newWorld(t)
	client, err := w.Client(t.Context(), logintest.App)
	if err != nil {
		t.Fatal(err)
	}
	issuer := []string{w.Config.Issuer}
	g, _, err := w.Service.Start(t.Context(), login.StartRequest{Client: client, Origin: logintest.Home, Resources: issuer})
	if err != nil || len(g.Resources) != 1 || g.Resources[0] != issuer[0] {
		t.Errorf("got %q, %v; want the issuer", g.Resources, err)
	}
	api := w.AddClient(auth.Client{ID: "acme-api", Name: "Acme", Resources: []string{"https://api.acme.example"}})
	if _, _, err := w.Service.Start(t.Context(), login.StartRequest{Client: api, Origin: logintest.Home, Resources: issuer}); err == nil {
		t.Error("a client whose tokens are for something else got one for the issuer")
	}
}
