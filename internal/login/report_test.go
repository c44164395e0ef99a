package login_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/risk"
	"github.com/qrauthd/qrauthd/internal/store"
)

func TestThisWasntMe(t *testing.T) {
	w := logintest.New(t)
	ada, eve := w.Join("Ada"), w.Join("Eve")
	own, foreign := w.Key(), w.Key()
	signInWith(w, ada, own)
	for range 2 { // two sign-ins of one computer
		g, code := w.StartFrom(logintest.App, logintest.Away, foreign)
		w.ApproveFrom(ada, ada.Visitor(), g.ID)
		w.Fetch(logintest.App, foreign, code)
	}
	reported := computers(t, w, ada)[0].Session
	if reported.KeyThumbprint != foreign.Thumbprint() {
		t.Fatal("the list begins with another computer")
	}
	waiting, _ := w.StartFrom(logintest.App, logintest.Away, foreign)
	if err := w.ReportComputer(t.Context(), ada.Visitor(), reported.ID); err != nil {
		t.Fatal(err)
	}

	if left := w.Sessions(ada); len(left) != 1 || left[0].KeyThumbprint != own.Thumbprint() {
		t.Errorf("got %d computers left, want Ada's own", len(left))
	}
	if _, err := finish(t, w, ada, ada.Visitor(), waiting.ID); !errors.Is(err, login.ErrBlocked) {
		t.Errorf("a sign-in of that computer that waited: got %v, want ErrBlocked", err)
	}
	moved, _ := w.StartFrom(logintest.App, logintest.Home, foreign)
	if _, err := finish(t, w, ada, ada.Visitor(), moved.ID); !errors.Is(err, login.ErrBlocked) {
		t.Errorf("that key on another network: got %v, want ErrBlocked", err)
	}
	rekeyed, _ := w.StartFrom(logintest.App, logintest.Away, w.Key())
	if _, err := finish(t, w, ada, ada.Visitor(), rekeyed.ID); !errors.Is(err, login.ErrBlocked) {
		t.Errorf("another key at that address: got %v, want ErrBlocked", err)
	}
	home, _ := w.StartFrom(logintest.App, logintest.Home, own)
	if a, err := finish(t, w, ada, ada.Visitor(), home.ID); err != nil || a.Grant.State != grant.Approved {
		t.Errorf("Ada's own computer: got %s, %v; want it approved", a.Grant.State, err)
	}
	if got := look(t, w, eve.Visitor(), waiting.ID); !got.Risk.Has(risk.Reported) || !errors.Is(got.Refusal, login.ErrRisky) {
		t.Errorf("that key for Eve, from another network: got %v, %v; want a high risk", got.Risk, got.Refusal)
	}
	if got := look(t, w, eve.From(logintest.Away), rekeyed.ID); got.Risk.Level != risk.Low {
		t.Errorf("that address for Eve, who is there: got %v; want one report to be no risk to others", got.Risk)
	}

	w.Clock.Advance(auth.BlockedAddress)
	later, _ := w.StartFrom(logintest.App, logintest.Away, w.Key())
	if got := look(t, w, ada.Visitor(), later.ID); got.Refusal != nil || got.Risk.Level != risk.Medium {
		t.Errorf("that address a day later: got %v, %v; want no more than a medium risk", got.Risk, got.Refusal)
	}
	still, _ := w.StartFrom(logintest.App, logintest.Home, foreign)
	if got := look(t, w, ada.Visitor(), still.ID); !errors.Is(got.Refusal, login.ErrBlocked) {
		t.Errorf("that key a day later: got %v, want ErrBlocked", got.Refusal)
	}
}

func TestAReportFromTheSameNetworkDoesNotBlockIt(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	w.SignIn(ada, logintest.App, logintest.NoKey)
	if err := w.ReportComputer(t.Context(), ada.Visitor(), w.Sessions(ada)[0].ID); err != nil {
		t.Fatal(err)
	}
	g, _ := w.Start(logintest.App)
	if got := look(t, w, ada.Visitor(), g.ID); got.Refusal != nil || got.Risk.Level != risk.Low {
		t.Errorf("got %v, %v; want Ada's home to be what it was", got.Risk, got.Refusal)
	}
}

