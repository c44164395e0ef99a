package login_test

import (
	"errors"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/store"
)

func TestOneTouchApproves(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	g, code := w.Start(logintest.App)
	w.Approve(ada, g.ID)
	client, _ := w.Client(t.Context(), logintest.App)
	tokens, err := w.Redeem(t.Context(), login.TokenRequest{Client: client}, code)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := w.UserInfo(t.Context(), login.Access{Token: tokens.Access})
	if who := claims.User; err != nil || who.ID != ada.User.ID || who.Name != "Ada" {
		t.Errorf("the token is %q's, %v; want Ada's", who.Name, err)
	}
}

func TestAStrangersPhoneApprovesWithOneTouchToo(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	ada.Browser = "a browser that was never here"
	g, _ := w.Start(logintest.App)
	w.Approve(ada, g.ID)
	sight, err := w.Look(t.Context(), ada.Visitor(), g.ID)
	if err != nil || sight.Person.ID != ada.User.ID {
		t.Errorf("known afterwards: got %q, %v; want Ada", sight.Person.Name, err)
	}
}

func TestAnAssertionForOneGrantIsRefusedOnAnother(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	first, _ := w.Start(logintest.App)
	second, _ := w.Start(logintest.App)
	options := w.Begin(ada, first.ID)
	w.Begin(ada, second.ID)
	if _, err := w.FinishApproval(t.Context(), ada.Visitor(), second.ID, ada.Get(options)); !errors.Is(err, login.ErrPasskey) {
		t.Errorf("got %v, want ErrPasskey", err)
	}
	if g, _ := w.Grant(t.Context(), second.ID); g.State != grant.Confirming {
		t.Errorf("the grant is %s, want it still confirming", g.State)
	}
}

func TestAChallengeWorksOnce(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	g, _ := w.Start(logintest.App)
	options := w.Begin(ada, g.ID)
	if _, err := w.FinishApproval(t.Context(), ada.Visitor(), g.ID, []byte("{}")); !errors.Is(err, login.ErrPasskey) {
		t.Fatalf("a bad answer: got %v, want ErrPasskey", err)
	}
	if _, err := w.FinishApproval(t.Context(), ada.Visitor(), g.ID, ada.Get(options)); !errors.Is(err, grant.ErrNotClaimed) {
		t.Errorf("a good answer to the spent challenge: got %v, want ErrNotClaimed", err)
	}
}

func TestAnOldChallengeIsRefused(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	g, _ := w.Start(logintest.App)
	old := w.Begin(ada, g.ID)
	w.Begin(ada, g.ID)
	if _, err := w.FinishApproval(t.Context(), ada.Visitor(), g.ID, ada.Get(old)); !errors.Is(err, login.ErrPasskey) {
		t.Errorf("got %v, want ErrPasskey", err)
	}
}

func TestAnotherAccountCannotDecideAClaimedCode(t *testing.T) {
	w := logintest.New(t)
	ada, eve := w.Join("Ada"), w.Join("Eve")
	g, _ := w.Start(logintest.App)
	w.Begin(ada, g.ID)
	if _, err := w.BeginApproval(t.Context(), eve.Visitor(), g.ID); !errors.Is(err, grant.ErrClaimed) {
		t.Errorf("begin: got %v, want ErrClaimed", err)
	}
	if _, err := w.FinishApproval(t.Context(), eve.Visitor(), g.ID, []byte("{}")); !errors.Is(err, grant.ErrClaimed) {
		t.Errorf("finish: got %v, want ErrClaimed", err)
	}
	if err := w.Deny(t.Context(), eve.Visitor(), g.ID); !errors.Is(err, grant.ErrClaimed) {
		t.Errorf("deny: got %v, want ErrClaimed", err)
	}
}

func TestADisabledPersonApprovesNothing(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	g, _ := w.Start(logintest.App)
	options := w.Begin(ada, g.ID)
	disable(w, ada.User)
	if _, err := w.FinishApproval(t.Context(), ada.Visitor(), g.ID, ada.Get(options)); !errors.Is(err, login.ErrNoAccount) {
		t.Errorf("got %v, want ErrNoAccount", err)
	}
}

func disable(w *logintest.World, u auth.User) {
	u.Disabled = true
	w.Update(func(tx store.Tx) error { return tx.SetUser(u) })
}

