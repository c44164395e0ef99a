package mobileweb

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

const weightBudget = 40 << 10

func newSite(t *testing.T, options Options) *Site {
	t.Helper()
	site, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return site
}

func render(t *testing.T, site *Site, page Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := site.Render(&b, "en", page); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func parse(t *testing.T, page string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func elements(root *html.Node) []*html.Node {
	var found []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			found = append(found, n)
		}
	}
	return found
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// accessibleText is what a screen reader says: the text without what is hidden from it.
func accessibleText(n *html.Node) string {
	if attribute(n, "aria-hidden") == "true" || n.Data == "template" {
		return ""
	}
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for child := range n.ChildNodes() {
		b.WriteString(accessibleText(child))
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func TestEveryPageKeepsThePolicyAndTheBudget(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example", Base: "/auth"})
	loaded := len(site.assets.script.content) + len(site.assets.style.content) + len(site.assets.icon.content)
	for _, p := range previews() {
		t.Run(p.name, func(t *testing.T) {
			page := render(t, site, p.page)
			if got := len(page) + loaded; got > weightBudget {
				t.Errorf("page weighs %d bytes, want at most %d", got, weightBudget)
			}
			headings := 0
			for _, n := range elements(parse(t, page)) {
				if n.Data == "h1" {
					headings++
				}
				checkInline(t, n)
				checkAddresses(t, n)
			}
			if headings == 0 {
				t.Error("no heading")
			}
		})
	}
}

func checkInline(t *testing.T, n *html.Node) {
	t.Helper()
	if n.Data == "style" || n.Data == "script" && (n.FirstChild != nil || attribute(n, "src") == "") {
		t.Errorf("inline <%s>", n.Data)
	}
	for _, a := range n.Attr {
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
			t.Errorf("<%s> has the attribute %s", n.Data, a.Key)
		}
	}
}

func checkAddresses(t *testing.T, n *html.Node) {
	t.Helper()
	for _, key := range []string{"href", "src", "action", "data-here", "data-scan", "data-watch", "data-begin", "data-finish", "data-return"} {
		if address := attribute(n, key); address != "" && !strings.HasPrefix(address, "/auth/") {
			t.Errorf("<%s %s=%q> leaves the base", n.Data, key, address)
		}
	}
}

func TestAccessibleNames(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example"})
	newcomer := Confirm{Opening: "o1", UserCode: "WDJB-MJHT", Registration: RegistrationOpen}
	tests := []struct {
		name     string
		page     Page
		elements []string
		want     string
	}{
		{"the code field is labelled", EnterCode{}, []string{"label"}, "Code"},
		{"the code is sent by Continue", EnterCode{}, []string{"button"}, "Continue"},
		{"yes is Approve, without the lock", newcomer, []string{"button"}, "Approve"},
		{"no is Deny", newcomer, []string{"button"}, "Deny"},
		{"a newcomer is offered a passkey", newcomer, []string{"a", "button"}, "Create your passkey"},
		{"a newcomer gives a name", Join{Registration: RegistrationOpen}, []string{"label"}, "Name"},
		{"an invited person gives a name", Join{}, []string{"label"}, "Name"},
		{"a newcomer creates the passkey", Join{Registration: RegistrationOpen}, []string{"button"}, "Create passkey"},
		{"the recovery code field is labelled", Recover{}, []string{"label"}, "Recovery code"},
		{"the recovery code is sent by Continue", Recover{}, []string{"button"}, "Continue"},
		{"a known person signs in", SignIn{}, []string{"button"}, "Sign in with your passkey"},
		{"the signed-in page leads to the computers", SignedIn{}, []string{"a"}, "Your computers"},
		{"so does the approved one", Approved{}, []string{"a"}, "Your computers"},
		{"so does a denial", Denied{}, []string{"a"}, "Your computers"},
		{"so does the account", Account{}, []string{"a"}, "Your computers"},
		{"the computers lead to the account", Computers{}, []string{"a"}, "Your passkeys"},
		{"a computer can be signed out", Computers{List: []Computer{{}}}, []string{"button"}, "Sign out"},
		{"a computer can be reported", Computers{List: []Computer{{}}}, []string{"summary"}, "This wasn't me"},
		{"a new computer can be confirmed", Computers{List: []Computer{{Unconfirmed: true}}}, []string{"button"}, "It's mine"},
		{"all computers can be signed out", Computers{List: []Computer{{}, {}}}, []string{"summary"}, "Sign out everywhere"},
		{"no is Deny while a number is awaited", Verifying{}, []string{"button"}, "Deny"},
		{"what is stopped can be denied", Stopped{}, []string{"button"}, "Deny and end it"},
		{"yes is Approve on this computer too", Confirm{Local: true}, []string{"button"}, "Approve"},
		{"no is Deny on this computer too", Confirm{Local: true}, []string{"button"}, "Deny"},
		{"an approval leads back", Returned{AppName: "Acme", Outcome: OutcomeApproved}, []string{"button"}, "Back to Acme"},
		{"a denial leads back", Returned{AppName: "Acme"}, []string{"button"}, "Back to Acme"},
		{"what was too late leads back", Returned{AppName: "Acme", Outcome: OutcomeExpired}, []string{"button"}, "Back to Acme"},
		{"the nameless app is this one", Returned{}, []string{"button"}, "Back to this app"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var names []string
			for _, n := range elements(parse(t, render(t, site, tt.page))) {
				if slices.Contains(tt.elements, n.Data) {
					names = append(names, accessibleText(n))
				}
			}
			if !slices.Contains(names, tt.want) {
				t.Errorf("names are %q, want %q among them", names, tt.want)
			}
		})
	}
}

func TestEveryLabelNamesAField(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example"})
	for _, p := range previews() {
		nodes := elements(parse(t, render(t, site, p.page)))
		for _, label := range nodes {
			id := attribute(label, "for")
			named := func(n *html.Node) bool { return n.Data == "input" && attribute(n, "id") == id }
			if label.Data == "label" && !slices.ContainsFunc(nodes, named) {
				t.Errorf("%s: no field has the id %q", p.name, id)
			}
		}
	}
}

func TestForeignWordsAreEscaped(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example"})
	const hostile = `"><img src=x><script>alert(1)</script>`
	errand := Errand{Opening: hostile, AppName: hostile, DeviceName: hostile}
	pages := []Page{
		Confirm{
			Opening: hostile, UserCode: hostile, AppName: hostile, DeviceName: hostile, DevicePlatform: hostile,
			AppVersion: hostile, KnownAs: hostile, Place: Place{Text: hostile, Address: hostile},
			Scopes: []Scope{{Name: hostile}, {Name: "x", Description: hostile}},
		},
		Confirm{
			Opening: hostile, DeviceName: hostile, Level: LevelHigh, Warnings: []Warning{WarnReported}, LinkKey: hostile,
			Place: Place{Network: NetworkOther, Text: hostile, Operator: hostile, Address: hostile},
		},
		Confirm{Opening: hostile, AppName: hostile, DeviceName: hostile, KnownAs: hostile, Local: true, Site: hostile},
		Verifying{Opening: hostile, Number: hostile, AppName: hostile, DeviceName: hostile, TriesLeft: 1},
		NumberFailed{AppName: hostile, DeviceName: hostile},
		Stopped{Opening: hostile, AppName: hostile, DeviceName: hostile},
		Stopped{Opening: hostile, AppName: hostile, DeviceName: hostile, Why: StoppedUnknownDevice},
		Computers{Name: hostile, List: []Computer{{
			ID: hostile, AppName: hostile, DeviceName: hostile, Platform: hostile, Place: hostile, Unconfirmed: true,
		}, {Address: hostile}}},
		SignIn{Next: hostile},
		Returned{Opening: hostile, AppName: hostile, DeviceName: hostile},
		Returned{Opening: hostile, AppName: hostile, DeviceName: hostile, Outcome: OutcomeApproved},
		Returned{Opening: hostile, AppName: hostile, DeviceName: hostile, Outcome: OutcomeExpired},
		EnterCode{Code: hostile, Problem: CodeMalformed},
		Approved{Opening: hostile, AppName: hostile, DeviceName: hostile},
		SignedIn{AppName: hostile, DeviceName: hostile},
		Cancelled{AppName: hostile, DeviceName: hostile},
		Ended{AppName: hostile, DeviceName: hostile},
		Used{AppName: hostile, DeviceName: hostile},
		OnAnotherPhone{DeviceName: hostile},
		Expired{DeviceName: hostile},
		Broken{Reference: hostile},
		Join{For: errand},
		Recover{For: errand},
		RecoveryCodes{For: errand},
		Account{Name: hostile, Passkeys: []Passkey{{ID: hostile, Label: hostile}, {ID: "p2"}}},
	}
	for _, page := range pages {
		for _, n := range elements(parse(t, render(t, site, page))) {
			if n.Data == "img" || n.Data == "script" && attribute(n, "src") == "" {
				t.Errorf("%T: a foreign <%s> came through", page, n.Data)
			}
		}
	}
}

func TestNamesCannotReorderTheSentence(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"a plain name stays", "ALICE-PC", "ALICE-PC"},
		{"an override is dropped", "ALICE\u202eCP-\u202c", "ALICECP-"},
		{"a line break is a space", "ALICE\nPC", "ALICE PC"},
		{"a name from right to left is isolated", "מחשב", "\u2068מחשב\u2069"},
		{"an isolate that would escape is dropped", "מחשב\u2069!", "\u2068מחשב!\u2069"},
		{"an emoji of several runes stays whole", "👩\u200d💻", "👩\u200d💻"},
		{"nothing but controls is no name", "\u200b\u202e ", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tame(tt.in)); diff != "" {
				t.Errorf("tame (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatThePagesSay(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example"})
	far := Place{Network: NetworkOther, Text: "Frankfurt, Germany"}
	run := far
	run.Operator = "Example Telecom"
	near := Place{Network: NetworkSame, Text: "Frankfurt, Germany", Address: "203.0.113.7"}
	tests := []struct {
		name string
		page Page
		want string
	}{
		{"no scope still asks for consent", Confirm{}, "know that it is you"},
		{"an unverified app is labelled", Confirm{AppName: "Acme"}, "not verified"},
		{"the computer's words are marked", Confirm{DeviceName: "PC"}, "PC, as it says itself"},
		{
			"so are its system and the app's version",
			Confirm{DeviceName: "PC", DevicePlatform: "Linux", AppVersion: "3.2"},
			"PC, Linux, version 3.2, as it says itself",
		},
		{"the app is named, and whether it is verified", Confirm{AppName: "Acme", AppVerified: true}, "App verified"},
		{"the same network needs few words", Confirm{Place: near}, "same network Asked"},
		{"the code is read out letter by letter", Confirm{UserCode: "WDJB-MJHT"}, "computer shows W D J B, M J H T"},
		{"a code that was refused is in the title", EnterCode{Problem: CodeUnknown}, "Check the code · login"},
		{"too many tries are in the title", EnterCode{Problem: CodeTooManyTries, Wait: time.Second}, "Too many tries. · login"},
		{"inside another app nothing is asserted", Confirm{}, "This browser can't use passkeys. You may be inside another app."},
		{"passkeys have a name", Account{Passkeys: []Passkey{{ID: "p1", Label: "Bitwarden"}}}, "Bitwarden Created"},
		{"the nameless have a number", Account{Passkeys: []Passkey{{ID: "p1", Number: 2}}}, "Passkey 2 Created"},
		{"the attack is told in its own shape", Confirm{}, "Only approve if you are looking at this code on a computer in front of you. We never send codes by mail or chat."},
		{"a far computer's place is named", Confirm{Place: far}, "Frankfurt, Germany · another network than this phone"},
		{"so is who runs its network", Confirm{Place: run}, "Frankfurt, Germany · Example Telecom · another network than this phone"},
		{"what approving means names the computer", Confirm{DeviceName: "ALICE-PC"}, "ALICE-PC will be able to know that it is you"},
		{"the nameless computer will be able to", Confirm{}, "Your computer will be able to"},
		{"an unknown scope has the operator's words", Confirm{Scopes: []Scope{{"x.read", "read your x"}}}, "read your x"},
		{"an unknown scope without words has its name", Confirm{Scopes: []Scope{{Name: "x.read"}}}, "x.read"},
		{"time left is minutes and seconds", Confirm{Left: 252 * time.Second}, "4:12 left"},
		{"asked a minute ago is singular", Confirm{Asked: 70 * time.Second}, "1 minute ago"},
		{"a known person is named", Confirm{KnownAs: "Ada"}, "Not Ada? Use another passkey"},
		{"without script approval says why not", Confirm{}, "Approving needs JavaScript"},
		{"the nameless computer is yours", Approved{}, "You're being signed in to this app on your computer."},
		{"signed in names the computer", SignedIn{DeviceName: "ALICE-PC"}, "You're signed in on ALICE-PC"},
		{"denied tells of phishing", Denied{}, "Wasn't you? Someone may have sent you this code. We never send codes by mail or chat."},
		{"ended says who ended it", Ended{}, "Whoever runs login.acme.example has ended it"},
		{"ended says whom to ask", Ended{AppName: "Acme", DeviceName: "ALICE-PC"}, "sign in to Acme on ALICE-PC, ask them"},
		{"the wait is rounded up", TooManyTries{Wait: 61 * time.Second}, "Wait 2 minutes"},
		{"the last passkey cannot go", Account{Passkeys: []Passkey{{ID: "p1"}}}, "it can't be removed"},
		{"the errand waits", Join{For: Errand{"o1", "Acme", "ALICE-PC"}}, "back at signing in to Acme on ALICE-PC."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := accessibleText(parse(t, render(t, site, tt.page)))
			if !strings.Contains(got, tt.want) {
				t.Errorf("page says\n%s\nwant %q in it", got, tt.want)
			}
		})
	}
}

