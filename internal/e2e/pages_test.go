package e2e

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3" // for the test that breaks the database

	"github.com/qrauthd/qrauthd/desktop"
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
	p.offersNone("Approve", "Create your passkey", "Use a passkey from another device", "Use a recovery code")
	p.press("Deny")
	p.see("Nobody was signed in")
}

func TestWithoutScriptNothingIsOfferedThatNeedsIt(t *testing.T) {
	s := serve(t)
	p := newPhone(t)
	p.withoutScript()
	for path, offers := range map[string][]string{
		"/join":    {"Create passkey", "Sign in"},
		"/recover": {"Continue", "Create passkey"},
		"/signin":  {"Sign in with your passkey", "Use a recovery code"},
	} {
		p.open(s.issuer + path)
		p.see("This page needs JavaScript")
		p.offersNone(offers...)
	}
}

func TestAMistypedCodeHasANextStep(t *testing.T) {
	s := serve(t)
	p := newPhone(t)
	p.open(s.issuer + "/device")
	p.fill("Code", "BBBB-BBBB")
	p.press("Continue")
	p.see("Check each letter")
	p.see("Check the code ·") // the title
	p.offers("Continue")      // the way to try again
	p.shoot("mistyped-code")

	// It is selected, so that typing starts over.
	p.typeIn("K")
	p.fieldHas("K")
	p.fill("Code", "bbbbbbb")
	p.press("Continue")
	p.see("A code has eight letters")
	p.fieldHas("BBBB-BBB")
}

func TestACodeIsTakenInAnyForm(t *testing.T) {
	s := serve(t)
	p := newPhone(t)
	p.open(s.issuer + "/device")
	for _, tt := range []struct{ typed, want string }{
		{"wdjbmjht", "WDJB-MJHT"},
		{" wdjb mjht ", "WDJB-MJHT"},
		{"WDJB–MJHT", "WDJB-MJHT"},
		{"https://login.acme.example/auth/device?user_code=WDJB-MJHT", "WDJB-MJHT"},
		{"login.acme.example/device?lang=en&user_code=wdjbmjht#top", "WDJB-MJHT"},
		{"wdj", "WDJ"},
		{"wdjb-mjh", "WDJB-MJH"},
		{"wdjb-mjht-x", "WDJB-MJHT"},
	} {
		p.fill("Code", tt.typed)
		p.fieldHas(tt.want)
	}
	p.fill("Code", "wdjb-mjht")
	for _, tt := range []struct {
		name  string
		caret int
		typed string
		want  string
	}{
		{"a letter takes the place of the one behind it", 1, "k", "WKJB-MJHT"},
		{"and of the one behind the dash", 4, "k", "WKJB-KJHT"},
		{"a whole code takes the place of all", 0, "bbbb-cccc", "BBBB-CCCC"},
		{"so does a link", 3, "http://localhost/device?user_code=WDJB-MJHT&", "WDJB-MJHT"},
		{"behind the last there is no room", 9, "k", "WDJB-MJHT"},
	} {
		eval[any](p, fmt.Sprintf(`document.querySelector("[name=user_code]").setSelectionRange(%[1]d, %[1]d)`, tt.caret))
		p.typeIn(tt.typed)
		p.fieldHas(tt.want)
	}
}

// typeIn types where the caret is.
func (p *phone) typeIn(text string) {
	p.t.Helper()
	quoted, err := json.Marshal(text)
	p.must(err)
	until(p.t, "the page takes "+text, func() bool {
		done, ok := eval[bool](p, `document.execCommand("insertText", false, `+string(quoted)+`)`)
		return ok && done
	})
}

// fieldHas wants the code field to show it.
func (p *phone) fieldHas(want string) {
	p.t.Helper()
	got := ""
	defer func() {
		if p.t.Failed() {
			p.t.Logf("the field has %q, want %q", got, want)
		}
	}()
	until(p.t, "the field has "+want, func() bool {
		got, _ = eval[string](p, `document.querySelector("[name=user_code]").value`)
		return got == want
	})
}

func TestAnotherPhoneIsToldThatTheCodeIsClaimed(t *testing.T) {
	s := serve(t)
	c := newComputer(t, s.issuer).begin()
	first, second := newPhone(t), newPhone(t)
	first.open(c.VerificationURIComplete)
	second.open(c.VerificationURIComplete)
	first.join("Ada")
	first.press("Approve")
	second.see("another phone")
	second.shoot("another-phone")
	second.offersNone("Enter the code by hand") // it would lead back here

	c.bringRight(first) // which it takes, because two phones have opened the code
	first.see("Approved. Look at your computer.")
	c.tokens()
	first.see("You're signed in on ALICE-PC")
	until(t, "the second phone's page can be loaded again", func() bool {
		_, ok := eval[any](second, `location.reload()`)
		return ok
	})
	second.see("This code was already used.")
	second.shoot("used")
}