func TestAClientRemovedMeanwhileIsDenied(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	g, _ := w.Start(logintest.App)
	options := w.Begin(ada, g.ID)
	w.Update(func(tx store.Tx) error { return tx.RemoveClient(logintest.App) })
	if _, err := w.FinishApproval(t.Context(), ada.Visitor(), g.ID, ada.Get(options)); !errors.Is(err, login.ErrUnknownClient) {
		t.Errorf("got %v, want ErrUnknownClient", err)
	}
	if g, _ := w.Grant(t.Context(), g.ID); g.State != grant.Denied {
		t.Errorf("the grant is %s, want denied", g.State)
	}
}

func TestAnApprovalAfterTheExpiryIsRefused(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	g, code := w.Start(logintest.App)
	options := w.Begin(ada, g.ID)
	w.Clock.Advance(auth.DefaultLifetime)
	if _, err := w.FinishApproval(t.Context(), ada.Visitor(), g.ID, ada.Get(options)); !errors.Is(err, grant.ErrExpired) {
		t.Errorf("approve: got %v, want ErrExpired", err)
	}
	client, _ := w.Client(t.Context(), logintest.App)
	if _, err := w.Redeem(t.Context(), login.TokenRequest{Client: client}, code); !errors.Is(err, grant.ErrExpired) {
		t.Errorf("redeem: got %v, want ErrExpired", err)
	}
}

func TestAnApprovalStoresTheCounterAndTheBackupState(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	ada.BackupState = true
	ada.SetCounter(41)
	g, _ := w.Start(logintest.App)
	w.Approve(ada, g.ID)
	account, err := w.Account(t.Context(), ada.Browser)
	if err != nil {
		t.Fatal(err)
	}
	p := account.Passkeys[0]
	if p.SignCount != 42 || !p.BackupState || !p.BackupEligible || p.LastUsedAt.IsZero() {
		t.Errorf("got counter %d, backed up %t of %t, last used %s", p.SignCount, p.BackupState, p.BackupEligible, p.LastUsedAt)
	}
}

func TestAScanIsSoft(t *testing.T) {
	w := logintest.New(t)
	g, _ := w.Start(logintest.App)
	for range 2 {
		if err := w.Scan(t.Context(), logintest.At("phone"), g.ID); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Deny(t.Context(), logintest.At("phone"), g.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.Scan(t.Context(), logintest.At("phone"), g.ID); err != nil {
		t.Errorf("a scan of what is over: got %v, want no error", err)
	}
	if g, _ := w.Grant(t.Context(), g.ID); g.State != grant.Denied {
		t.Errorf("the grant is %s, want denied", g.State)
	}
}

func TestOpen(t *testing.T) {
	w := logintest.New(t)
	g, _ := w.Start(logintest.App)
	w.Clock.Advance(grant.RotateEvery)
	rotated, err := w.Rotate(t.Context(), g.ID)
	if err != nil || rotated.Code == g.Code {
		t.Fatalf("rotate: got %s, %v; want another code than %s", rotated.Code, err, g.Code)
	}
	if again, err := w.Rotate(t.Context(), g.ID); err != nil || again.Code != rotated.Code {
		t.Errorf("a second socket's rotation: got %s, %v; want the same code", again.Code, err)
	}
	open := func(code grant.UserCode) error {
		_, err := w.Open(t.Context(), logintest.At("phone"), code)
		return err
	}
	if err := open(g.Code); err != nil {
		t.Errorf("the old code within its grace: %v", err)
	}
	if err := open(rotated.Code); err != nil {
		t.Errorf("the new code: %v", err)
	}
	w.Clock.Advance(grant.CodeGrace)
	if err := open(g.Code); !errors.Is(err, login.ErrUnknownCode) {
		t.Errorf("the old code after its grace: got %v, want ErrUnknownCode", err)
	}
	if err := open(rotated.Code); err != nil {
		t.Errorf("the new code after the grace: %v", err)
	}
	if err := open("BBBBBBBB"); !errors.Is(err, login.ErrUnknownCode) {
		t.Errorf("a code that was never minted: got %v, want ErrUnknownCode", err)
	}
}

func TestABrowserIsForgottenInTime(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	g, _ := w.Start(logintest.App)
	known := func() bool {
		t.Helper()
		sight, err := w.Look(t.Context(), ada.Visitor(), g.ID)
		if err != nil {
			t.Fatal(err)
		}
		return sight.Person.ID != ""
	}
	if !known() {
		t.Error("right after joining the browser is a stranger")
	}
	w.Clock.Advance(200 * 24 * time.Hour)
	if known() {
		t.Error("after 200 days the browser is still known")
	}
}
