package e2e

import (
	"regexp"
	"strings"
	"testing"
)

func TestInAnotherAppsBrowserNothingIsClaimed(t *testing.T) {
	s := serve(t)
	login := begin(t, sdk(t, s.issuer))
	inApp := newPhone(t)
	inApp.withoutWebAuthn()
	inApp.open(login.Current().Link())
	inApp.see("Open this page in your browser")
	inApp.shoot("in-app-browser")
	if inApp.has("Approve") {
		t.Error("Approve is offered where it cannot work")
	}
	p := newPhone(t)
	p.approve(login.Current().Link())
	signedIn(t, login)
}

func TestWithoutScriptThePageSaysWhyAndTheFormWorks(t *testing.T) {
	s := serve(t)
	d := startByHand(t, s)
	p := newPhone(t)
	p.withoutScript()
	p.open(s.issuer + "/device")
	p.fill("Code", strings.ToLower(d.UserCode))
	p.press("Continue")
	p.see("JavaScript")
	p.shoot("without-script")
	p.press("Deny")
	p.see("Nobody was signed in")
}

func TestAMistypedCodeHasANextStep(t *testing.T) {
	s := serve(t)
	p := newPhone(t)
	p.open(s.issuer + "/device")
	p.fill("Code", "BBBB-BBBB")
	p.press("Continue")
	p.see("Check each letter")
	p.offers("Continue") // the way to try again
	p.shoot("mistyped-code")
}

func TestAnotherPhoneIsToldThatTheCodeIsClaimed(t *testing.T) {
	s := serve(t)
	d := startByHand(t, s)
	first, second := newPhone(t), newPhone(t)
	first.open(d.VerificationURIComplete)
	second.open(d.VerificationURIComplete)
	first.join("Ada")
	first.press("Approve")
	second.see("another phone")
	second.shoot("another-phone")
}

func TestAPhoneWithoutAPasskeyIsOfferedOne(t *testing.T) {
	s := serve(t)
	d := startByHand(t, s)
	p := newPhone(t)
	p.open(d.VerificationURIComplete)
	p.press("Approve") // the browser finds no passkey
	p.see("Create your passkey")
	p.shoot("no-passkey")
	p.join("Ada")
	p.press("Approve")
	p.see("Approved. Look at your computer.")
	p.open(d.VerificationURIComplete)
	p.see("Look at your computer")
}

func TestAnInvitationAndTheAccount(t *testing.T) {
	s := serve(t, "--registration", "invite")
	d := startByHand(t, s)
	p := newPhone(t)
	p.open(d.VerificationURIComplete)
	p.see("invitation")
	if p.has("Create your passkey") {
		t.Error("a newcomer without an invitation is offered an account")
	}
	p.open(s.issuer + "/join")
	p.see("You need an invitation")
	p.shoot("invitation-needed")
	p.open(invite(t, s, "--name", "Ada"))
	until(t, "the invitation's name stands in the field", func() bool {
		name, _ := eval[string](p, `document.querySelector("[name=name]").value`)
		return name == "Ada"
	})
	p.shoot("join-invited")
	p.press("Create passkey")
	p.see("recovery codes")
	p.press("I have saved them")
	p.see("Hello, Ada")
	p.shoot("account")
	p.open(d.VerificationURIComplete)
	p.press("Approve")
	p.see("Approved. Look at your computer.")

	// The operator's new invitation for the existing account, on a new phone.
	q := newPhone(t)
	q.open(invite(t, s, "--user", "Ada"))
	q.see("For the account that your invitation is for: Ada")
	q.press("Create passkey")
	q.see("Hello, Ada")
	q.press("Sign out on this phone")
	q.press("Sign in with your passkey")
	q.see("Hello, Ada")
}

// invite has the operator invite somebody.
func invite(t *testing.T, s *server, args ...string) string {
	t.Helper()
	out := s.operate(t, append([]string{"user", "invite"}, args...)...)
	link := regexp.MustCompile(`http\S+/join#invite=\S+`).FindString(out)
	if link == "" {
		t.Fatalf("no link in %s", out)
	}
	return link
}

func TestRecoveryCodes(t *testing.T) {
	s := serve(t)
	p := newPhone(t)
	p.signUp(s, "Ada")
	code := regexp.MustCompile(`[2-9A-Z]{5}-[2-9A-Z]{5}-[2-9A-Z]{5}-[2-9A-Z]{5}`).FindString(p.text())
	if code == "" {
		t.Fatalf("no recovery code on the page:\n%s", p.text())
	}
	q := newPhone(t)
	q.open(s.issuer + "/recover")
	q.shoot("recover")
	q.fill("Recovery code", strings.ToLower(code))
	q.press("Continue")
	q.press("Create passkey")
	q.see("Ada")
	if q.passkeys() != 1 {
		t.Errorf("the new phone has %d passkeys, want 1", q.passkeys())
	}
}

func TestAnExpiredSignIn(t *testing.T) {
	t.Parallel()
	s := serve(t)
	addBrief(t, s)
	app := terminal(t, s.issuer, "--client-id", "brief")
	p := newPhone(t)
	p.open(app.line("link: "))
	p.see("Brief")
	p.see("run out")
	p.shoot("expired")
	if code := app.exit(); code != 3 {
		t.Errorf("the demo ended with %d, want 3", code)
	}
}

// addBrief adds a client whose sign-ins last ten seconds.
func addBrief(t *testing.T, s *server) {
	t.Helper()
	s.operate(t, "client", "add", "brief", "--name", "Brief", "--lifetime", "10s")
}