func TestFactsForANoStandAboveTheYes(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example"})
	page := render(t, site, Confirm{DeviceName: "ALICE-PC", Place: Place{Network: NetworkOther}})
	approve := strings.Index(page, "data-approve ")
	for _, fact := range []string{"not verified", "as it says itself", "another network", "in front of you", "We never send codes"} {
		if at := strings.Index(page, fact); at < 0 || at > approve {
			t.Errorf("%q stands at %d, want it before the button at %d", fact, at, approve)
		}
	}
}

func TestLanguageIsChosen(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example"})
	catalogs := fstest.MapFS{
		"catalog/en.toml": {Data: readCatalog(t)},
		"catalog/de.toml": {Data: []byte("[denied]\ntitle = \"Abgelehnt.\"\n")},
	}
	site.editions = nil
	if err := site.translate(catalogs); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, header, want string }{
		{"the wanted language", "de-AT,de;q=0.9,en;q=0.5", `<html lang="de">`},
		{"a sentence that it lacks is English", "de", "Nobody was signed in."},
		{"an unknown language gets English", "tlh", `<html lang="en">`},
		{"no header gets English", "", `<html lang="en">`},
		{"a malformed header gets English", ";;q=é", `<html lang="en">`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := site.Render(&b, tt.header, Denied{}); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(b.String(), tt.want) {
				t.Errorf("got\n%s\nwant %q in it", b.String(), tt.want)
			}
		})
	}
}

