package mobileweb

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

func TestWhatAPageSaysOfThisComputer(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example"})
	ask := Confirm{Local: true, AppName: "Acme", Registration: RegistrationOpen}
	named, web := ask, ask
	named.DeviceName = "ALICE-PC"
	web.Site = "app.acme.example"
	denied := Returned{AppName: "Acme"}
	approved := Returned{AppName: "Acme", Outcome: OutcomeApproved}
	expired := Returned{AppName: "Acme", Outcome: OutcomeExpired}
	tests := []struct {
		name string
		page Page
		want string
	}{
		{"the nameless computer is this one", ask, "Sign in to Acme? on this computer This was asked for"},
		{"a computer has its name", named, "Sign in to Acme? on ALICE-PC This was asked for"},
		{"its words are marked", named, "Computer ALICE-PC, as it says itself"},
		{"there is no code, and it says why", ask, "in this very browser, so there is no code to compare."},
		{"the answer goes to an app", ask, "Back to an app on this computer Asked"},
		{"or to a site, by name", web, "Back to app.acme.example Asked"},
		{"the warning is of this computer", ask, "Only approve if you just chose “Sign in” in Acme on this computer."},
		{"an unverified app is labelled", ask, "not verified"},
		{"the scopes are told", ask, "It will be able to know that it is you"},
		{"the time left is told", Confirm{Local: true, Left: 61 * time.Second}, "1:01 left"},
		{"a known person is named", Confirm{Local: true, KnownAs: "Ada"}, "Not Ada? Use another passkey"},
		{"a newcomer is asked about this computer", ask, "No passkey on this computer? Create your passkey"},
		{"without script approval says why not", ask, "Approving needs JavaScript"},
		{"a window without passkeys has a next step", ask, "Then sign in to Acme with your phone"},
		{"approved says where to go", approved, "Approved · login.acme.example login.acme.example Approved. Go back to Acme."},
		{"approved reads as finished", approved, "Then you can close this page."},
		{"approved names this computer", approved, "You're being signed in on this computer."},
		{"denied says what came of it", denied, "Denied. Nobody was signed in."},
		{"denied tells of phishing", denied, "Wasn't you? Someone may have sent you a link to this page."},
		{"denied may be closed", denied, "You can close this page."},
		{"too late says so", expired, "The time to answer has run out. Nobody was signed in. Choose “Sign in” in Acme again"},
		{"without script the way back is told", denied, "Go to Acme yourself"},
		{"an unknown app is told of", BrokenLink{Fault: LinkUnknownApp}, "login.acme.example doesn't know that app."},
		{"so is an unregistered address", BrokenLink{Fault: LinkUnregisteredReturn}, "The redirect_uri is not registered"},
		{"and what cannot be read", BrokenLink{}, "The authorization request is malformed."},
		{"a broken link has a next step", BrokenLink{}, "tell whoever makes the app:"},
		{"too many tries tell of no code", TooManyTries{Wait: time.Second, Local: true}, "Then choose “Sign in” in the app again."},
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

func TestTheQuestionOnThisComputerHasNoCodeAndNoPlace(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example"})
	page := render(t, site, Confirm{Opening: "o1", Local: true, UserCode: "WDJB-MJHT", Place: Place{Network: NetworkOther, Address: "203.0.113.7"}})
	for _, absent := range []string{"WDJB-MJHT", "data-user-code", "another network", "203.0.113.7", "We never send codes", "data-copy-link"} {
		if strings.Contains(page, absent) {
			t.Errorf("the page has %q", absent)
		}
	}
}

func TestFactsForANoStandAboveTheYesOnThisComputer(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example"})
	page := render(t, site, Confirm{Local: true, AppName: "Acme", DeviceName: "ALICE-PC", Site: "app.acme.example"})
	approve := strings.Index(page, "data-approve ")
	for _, fact := range []string{"very browser", "not verified", "as it says itself", "app.acme.example", "Only approve if you just chose"} {
		if at := strings.Index(page, fact); at < 0 || at > approve {
			t.Errorf("%q stands at %d, want it before the button at %d", fact, at, approve)
		}
	}
}

// The script puts it in place of the question, so it must be the page that a reload shows.
func TestTheQuestionHoldsItsOwnEnd(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example"})
	approved := Returned{Opening: "o1", AppName: "Acme", DeviceName: "ALICE-PC", Outcome: OutcomeApproved}
	end := content(t, render(t, site, Confirm{Opening: "o1", Local: true, AppName: "Acme", DeviceName: "ALICE-PC"}), "template")
	if want := content(t, render(t, site, approved), "main"); end != want || end == "" {
		t.Errorf("the question holds\n%s\nwant\n%s", end, want)
	}
	if page := render(t, site, Confirm{Opening: "o1"}); strings.Contains(page, "<template") {
		t.Error("the question of a phone holds one too")
	}
}

// content is the HTML within the first element of that name.
func content(t *testing.T, page, name string) string {
	t.Helper()
	nodes := elements(parse(t, page))
	i := slices.IndexFunc(nodes, func(n *html.Node) bool { return n.Data == name })
	if i < 0 {
		t.Fatalf("no <%s>", name)
	}
	var b strings.Builder
	for child := range nodes[i].ChildNodes() {
		if err := html.Render(&b, child); err != nil {
			t.Fatal(err)
		}
	}
	return strings.TrimSpace(b.String())
}

func TestWhatCannotBeAnsweredLeadsNowhere(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example"})
	for _, page := range []Page{
		BrokenLink{},
		BrokenLink{Fault: LinkUnknownApp},
		BrokenLink{Fault: LinkUnregisteredReturn},
		TooManyTries{Local: true},
		Broken{Reference: "r", Local: true},
		Busy{Reload: true},
	} {
		for _, n := range elements(parse(t, render(t, site, page))) {
			if n.Data == "a" || n.Data == "form" || n.Data == "button" {
				t.Errorf("%T has a <%s>", page, n.Data)
			}
		}
	}
}

// The way back is the script's: a link would tell the address, and a form would break the policy's form-action.
func TestTheWayBackIsNeitherALinkNorAForm(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example"})
	for _, outcome := range []Outcome{OutcomeDenied, OutcomeApproved, OutcomeExpired} {
		nodes := elements(parse(t, render(t, site, Returned{Opening: "o1", AppName: "Acme", Outcome: outcome})))
		buttons := 0
		for _, n := range nodes {
			if n.Data == "form" || n.Data == "a" && attribute(n, "href") != "/recovery-codes" {
				t.Errorf("outcome %d: <%s> to %q", outcome, n.Data, attribute(n, "href"))
			}
			if slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "data-back" }) {
				buttons++
			}
		}
		if buttons != 1 {
			t.Errorf("outcome %d: %d ways back, want one", outcome, buttons)
		}
	}
}