func TestBothAnswersAreInReachOnASmallPhone(t *testing.T) {
	s, f := serveTheWorld(t)
	for where, way := range map[string]*http.Transport{"next to it": f.from(t, "127.0.0.1"), "far away": f.from(t, inFrankfurt)} {
		p := newPhone(t)
		p.screen(390, 664) // what a browser leaves of a small phone's screen
		p.open(newComputer(t, s.issuer, way).begin().VerificationURIComplete)
		p.offers("Approve")
		bottom, _ := eval[float64](p, `document.querySelector(".actions").getBoundingClientRect().bottom`)
		if bottom == 0 || bottom > 664 {
			t.Errorf("of a computer %s the answers end at %v, want both on the screen of 664", where, bottom)
		}
	}
}

func TestAComputerFarAwayIsInAmber(t *testing.T) {
	s, f := serveTheWorld(t)
	c := newComputer(t, s.issuer, f.from(t, inFrankfurt)).begin()
	p := newPhone(t)
	p.open(c.VerificationURIComplete)
	p.see("another network than this phone")
	p.see(inFrankfurt)
	p.see("Only approve if you are looking at this code on a computer in front of you.")
	p.shoot("far-away")
}

func TestAnAppThatNobodyVouchesForIsMarked(t *testing.T) {
	s := serve(t)
	addBrief(t, s)
	p := newPhone(t)
	p.open(begin(t, sdk(t, s.issuer, func(c *desktop.Config) { c.ClientID = "brief" })).Current().Link())
	p.see("not verified")
	p.shoot("not-verified")
}

func TestTooManyTries(t *testing.T) {
	s := serve(t)
	right := startByHand(t, s)
	p := newPhone(t)
	for range 5 {
		p.open(s.issuer + "/device?user_code=BBBB-BBBB")
		p.see("We don't know this code.")
	}
	p.open(s.issuer + "/device?user_code=" + right.UserCode)
	p.see("Too many tries.")
	p.see("then try again")
	p.see("that works meanwhile")
	p.shoot("too-many-tries")
	p.open(right.VerificationURIComplete) // a scan is no guess
	p.offers("Approve")
}

func TestSomethingBroke(t *testing.T) {
	s := serve(t)
	d := startByHand(t, s)
	db, err := sql.Open("sqlite3", filepath.Join(s.data, "qrauthd.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`ALTER TABLE grants RENAME TO lost`); err != nil {
		t.Fatal(err)
	}
	p := newPhone(t)
	p.open(d.VerificationURIComplete)
	p.see("Something broke on our side.")
	p.shoot("broken")
	reference, _ := eval[string](p, `document.querySelector(".reference").textContent.trim()`)
	if reference == "" || !strings.Contains(s.log(), reference) {
		t.Errorf("the operator's log does not have the reference %q", reference)
	}
}

func TestAnEndedSignInSaysWhoEndedIt(t *testing.T) {
	s := serve(t)
	_, p := approvedByHand(t, s)
	s.operate(t, "user", "disable", "Ada")
	p.see("Signing in was ended.")
	p.see("Whoever runs localhost")
	p.shoot("ended")
}

func TestAPhoneThatLosesTheServerSaysSo(t *testing.T) {
	s := serve(t)
	p := newPhone(t)
	p.open(startByHand(t, s).VerificationURIComplete)
	p.offers("Approve")
	s.kill()
	p.see("Reconnecting")
	s.start(t)
	until(t, "the page has found the server again", func() bool { return !strings.Contains(p.text(), "Reconnecting") })
	p.offers("Approve")
}

func TestPasskeysCanBeToldApart(t *testing.T) {
	s := serve(t)
	p := newPhone(t)
	p.signUp(s, "Ada")
	p.open(s.issuer + "/account")
	p.see("Passkey 1")
	p.newAuthenticator()
	p.press("Add another passkey")
	p.see("Passkey 2")
	p.shoot("two-passkeys")
	p.press("Sign out on this phone")
	p.offers("Sign in with your passkey")
	p.shoot("sign-in")
}

func TestAPhoneWithoutAPasskeyIsOfferedOne(t *testing.T) {
	s := serve(t)
	d := startByHand(t, s)
	p := newPhone(t)
	p.open(d.VerificationURIComplete)
	before := p.top("[data-approve]")
	p.press("Approve") // the browser finds no passkey
	p.see("Nothing was approved")
	if after := p.top("[data-approve]"); after != before {
		t.Errorf("Approve went from %v to %v as the message came, want it to stay under the thumb", before, after)
	}
	until(t, "the message is in sight", func() bool {
		seen, _ := eval[bool](p, `document.querySelector("[data-status]").getBoundingClientRect().bottom <= innerHeight`)
		return seen
	})
	p.shoot("no-passkey")
	p.join("Ada")
	p.press("Approve")
	p.see("Approved. Look at your computer.")
	p.shoot("approved")
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
	p.open(s.issuer + "/join")
	p.offers("Create passkey")
	p.shoot("join")
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
