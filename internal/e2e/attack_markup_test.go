package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// Names that somebody other than us chooses, each of which would do something.
const (
	evilDevice   = `<img src=x onerror=alert(1)>`
	evilPlatform = `"><script>alert(2)</script>`
	evilVersion  = `</dd><iframe srcdoc=x>{{.}}${7*7}`
	evilClient   = `<script>alert(4)</script><!--`
	evilPerson   = `"'><svg onload=alert(5)>`
	evilScope    = `<b/onclick=alert(6)>`
	// The controls turn text around, hide it, colour a terminal, and end a line.
	controls     = "\u202egnihsihp\u202c\u2066\u200e\u200f\u200b\x1b[31m\u009b31m\r\n\x00\x07"
	withControls = "ALICE" + controls + "-PC"
)

// unharmed wants the page to hold nothing that is not ours, and to say the names as text.
func (p *phone) unharmed(where string, names ...string) {
	p.t.Helper()
	for _, name := range names {
		p.see(name)
	}
	strange, ok := eval[string](p, `[...document.querySelectorAll(
		"img:not(.logo), script:not([src^='/assets/']), svg:not(.icon), b, iframe, object, embed, base, [onerror], [onload], [onclick], [srcdoc]")]
		.map(element => element.outerHTML).join("\n")`)
	if !ok || strange != "" {
		p.t.Errorf("%s: the page has %q", where, strange)
	}
	source, _ := eval[string](p, "document.documentElement.outerHTML")
	if i := strings.IndexFunc(source, obeyed); i >= 0 {
		p.t.Errorf("%s: the page has the character %q", where, []rune(source[i:])[0])
	}
}

// obeyed reports a character that does something to the text around it. Line breaks and
// the isolation of names from right to left are ours.
func obeyed(r rune) bool {
	return r != '\n' && r != '\t' && r != '\u2068' && r != '\u2069' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r))
}

// TestNamesAreNeverMarkup: a computer, an app, a person say of themselves what they like.
func TestNamesAreNeverMarkup(t *testing.T) {
	s := serve(t)
	s.operate(t, "client", "add", "evil", "--name", evilClient, "--scope", "openid", "--scope", evilScope)
	p := newPhone(t)
	call(p, page.Enable, page.EnableParams{})
	p.must(chromedp.Listen(p.ctx, func(event any) {
		if e, ok := event.(*page.EventJavascriptDialogOpening); ok {
			p.t.Errorf("a dialog says %q", e.Message)
			go func() { // a page with a dialog answers nothing
				_, _ = chromedp.Call(p.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
			}()
		}
	}))
	evil := func() *computer {
		t.Helper()
		c := newComputer(t, s.issuer)
		c.client = "evil"
		return c.begin(url.Values{"device_name": {evilDevice}, "device_platform": {evilPlatform}, "app_version": {evilVersion}})
	}

	p.signUp(s, evilPerson)
	p.unharmed("the recovery codes")
	desk := evil()
	p.open(desk.VerificationURIComplete)
	p.unharmed("the question", evilDevice, evilPlatform, evilVersion, evilClient, evilPerson, evilScope)
	newHandset(t, s.issuer).scan(desk.VerificationURIComplete) // for the page with the number
	p.see("opened in two browsers")
	until(t, "the buttons can be pressed again", func() bool {
		return p.on("Approve", []string{"button"}, `function() { return !this.disabled }`)
	})
	p.press("Approve")
	digits := p.shown()
	p.unharmed("the number", evilDevice)
	desk.bring("xx").want(t, "no number", http.StatusBadRequest, wire.CodeInvalidRequest)
	desk.bring(wrongNumbers(digits)[0]).want(t, "a wrong number", http.StatusBadRequest, wire.CodeIncorrectNumber)
	p.see("2 tries left")
	p.unharmed("a wrong number", evilDevice)
	desk.bring(digits).want(t, "the number", http.StatusOK, "")
	p.see("Approved. Look at your computer.")
	p.unharmed("approved", evilDevice, evilClient)
	desk.tokens()
	p.see("You're signed in on")
	p.unharmed("signed in", evilDevice, evilClient)
	p.open(s.issuer + "/devices")
	p.unharmed("the list", evilDevice, evilPlatform, evilClient, evilPerson)
	p.open(s.issuer + "/account")
	p.unharmed("the account", evilPerson)

	desk = evil()
	p.open(desk.VerificationURIComplete)
	p.open(s.issuer + "/join?for=" + p.opening())
	p.unharmed("on the way to a passkey", evilDevice, evilClient)
	p.must(back(p))
	p.offers("Deny")
	desk.send("/revoke", url.Values{"token": {desk.DeviceCode}}).want(t, "cancel", http.StatusOK, "")
	p.see("Cancelled on")
	p.unharmed("cancelled", evilDevice)
	p.open(evil().VerificationURIComplete)
	p.press("Deny")
	p.see("Nobody was signed in")
	p.unharmed("denied")
	p.open(s.issuer + "/device?user_code=" + url.QueryEscape(evilPlatform))
	p.see("A code has eight letters")
	p.unharmed("a typed code")
	if typed, _ := eval[string](p, `document.querySelector("[name=user_code]").defaultValue`); !strings.HasPrefix(typed, evilPlatform[:20]) {
		t.Errorf("the page shows the typed code again as %q", typed)
	}
	p.open(invite(t, s, "--name", evilPerson))
	until(t, "the invitation's name stands in the field", func() bool {
		name, _ := eval[string](p, `document.querySelector("[name=name]").value`)
		return name == evilPerson
	})
	p.unharmed("an invitation")

	t.Run("nor do they turn text around, or a terminal", func(t *testing.T) {
		p := p.in(t)
		s.operate(t, "client", "add", "bidi", "--name", "Acme"+strings.ReplaceAll(controls, "\x00", "")+"Studio")
		c := newComputer(t, s.issuer)
		c.client = "bidi"
		c.begin(url.Values{"device_name": {withControls}, "device_platform": {withControls}, "app_version": {withControls}})
		p.open(c.VerificationURIComplete)
		const plain = "ALICEgnihsihp[31m31m -PC"
		p.unharmed("the question", plain, "Acmegnihsihp[31m31m Studio")
		p.press("Approve")
		p.see("Approved. Look at your computer.")
		c.tokens()
		p.see("You're signed in on")
		mallory := newHandset(t, s.issuer)
		mallory.join("Mallory" + controls)
		mallory.deny(mallory.open(c.begin(url.Values{"device_name": {withControls}}).VerificationURIComplete))
		p.open(s.issuer + "/devices")
		p.unharmed("the list", plain, evilDevice)
		for _, command := range [][]string{
			{"audit", "list"},
			{"audit", "list", "--json"},
			{"audit", "export"},
			{"client", "list"},
			{"client", "show", "bidi"},
			{"user", "list"},
			{"client", "list", "--json"},
			{"user", "list", "--json"},
		} {
			t.Run(strings.Join(command, " "), func(t *testing.T) {
				t.Parallel()
				said := s.operate(t, command...)
				if i := strings.IndexFunc(said, obeyed); i >= 0 {
					t.Errorf("it says %q", said[max(0, i-40):min(len(said), i+40)])
				}
				if command[0] == "audit" && (!strings.Contains(said, plain) || !strings.Contains(said, "onerror=alert(1)")) {
					t.Errorf("it does not name the computers:\n%s", said)
				}
			})
		}
		if i := strings.IndexFunc(s.log(), obeyed); i >= 0 {
			t.Errorf("the server's log has %q", s.log()[max(0, i-40):])
		}
	})
}