func TestSentencesForTheScript(t *testing.T) {
	site := newSite(t, Options{})
	for _, sentence := range sentences {
		if got := site.Say("fr", sentence); got == "" || strings.HasPrefix(got, "[") {
			t.Errorf("Say(%q) = %q", sentence, got)
		}
	}
}

type brokenPage struct{ Page }

func (brokenPage) template() string { return "confirm" }

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestAPageThatFailsWritesNothing(t *testing.T) {
	site := newSite(t, Options{})
	var b bytes.Buffer
	if err := site.Render(&b, "", brokenPage{}); err == nil {
		t.Error("a page without the template's fields rendered, want an error")
	}
	if b.Len() > 0 {
		t.Errorf("it wrote %q, want nothing", b.String())
	}
	if err := site.Render(brokenWriter{}, "", Denied{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error of the writer is %v, want io.ErrClosedPipe", err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	tests := []struct {
		name    string
		options Options
		want    []string // in the error; none: fine
	}{
		{"nothing set", Options{}, nil},
		{"all set", Options{Brand{"Acme", "#FFCC00", "/logo.svg"}, "acme.example", "/auth"}, nil},
		{"a data image as logo", Options{Brand: Brand{Logo: "data:image/png;base64,AA=="}}, nil},
		{"all faults at once", Options{Brand: Brand{Accent: "red", Logo: "https://elsewhere.example/l.png"}, Base: "auth/"}, []string{"#rrggbb", "logo", "base"}},
		{"a logo of another host", Options{Brand: Brand{Logo: "//elsewhere.example/l.png"}}, []string{"logo"}},
		{"an accent that is no number", Options{Brand: Brand{Accent: "#12345g"}}, []string{"#rrggbb"}},
		{"a base with a slash at its end", Options{Base: "/auth/"}, []string{"base"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(tt.options)
			if (err != nil) != (len(tt.want) > 0) {
				t.Fatalf("error is %v, want one about %q", err, tt.want)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not mention %q", err, part)
				}
			}
		})
	}
}

