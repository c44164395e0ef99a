package login_test

import (
	"errors"
	"testing"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/secret"
)

// awaiting is a grant for which Ada's passkey is proved, and the number on her phone.
func awaiting(t *testing.T, w *logintest.World, ada *logintest.Person) (g grant.Grant, code secret.Text) {
	t.Helper()
	g, code = w.StartFrom(logintest.App, logintest.Away, logintest.NoKey)
	approval, err := finish(t, w, ada, ada.Visitor(), g.ID)
	if err != nil || approval.Grant.State != grant.Verifying || len(approval.Grant.Number) != grant.NumberDigits {
		t.Fatalf("got %s with number %q, %v; want it verifying", approval.Grant.State, approval.Grant.Number, err)
	}
	return approval.Grant, code
}

// another is a number other than that one.
func another(number string) string {
	if number == "11" {
		return "22"
	}
	return "11"
}

func TestTheRightNumberApproves(t *testing.T) {
	w := logintest.New(t)
	g, code := awaiting(t, w, w.Join("Ada"))
	poll := func() error {
		_, err := w.Redeem(t.Context(), w.Request(logintest.App, logintest.NoKey), code)
		return err
	}
	if err := poll(); !errors.Is(err, grant.ErrPending) {
		t.Errorf("before: got %v, want ErrPending", err)
	}
	if after, err := w.ConfirmNumber(t.Context(), logintest.App, g.ID, g.Number, logintest.Away); err != nil || after.State != grant.Approved {
		t.Fatalf("got %s, %v; want it approved", after.State, err)
	}
	if err := poll(); err != nil {
		t.Errorf("after: got %v, want tokens", err)
	}
}

func TestTheThirdWrongNumberDenies(t *testing.T) {
	w := logintest.New(t)
	g, code := awaiting(t, w, w.Join("Ada"))
	for left := 2; left >= 0; left-- {
		after, err := w.ConfirmNumber(t.Context(), logintest.App, g.ID, another(g.Number), logintest.Away)
		if !errors.Is(err, grant.ErrNumber) || after.TriesLeft() != left {
			t.Errorf("got %d tries left, %v; want %d, ErrNumber", after.TriesLeft(), err, left)
		}
	}
	if _, err := w.ConfirmNumber(t.Context(), logintest.App, g.ID, g.Number, logintest.Away); !errors.Is(err, grant.ErrDenied) {
		t.Errorf("the right one, too late: got %v, want ErrDenied", err)
	}
	if _, err := w.Redeem(t.Context(), w.Request(logintest.App, logintest.NoKey), code); !errors.Is(err, grant.ErrDenied) {
		t.Errorf("redeem: got %v, want ErrDenied", err)
	}
}

func TestANumberIsForItsOwnGrantAndClient(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	w.AddClient(auth.Client{ID: "another", Name: "Another"})
	g, _ := awaiting(t, w, ada)
	if _, err := w.ConfirmNumber(t.Context(), "another", g.ID, g.Number, logintest.Away); !errors.Is(err, login.ErrUnknownCode) {
		t.Errorf("another client: got %v, want ErrUnknownCode", err)
	}
	if _, err := w.ConfirmNumber(t.Context(), logintest.App, "no such grant", g.Number, logintest.Away); !errors.Is(err, login.ErrUnknownCode) {
		t.Errorf("no grant: got %v, want ErrUnknownCode", err)
	}
	fresh, _ := w.Start(logintest.App)
	if _, err := w.ConfirmNumber(t.Context(), logintest.App, fresh.ID, "", logintest.Away); !errors.Is(err, grant.ErrNoNumber) {
		t.Errorf("none awaited, none brought: got %v, want ErrNoNumber", err)
	}
	if now, _ := w.Grant(t.Context(), g.ID); now.TriesLeft() != grant.NumberTries {
		t.Errorf("got %d tries left, want all of them", now.TriesLeft())
	}
}

func TestThePersonMayStillDenyWhileTheNumberIsAwaited(t *testing.T) {
	w := logintest.New(t)
	ada, eve := w.Join("Ada"), w.Join("Eve")
	g, _ := awaiting(t, w, ada)
	if _, err := w.BeginApproval(t.Context(), ada.Visitor(), g.ID); !errors.Is(err, grant.ErrVerifying) {
		t.Errorf("begin again: got %v, want ErrVerifying", err)
	}
	if err := w.Deny(t.Context(), eve.Visitor(), g.ID); !errors.Is(err, grant.ErrClaimed) {
		t.Errorf("another browser: got %v, want ErrClaimed", err)
	}
	if err := w.Deny(t.Context(), ada.Visitor(), g.ID); err != nil {
		t.Errorf("got %v, want it denied", err)
	}
	if _, err := w.ConfirmNumber(t.Context(), logintest.App, g.ID, g.Number, logintest.Away); !errors.Is(err, grant.ErrDenied) {
		t.Errorf("the number after that: got %v, want ErrDenied", err)
	}
}

func TestThePersonWhoIsDisabledWhileTheNumberIsAwaitedGetsNothing(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	g, code := awaiting(t, w, ada)
	disable(w, ada.User)
	if _, err := w.ConfirmNumber(t.Context(), logintest.App, g.ID, g.Number, logintest.Away); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Redeem(t.Context(), w.Request(logintest.App, logintest.NoKey), code); !errors.Is(err, grant.ErrDenied) {
		t.Errorf("got %v, want ErrDenied", err)
	}
}
