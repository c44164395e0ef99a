package e2e

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/place/placetest"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// Where people and their desktops are, in networks for documentation (RFC 5737).
const (
	inFrankfurt      = "203.0.113.7"
	inTheSameOffice  = "203.0.113.20"
	inBerlin         = "198.51.100.20"
	inAnotherCountry = "192.0.2.9"
)

// serveTheMap is serveTheWorld for a server that knows where those are.
func serveTheMap(t *testing.T, args ...string) (*server, *front) {
	t.Helper()
	file := placetest.City(t, map[string]placetest.Entry{
		"203.0.113.0/24":  {Country: "DE", CountryName: "Germany", City: "Frankfurt", ASN: 64500, Operator: "Example Telecom"},
		"198.51.100.0/24": {Country: "DE", CountryName: "Germany", City: "Berlin", ASN: 64501, Operator: "Example Mobile"},
		"192.0.2.0/24":    {Country: "FR", CountryName: "France", City: "Lyon", ASN: 64502, Operator: "Example Fixe"},
	})
	return serveTheWorld(t, append([]string{"--places", file}, args...)...)
}

// demand sets the policy of the demo's sign-ins.
func (s *server) demand(t *testing.T, policy ...string) {
	t.Helper()
	s.operate(t, append([]string{"client", "update", demoClient}, policy...)...)
}

// at puts a desktop of the SDK's at an address.
func (f *front) at(t *testing.T, address string) func(*desktop.Config) {
	t.Helper()
	way := f.from(t, address)
	return func(c *desktop.Config) { c.HTTPClient = &http.Client{Transport: way} }
}

// number waits for the number that the phone shows.
func (p *phone) number() (digits string) {
	p.t.Helper()
	until(p.t, "the phone shows a number of two digits", func() bool {
		digits, _ = eval[string](p, `document.querySelector(".number").textContent`)
		return regexp.MustCompile(`^[0-9]{2}$`).MatchString(digits)
	})
	return digits
}

// otherThan is a number that is wrong where that one is right.
func otherThan(number string) string {
	if number == "07" {
		return "70"
	}
	return "07"
}

// bringRight brings the number that the phone shows.
func (c *computer) bringRight(p *phone) {
	c.t.Helper()
	a := c.bring(p.number())
	a.want(c.t, "the right number", http.StatusOK, "")
	var done wire.DeviceConfirmation
	if a.into(c.t, &done); done.State != wire.StateApproved {
		c.t.Errorf("after the right number: got state %q, want %q", done.State, wire.StateApproved)
	}
}

// bringWrong brings another, and wants to be told how many tries are left.
func (c *computer) bringWrong(p *phone, triesLeft int) {
	c.t.Helper()
	a := c.bring(otherThan(p.number()))
	a.want(c.t, "a wrong number", http.StatusBadRequest, wire.CodeIncorrectNumber)
	var refusal wire.Error
	if a.into(c.t, &refusal); refusal.TriesLeft != triesLeft {
		c.t.Errorf("after a wrong number: got %d tries left, want %d", refusal.TriesLeft, triesLeft)
	}
}

func TestBetweenTwoNetworksTheNumberOfThePhoneIsTypedOnTheDesktop(t *testing.T) {
	s, f := serveTheMap(t)
	p := newPhone(t)
	p.from(inBerlin)
	p.signUp(s, "Ada")
	c := newComputer(t, s.issuer, f.from(t, inFrankfurt)).begin()
	p.open(c.VerificationURIComplete)
	p.see("Check this first")
	p.see("This computer is on another network than your phone.")
	p.see("After your passkey you'll type a number on the computer.")
	p.see("Frankfurt, Germany · Example Telecom · another network than this phone")
	p.shoot("confirm-medium")

	p.press("Approve")
	p.see("on ALICE-PC")
	p.see("Nobody needs this number but the computer in front of you.")
	number := p.number()
	p.shoot("verifying")
	c.bringWrong(p, 2)
	p.see("A wrong number was typed on ALICE-PC. 2 tries left.")
	p.shoot("verifying-wrong")
	c.bringWrong(p, 1)
	p.see("A wrong number was typed on ALICE-PC. 1 try left.")
	if still := p.number(); still != number {
		t.Errorf("after wrong ones the phone shows %s, want %s still", still, number)
	}
	c.bringRight(p)
	p.see("Approved. Look at your computer.")
	c.tokens()
	p.see("You're signed in on ALICE-PC")
}