// What a page says when a button was pressed stands below all that may be pressed: what it is about must not move.
func TestWordsAboutAButtonStandBelowIt(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example"})
	for _, p := range []struct {
		page   Page
		button string
	}{
		{Confirm{}, `data-approve `},
		{Confirm{}, "/deny"},
		{Confirm{Level: LevelHigh}, `data-approve `},
		{Confirm{Local: true}, `data-approve `},
		{Returned{}, "data-back>"},
		{Returned{Outcome: OutcomeApproved}, "data-back>"},
		{Returned{Outcome: OutcomeExpired}, "data-back>"},
		{SignIn{}, "data-sign-in"},
		{Join{}, "data-create"},
		{Recover{}, "data-ask"},
		{Account{}, "data-add-passkey"},
		{Account{}, "data-renew-codes"},
	} {
		_, after, _ := strings.Cut(render(t, site, p.page), p.button)
		if !strings.Contains(after, "data-status") {
			t.Errorf("%T: no room for words below %s", p.page, p.button)
		}
		if _, rest, _ := strings.Cut(after, "data-status"); strings.Contains(rest, p.button) {
			t.Errorf("%T: words stand above %s", p.page, p.button)
		}
	}
}

// Safari does not take a list without markers for a list.
func TestAListWithoutMarkersSaysThatItIsOne(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example"})
	for _, p := range previews() {
		for _, n := range elements(parse(t, render(t, site, p.page))) {
			if n.Data == "ul" && attribute(n, "role") != "list" {
				t.Errorf("%s: a list has the role %q, want list", p.name, attribute(n, "role"))
			}
		}
	}
}

