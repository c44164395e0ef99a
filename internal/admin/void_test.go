package admin_test

import (
	"errors"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
)

func operatorOf(w *logintest.World) admin.Operator {
	return admin.Operator{Store: w.Store, Now: w.Clock.Now}
}

func TestWhatIsTakenAwayAndGivenBackRevivesNoSignIn(t *testing.T) {
	readd := func(t *testing.T, w *logintest.World) {
		o := operatorOf(w)
		if err := o.RemoveClient(t.Context(), logintest.App); err != nil {
			t.Fatal(err)
		}
		request := admin.ClientRequest{ID: logintest.App, Name: "Acme Studio", Scopes: []string{auth.ScopeOpenID}}
		if _, _, err := o.AddClient(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	toggle := func(t *testing.T, w *logintest.World) {
		o := operatorOf(w)
		if _, _, err := o.Disable(t.Context(), "Ada"); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Enable(t.Context(), "Ada"); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name     string
		approved bool
		change   func(*testing.T, *logintest.World)
		err      error
	}{
		{"a client added again finds no undecided grant of the one before", false, readd, grant.ErrDenied},
		{"a client added again finds no approved grant of the one before", true, readd, grant.ErrDenied},
		{"an account enabled again finds no approved grant from before", true, toggle, grant.ErrDenied},
		{"an account's being disabled ends no grant that nobody decided", false, toggle, grant.ErrPending},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := logintest.New(t)
			ada := w.Join("Ada")
			g, code := w.Start(logintest.App)
			if tt.approved {
				w.Approve(ada, g.ID)
			}
			w.Clock.Advance(time.Second)
			tt.change(t, w)
			w.Clock.Advance(3 * time.Second) // beyond what is cached
			client, err := w.Client(t.Context(), logintest.App)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Redeem(t.Context(), login.TokenRequest{Client: client}, code); !errors.Is(err, tt.err) {
				t.Errorf("redeem: got %v, want %v", err, tt.err)
			}
			g, err = w.Grant(t.Context(), g.ID)
			if err != nil || g.Voided() != errors.Is(tt.err, grant.ErrDenied) {
				t.Errorf("got a grant that is %s, voided %t, %v", g.State, g.Voided(), err)
			}
		})
	}
}

func TestARemovedAccountsApprovalsAreOver(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	g, _ := w.Start(logintest.App)
	w.Approve(ada, g.ID)
	if _, err := operatorOf(w).RemoveUser(t.Context(), "Ada"); err != nil {
		t.Fatal(err)
	}
	if g, err := w.Grant(t.Context(), g.ID); err != nil || !g.Voided() {
		t.Errorf("got a grant that is %s, %v, want it voided", g.State, err)
	}
}

// TestAGrantBegunWithACachedClientBelongsToTheOneBefore: a node may begin a grant
// in the moment after the client was removed elsewhere.
func TestAGrantBegunWithACachedClientBelongsToTheOneBefore(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	cached, err := w.Client(t.Context(), logintest.App)
	if err != nil {
		t.Fatal(err)
	}
	o := operatorOf(w)
	if err := o.RemoveClient(t.Context(), logintest.App); err != nil {
		t.Fatal(err)
	}
	g, code, err := w.Service.Start(t.Context(), login.StartRequest{Client: cached, Origin: logintest.Home})
	if err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(time.Second)
	if _, _, err := o.AddClient(t.Context(), admin.ClientRequest{ID: logintest.App, Name: "Acme Studio"}); err != nil {
		t.Fatal(err)
	}
	if sight, err := w.Look(t.Context(), ada.Visitor(), g.ID); err != nil || sight.Client.ID != "" {
		t.Errorf("the page shows the client %q, %v, want none", sight.Client.ID, err)
	}
	answer := ada.Get(w.Begin(ada, g.ID))
	if _, err := w.FinishApproval(t.Context(), ada.Visitor(), g.ID, answer); !errors.Is(err, login.ErrUnknownClient) {
		t.Errorf("approve: got %v, want ErrUnknownClient", err)
	}
	if _, err := w.Redeem(t.Context(), login.TokenRequest{Client: cached}, code); !errors.Is(err, grant.ErrDenied) {
		t.Errorf("redeem: got %v, want ErrDenied", err)
	}
}

func TestAChangedClientKeepsItsSignInsUnderWay(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	g, code := w.Start(logintest.App)
	w.Clock.Advance(time.Second)
	name := "Acme Studio 2"
	if _, _, err := operatorOf(w).UpdateClient(t.Context(), logintest.App, admin.ClientChange{Name: &name}); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(3 * time.Second) // beyond what is cached
	if sight, err := w.Look(t.Context(), ada.Visitor(), g.ID); err != nil || sight.Client.Name != name {
		t.Errorf("the page shows the client %q, %v, want %q", sight.Client.Name, err, name)
	}
	w.Approve(ada, g.ID)
	client, err := w.Client(t.Context(), logintest.App)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Redeem(t.Context(), login.TokenRequest{Client: client}, code); err != nil {
		t.Errorf("redeem: %v", err)
	}
}