func TestTheSDKBringsTheNumber(t *testing.T) {
	s, f := serveTheWorld(t)
	p := newPhone(t)
	p.from(inBerlin)
	p.signUp(s, "Ada")
	login := begin(t, sdk(t, s.issuer, f.at(t, inFrankfurt)))
	p.open(login.Current().Link())
	p.press("Approve")
	number := p.number()
	if u := reach(t, login, desktop.StateVerifying); u.TriesLeft != 3 {
		t.Errorf("the desktop has %d tries, want 3", u.TriesLeft)
	}
	if err := login.ConfirmNumber(t.Context(), number); err != nil {
		t.Fatal(err)
	}
	if who := name(t, signedIn(t, login)); who != "Ada" {
		t.Errorf("got a session of %q, want Ada's", who)
	}
	p.see("You're signed in on ALICE-PC")
}

func TestDenyOnTheNumbersPage(t *testing.T) {
	s, f := serveTheWorld(t)
	c := newComputer(t, s.issuer, f.from(t, inFrankfurt)).begin()
	p := newPhone(t)
	p.approve(c.VerificationURIComplete)
	number := p.number()
	p.press("Deny")
	p.see("Nobody was signed in")
	c.bring(number).want(t, "the number of what was denied", http.StatusBadRequest, wire.CodeAccessDenied)
	c.poll().want(t, "a denied sign-in", http.StatusBadRequest, wire.CodeAccessDenied)
}

func TestThreeWrongNumbersEndTheSignIn(t *testing.T) {
	s, f := serveTheWorld(t)
	c := newComputer(t, s.issuer, f.from(t, inFrankfurt)).begin()
	p := newPhone(t)
	p.approve(c.VerificationURIComplete)
	number := p.number()
	c.bringWrong(p, 2)
	c.bringWrong(p, 1)
	c.bring(otherThan(number)).want(t, "the third wrong number", http.StatusBadRequest, wire.CodeAccessDenied)
	p.see("Three wrong numbers.")
	p.see("Nobody was signed in")
	p.see("there is nothing to undo")
	p.shoot("number-failed")
	c.bring(number).want(t, "the right number after them", http.StatusBadRequest, wire.CodeAccessDenied)
	c.poll().want(t, "what wrong numbers ended", http.StatusBadRequest, wire.CodeAccessDenied)
}

func TestASecondPhoneMakesBothPagesWarn(t *testing.T) {
	s := serve(t)
	d := startByHand(t, s)
	first, second := newPhone(t), newPhone(t)
	first.signUp(s, "Ada")
	first.open(d.VerificationURIComplete)
	first.offers("Approve")
	if alone, _ := eval[bool](first, `document.querySelector("[data-opened-twice]").hidden`); !alone {
		t.Error("one phone alone is warned of another")
	}
	second.open(d.VerificationURIComplete)
	for _, p := range []*phone{first, second} {
		p.see("This code was opened in two browsers.")
	}
	until(t, "the answers may be touched again", func() bool {
		locked, ok := eval[bool](first, `document.querySelector("[data-approve]").disabled`)
		return ok && !locked
	})
	first.shoot("opened-twice")
	first.press("Approve")
	first.number()
	first.see("This code was opened in two browsers.")
}