func TestOnAnotherPhoneLeadsNowhere(t *testing.T) {
	page := render(t, newSite(t, Options{Host: "login.acme.example"}), OnAnotherPhone{DeviceName: "ALICE-PC"})
	for _, n := range elements(parse(t, page)) {
		if n.Data == "a" { // to the form that takes the code leads back here
			t.Errorf("it leads to %s", attribute(n, "href"))
		}
	}
}

// A refusal that costs as much as the page is none.
func TestTheBusyPageIsReadyBeforeAnybodyComes(t *testing.T) {
	site := newSite(t, Options{Host: "login.example"})
	for _, page := range []Busy{{Reload: true}, {Reload: false}} {
		for _, accept := range []string{"en", "de"} {
			var fresh bytes.Buffer
			if err := site.edition(accept).pages["busy"].Execute(&fresh, page); err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := site.Render(&got, accept, page); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(fresh.String(), got.String()); diff != "" {
				t.Errorf("%+v in %s is not the page (-want +got):\n%s", page, accept, diff)
			}
			if n := testing.AllocsPerRun(100, func() { _ = site.Render(io.Discard, accept, page) }); n > 20 {
				t.Errorf("%+v in %s: %v allocations, want what the choice of the language takes", page, accept, n)
			}
		}
	}
}