func TestWhatAReportedComputerTaughtIsForgotten(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	signInWith(w, ada, w.Key())
	w.Clock.Advance(time.Second)
	g, code := w.StartFrom(logintest.App, logintest.Away, logintest.NoKey)
	w.ApproveFrom(ada, ada.Visitor(), g.ID)
	w.Fetch(logintest.App, logintest.NoKey, code)
	if err := w.ReportComputer(t.Context(), ada.Visitor(), computers(t, w, ada)[0].Session.ID); err != nil {
		t.Fatal(err)
	}
	var known []auth.Familiar
	w.Update(func(tx store.Tx) (err error) { known, err = tx.FamiliarsOf(ada.User.ID); return err })
	for _, f := range known {
		if f.Kind == auth.FamiliarNetwork && f.Value != risk.NetworkOf(logintest.Home) {
			t.Errorf("still known: %s %s", f.Kind, f.Value)
		}
	}
	if len(known) != 3 {
		t.Errorf("got %d things known, want the own computer's key, also with its client, and network", len(known))
	}
}

// Whoever had two sign-ins approved before the report must not have the second one after it.
func TestWhatWasApprovedBeforeAReportYieldsNothingAfterIt(t *testing.T) {
	w := logintest.New(t)
	ada, key := w.Join("Ada"), w.Key()
	first, code := w.StartFrom(logintest.App, logintest.Away, key)
	w.ApproveFrom(ada, ada.Visitor(), first.ID)
	second, secondCode := w.StartFrom(logintest.App, logintest.Away, key)
	w.ApproveFrom(ada, ada.Visitor(), second.ID)
	w.Fetch(logintest.App, key, code)
	if err := w.ReportComputer(t.Context(), ada.Visitor(), w.Sessions(ada)[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Redeem(t.Context(), w.Request(logintest.App, key), secondCode); !errors.Is(err, grant.ErrDenied) {
		t.Errorf("got %v, want ErrDenied", err)
	}
	if left := w.Sessions(ada); len(left) != 0 {
		t.Errorf("%d computers are signed in", len(left))
	}
}

// A thief of the account's trust must not have the block hit an address of their choice.
func TestABlockIsOnTheAddressOfTheStart(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	g, code := w.StartFrom(logintest.App, logintest.Away, logintest.NoKey)
	w.ApproveFrom(ada, ada.Visitor(), g.ID)
	tokens := w.Fetch(logintest.App, logintest.NoKey, code)
	refresh := w.Refreshing(logintest.App, logintest.NoKey, tokens.Refresh)
	refresh.Address = netip.MustParseAddr("203.0.113.77")
	if _, err := w.Refresh(t.Context(), refresh); err != nil {
		t.Fatal(err)
	}
	if err := w.ReportComputer(t.Context(), ada.Visitor(), w.Sessions(ada)[0].ID); err != nil {
		t.Fatal(err)
	}
	var blocks []auth.Block
	w.Update(func(tx store.Tx) (err error) { blocks, err = tx.Blocks(); return err })
	if len(blocks) != 1 || blocks[0].Value != logintest.Away.String() {
		t.Errorf("got %+v, want a block on %s", blocks, logintest.Away)
	}
}

func TestAnAddressThatTwoPeopleReportIsARiskToOthers(t *testing.T) {
	w := logintest.New(t)
	carol := w.Join("Carol")
	for n, name := range []string{"Ada", "Bob"} {
		p := w.Join(name)
		g, code := w.StartFrom(logintest.App, logintest.Away, logintest.NoKey)
		w.ApproveFrom(p, p.Visitor(), g.ID)
		w.Fetch(logintest.App, logintest.NoKey, code)
		if err := w.ReportComputer(t.Context(), p.Visitor(), w.Sessions(p)[0].ID); err != nil {
			t.Fatal(err)
		}
		waiting, _ := w.StartFrom(logintest.App, logintest.Away, logintest.NoKey)
		if got := look(t, w, carol.Visitor(), waiting.ID).Risk.Has(risk.Reported); got != (n == 1) {
			t.Errorf("after %d reports: got %t", n+1, got)
		}
	}
}