func TestAHighRiskTakesTheNumberIfThePolicySaysSo(t *testing.T) {
	s, f := serveTheMap(t)
	s.demand(t, "--high", "number")
	c := newComputer(t, s.issuer, f.from(t, inFrankfurt)).begin()
	p, other := newPhone(t), newPhone(t)
	p.from(inBerlin)
	p.signUp(s, "Ada")
	other.from(inAnotherCountry)
	other.open(c.VerificationURIComplete)
	other.offers("Deny")
	p.open(c.VerificationURIComplete)
	other.see("This code was opened in two browsers.") // so the server knows
	p.open(c.VerificationURIComplete)
	p.see("Several things don't fit")
	p.see("This code was opened in two browsers.")
	p.see("If you are in any doubt, deny it.")
	p.shoot("confirm-high")
	p.press("Approve")
	c.bringRight(p)
	p.see("Approved. Look at your computer.")
}

func TestAHighRiskIsStopped(t *testing.T) {
	s, f := serveTheMap(t)
	c := newComputer(t, s.issuer, f.from(t, inFrankfurt)).begin()
	p := newPhone(t)
	p.from(inAnotherCountry)
	p.signUp(s, "Ada")
	p.open(c.VerificationURIComplete)
	p.see("This can't be approved here.")
	p.see("This computer is in another country than your phone.")
	p.offersNone("Approve")
	p.shoot("confirm-high-stopped")

	// The phone goes where the computer is, and all fits; and away again.
	p.from(inTheSameOffice)
	p.press("Check again")
	p.see("same network")
	p.from(inAnotherCountry)
	p.press("Approve")
	p.see("This can't be approved here.")
	p.press("Deny and end it")
	p.see("Denied.")
	c.poll().want(t, "what was denied", http.StatusBadRequest, wire.CodeAccessDenied)
}

func TestAMediumRiskIsStoppedIfThePolicySaysSo(t *testing.T) {
	s, f := serveTheWorld(t)
	s.demand(t, "--medium", "refuse")
	c := newComputer(t, s.issuer, f.from(t, inFrankfurt)).begin()
	p := newPhone(t)
	p.open(c.VerificationURIComplete)
	p.join("Ada") // only then it is known whose account it is about
	p.see("This can't be approved here.")
	p.see("This computer is on another network than your phone.")
	p.press("Deny and end it")
	p.see("Denied.")
	c.poll().want(t, "what was denied", http.StatusBadRequest, wire.CodeAccessDenied)
}

func TestAPhoneOfAStrangerIsStoppedAfterThePasskey(t *testing.T) {
	s, f := serveTheWorld(t)
	s.demand(t, "--medium", "refuse")
	p := newPhone(t)
	p.signUp(s, "Ada")
	p.open(s.issuer + "/account")
	p.press("Sign out on this phone")
	p.offers("Sign in with your passkey")
	c := newComputer(t, s.issuer, f.from(t, inFrankfurt)).begin()
	p.open(c.VerificationURIComplete)
	p.see("Check this first")
	p.press("Approve")
	p.see("This can't be approved here.")
	c.poll().want(t, "what was stopped", http.StatusBadRequest, wire.CodeAuthorizationPending)
}

// TestOnlyComputersThatTheAccountHasHad: one becomes known in its own browser.
func TestOnlyComputersThatTheAccountHasHad(t *testing.T) {
	s := serve(t)
	s.demand(t, "--require-known-device")
	p := newPhone(t)
	p.signUp(s, "Ada")
	computer := sdk(t, s.issuer)
	p.open(begin(t, computer).Current().Link())
	p.see("ALICE-PC is new to your account.")
	p.see("Sign in once in that computer's own browser")
	p.offersNone("Approve")
	p.shoot("stopped-unknown")

	here, err := computer.StartHere(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.open(here.Current().Link())
	p.press("Approve")
	signedIn(t, here)
	if who := name(t, enter(t, computer, p)); who != "Ada" {
		t.Errorf("got a session of %q, want Ada's", who)
	}
	p.open(begin(t, sdk(t, s.issuer)).Current().Link())
	p.see("ALICE-PC is new to your account.") // by its key, and not by its name
}
