package e2e

import (
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/desktop"
)

// here runs the demo app, which waits for this computer's browser.
func here(t *testing.T, issuer string, args ...string) (app *process, link string) {
	t.Helper()
	app = terminal(t, issuer, append([]string{"--here", "--no-browser"}, args...)...)
	return app, app.line("link: ")
}

func TestTheDemoSignsInWithThisComputersBrowser(t *testing.T) {
	s := serve(t)
	app, link := here(t, s.issuer)
	browser := newPhone(t)
	browser.open(link)
	browser.see("on this computer")
	browser.shoot("here-confirm-newcomer")
	browser.join("Ada")
	browser.see("Approve")
	browser.shoot("here-confirm")
	browser.press("Approve")
	app.line("signed in as Ada")
	if code := app.exit(); code != 0 {
		t.Errorf("the demo ended with %d, want 0", code)
	}
	browser.see("You're signed in") // the app's own page
}

func TestDeniedInThisComputersBrowser(t *testing.T) {
	s := serve(t)
	app, link := here(t, s.issuer)
	browser := newPhone(t)
	browser.open(link)
	question, _ := eval[string](browser, "location.href")
	browser.press("Deny")
	if code := app.exit(); code != 2 {
		t.Errorf("the demo ended with %d, want 2", code)
	}
	browser.see("Not signed in") // the app's own page
	browser.open(question)
	browser.see("Nobody was signed in")
	browser.shoot("here-denied")
	if browser.has("Approve") {
		t.Error("after Deny the question offers Approve")
	}
}

// TestTheWayBackToAnAppOfItsOwnScheme: the page stays in sight, since the browser
// hands the address to the app.
func TestTheWayBackToAnAppOfItsOwnScheme(t *testing.T) {
	s := serve(t)
	s.operate(t, "client", "add", "acme", "--name", "Acme Studio", "--redirect-uri", "com.acme.studio:/callback",
		"--redirect-uri", "https://app.acme.example/callback")
	ask := func(redirect string) string {
		return s.issuer + "/authorize?client_id=acme&response_type=code&code_challenge_method=S256" +
			"&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&redirect_uri=" + redirect
	}
	p := newPhone(t)
	p.signUp(s, "Ada")
	p.open(ask("https://app.acme.example/callback"))
	p.see("app.acme.example")
	p.shoot("here-website")
	p.open(ask("com.acme.studio:/callback"))
	p.press("Approve")
	p.see("Approved. Go back to Acme Studio.")
	p.offers("Back to Acme Studio")
	p.shoot("here-approved")
}

func TestALinkThatIsNotTheAppsLeadsNowhere(t *testing.T) {
	s := serve(t)
	p := newPhone(t)
	p.open(s.issuer + "/authorize?client_id=" + demoClient + "&response_type=code&redirect_uri=https://evil.example/")
	p.see("link")
	p.shoot("here-broken-link")
	if address, _ := eval[string](p, "location.href"); !strings.HasPrefix(address, s.issuer+"/") {
		t.Errorf("led to %s", address)
	}
}

func TestTheSDKSignsInWithThisComputersBrowser(t *testing.T) {
	s := serve(t)
	p := newPhone(t)
	p.signUp(s, "Ada")
	login, err := sdk(t, s.issuer).StartHere(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.open(login.Current().Link())
	p.press("Approve")
	session := signedIn(t, login)
	if who := name(t, session); who != "Ada" {
		t.Errorf("got a session of %q, want Ada's", who)
	}
	if tok, err := session.Token(); err != nil || tok.TokenType != "DPoP" {
		t.Errorf("got a token of type %q, %v; want one that is bound to the key", tok.TokenType, err)
	}
	<-login.Done()
	if got := login.Current().State; got != desktop.StateRedeemed {
		t.Errorf("ended as %s, want redeemed", got)
	}
}
