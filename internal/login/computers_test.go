package login_test

import (
	"errors"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/push"
	"github.com/qrauthd/qrauthd/internal/store"
)

// computers are those that the person sees.
func computers(t *testing.T, w *logintest.World, p *logintest.Person) []login.Computer {
	t.Helper()
	list, err := w.Computers(t.Context(), p.Visitor())
	if err != nil {
		t.Fatal(err)
	}
	return list.List
}

func TestTheComputersOfAPersonTheLastHeardFromFirst(t *testing.T) {
	w := logintest.New(t)
	ada, eve := w.Join("Ada"), w.Join("Eve")
	key := w.Key()
	first := w.SignIn(ada, logintest.App, key)
	w.SignIn(eve, logintest.App, logintest.NoKey)
	w.Clock.Advance(time.Minute)
	w.SignIn(ada, logintest.App, logintest.NoKey)
	list := computers(t, w, ada)
	if len(list) != 2 || list[0].Session.KeyThumbprint != "" || list[1].Session.KeyThumbprint != key.Thumbprint() {
		t.Fatalf("got %+v, want the bearer's, then the key's", list)
	}
	if c := list[1]; c.Client.Name != "Acme Studio" || c.Session.Device.Name != "ALICE-PC" || c.Session.Origin != logintest.Home || c.Unconfirmed {
		t.Errorf("got %+v", c)
	}
	w.Clock.Advance(time.Minute)
	again := w.Refreshing(logintest.App, key, first.Refresh)
	again.Address = logintest.Away
	if _, err := w.Refresh(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if c := computers(t, w, ada)[0].Session; c.KeyThumbprint != key.Thumbprint() || c.Origin != logintest.Away {
		t.Errorf("after a refresh from elsewhere: got %s at %s first, want the key's, away", c.KeyThumbprint, c.Origin)
	}
	w.Clock.Advance(login.DefaultSessionLifetime)
	if _, err := w.Computers(t.Context(), ada.Visitor()); !errors.Is(err, login.ErrSignInFirst) {
		t.Errorf("a month later: got %v, want ErrSignInFirst", err)
	}
}

// A browser's cookie alone, such as one that was stolen, is no leave.
func TestComputersWantAFreshPasskey(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	w.SignIn(ada, logintest.App, logintest.NoKey)
	id := w.Sessions(ada)[0].ID
	w.Clock.Advance(11 * time.Minute)
	ctx, v := t.Context(), ada.Visitor()
	for name, try := range map[string]func() error{
		"the list":            func() error { _, err := w.Computers(ctx, v); return err },
		"sign out":            func() error { return w.SignOutComputer(ctx, v, id) },
		"sign out everywhere": func() error { _, err := w.SignOutComputers(ctx, v); return err },
		"report":              func() error { return w.ReportComputer(ctx, v, id) },
		"confirm":             func() error { return w.ConfirmComputer(ctx, v, id) },
	} {
		if err := try(); !errors.Is(err, login.ErrSignInFirst) {
			t.Errorf("%s: got %v, want ErrSignInFirst", name, err)
		}
	}
	if len(w.Sessions(ada)) != 1 {
		t.Error("the session is gone")
	}
}

func TestNobodyActsOnAnothersComputer(t *testing.T) {
	w := logintest.New(t)
	ada, eve := w.Join("Ada"), w.Join("Eve")
	w.SignIn(ada, logintest.App, logintest.NoKey)
	id := w.Sessions(ada)[0].ID
	for name, do := range map[string]func() error{
		"sign out": func() error { return w.SignOutComputer(t.Context(), eve.Visitor(), id) },
		"report":   func() error { return w.ReportComputer(t.Context(), eve.Visitor(), id) },
		"confirm":  func() error { return w.ConfirmComputer(t.Context(), eve.Visitor(), id) },
	} {
		if err := do(); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", name, err)
		}
	}
	if n, err := w.SignOutComputers(t.Context(), eve.Visitor()); n != 0 || err != nil {
		t.Errorf("everywhere: got %d, %v; want none", n, err)
	}
	if len(w.Sessions(ada)) != 1 {
		t.Error("Ada's session is gone")
	}
}

func TestASignOutEndsTokensAtOnceAndWakesWhoWaits(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	tokens := w.SignIn(ada, logintest.App, logintest.NoKey)
	session, err := w.AttachSession(t.Context(), tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	woken := make(chan struct{}, 1)
	sub := w.Hub.Subscribe(session.GrantID, func(push.Cause) { woken <- struct{}{} })
	defer sub.Close()
	if err := w.SignOutComputer(t.Context(), ada.Visitor(), session.ID); err != nil {
		t.Fatal(err)
	}
	<-woken
	if _, err := w.Session(t.Context(), session.ID); !errors.Is(err, login.ErrUnknownToken) {
		t.Errorf("the session: got %v, want ErrUnknownToken", err)
	}
	if _, err := w.UserInfo(t.Context(), login.Access{Token: tokens.Access}); !errors.Is(err, login.ErrUnknownToken) {
		t.Errorf("the access token: got %v, want ErrUnknownToken", err)
	}
	if _, err := w.Refresh(t.Context(), w.Refreshing(logintest.App, logintest.NoKey, tokens.Refresh)); !errors.Is(err, login.ErrRefresh) {
		t.Errorf("the refresh token: got %v, want ErrRefresh", err)
	}
}

func TestSignOutEverywhereEndsAll(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	for range 3 {
		w.SignIn(ada, logintest.App, logintest.NoKey)
	}
	if n, err := w.SignOutComputers(t.Context(), ada.Visitor()); n != 3 || err != nil {
		t.Errorf("got %d, %v; want 3", n, err)
	}
	if left := w.Sessions(ada); len(left) != 0 {
		t.Errorf("%d are left", len(left))
	}
}

func TestSignOutEverywhereEndsWhatIsApprovedOrAwaitsANumber(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	approved, code := w.Start(logintest.App)
	w.Approve(ada, approved.ID)
	verifying, _ := awaiting(t, w, ada)
	if _, err := w.SignOutComputers(t.Context(), ada.Visitor()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Redeem(t.Context(), w.Request(logintest.App, logintest.NoKey), code); !errors.Is(err, grant.ErrDenied) {
		t.Errorf("the approved one: got %v, want ErrDenied", err)
	}
	if _, err := w.ConfirmNumber(t.Context(), logintest.App, verifying.ID, verifying.Number, logintest.Away); !errors.Is(err, grant.ErrDenied) {
		t.Errorf("the number: got %v, want ErrDenied", err)
	}
}
