package mobileweb

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

func TestEachWarningHasASentence(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example"})
	tests := []struct {
		warning Warning
		want    string
	}{
		{WarnOtherNetwork, "This computer is on another network than your phone."},
		{WarnUnknownNetwork, "We can't tell whether this computer is near your phone."},
		{WarnOtherCountry, "This computer is in another country than your phone."},
		{WarnUnusualCountry, "None of your computers has been in this country before."},
		{WarnOpenedTwice, "This code was opened in two browsers. If one of them isn't yours, deny it."},
		{WarnManyStarts, "Very many sign-ins were started from this computer's address."},
		{WarnReported, "Somebody has reported this computer."},
	}
	if len(tests) != len(warnings) {
		t.Errorf("%d warnings are tested, there are %d", len(tests), len(warnings))
	}
	for _, tt := range tests {
		for _, page := range []Page{
			Confirm{Level: LevelMedium, Warnings: []Warning{tt.warning}},
			Stopped{Warnings: []Warning{tt.warning}},
		} {
			if got := accessibleText(parse(t, render(t, site, page))); strings.Count(got, tt.want) != 1 {
				t.Errorf("%T says\n%s\nwant %q in it, once", page, got, tt.want)
			}
		}
	}
}

func TestAWarningWithoutWordsIsNotPassedOver(t *testing.T) {
	site := newSite(t, Options{})
	for _, warning := range []Warning{-1, Warning(len(warnings))} {
		if err := site.Render(&strings.Builder{}, "en", Stopped{Warnings: []Warning{warning}}); err == nil {
			t.Errorf("warning %d: the page rendered, want an error", warning)
		}
	}
}

func TestWhatIsWarnedOf(t *testing.T) {
	tests := []struct {
		name  string
		page  Confirm
		want  []Warning
		risky bool
	}{
		{"nothing", Confirm{}, nil, false},
		{"a low risk leaves the place to its row", Confirm{Warnings: []Warning{WarnOtherNetwork, WarnManyStarts}}, nil, false},
		{"a report is told at any risk", Confirm{Warnings: []Warning{WarnOtherNetwork, WarnReported}}, []Warning{WarnReported}, true},
		{"a second browser has its own place", Confirm{Warnings: []Warning{WarnOpenedTwice}}, nil, true},
		{"even where nothing else is known", Confirm{OpenedTwice: true}, nil, true},
		{"a medium risk tells all", Confirm{Level: LevelMedium, Warnings: []Warning{WarnUnknownNetwork, WarnManyStarts}}, []Warning{WarnUnknownNetwork, WarnManyStarts}, true},
		{"so does a high one", Confirm{Level: LevelHigh, Warnings: []Warning{WarnOtherNetwork, WarnOpenedTwice}}, []Warning{WarnOtherNetwork}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			given := slices.Clone(tt.page.Warnings)
			if diff := cmp.Diff(tt.want, slices.Clip(append([]Warning(nil), tt.page.Against()...))); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			if got := tt.page.Risky(); got != tt.risky {
				t.Errorf("Risky is %t, want %t", got, tt.risky)
			}
			if diff := cmp.Diff(given, tt.page.Warnings); diff != "" {
				t.Errorf("the view model has changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestWhatAPageSaysOfARisk(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example"})
	elsewhere := []Warning{WarnOtherNetwork, WarnOtherCountry}
	tests := []struct {
		name string
		page Page
		want string
	}{
		{"a medium risk asks for a look", Confirm{Level: LevelMedium, Warnings: elsewhere}, "Check this first This computer is on another network"},
		{"a high one says that things don't fit", Confirm{Level: LevelHigh, Warnings: elsewhere}, "Several things don't fit This computer is on another network"},
		{"and what to do in doubt", Confirm{Level: LevelHigh, Warnings: elsewhere}, "If you are in any doubt, deny it."},
		{"the number is foretold", Confirm{Level: LevelMedium, Numbered: true}, "After your passkey you'll type a number on the computer."},
		{"fewer scopes have a reason", Confirm{Level: LevelMedium, Reduced: true}, "Less than the app asked for, because of the above."},
		{"without a risk they have none", Confirm{Reduced: true}, "Less than the app asked for."},
		{"a risk on this computer is told there", Confirm{Local: true, AppName: "Acme", Warnings: []Warning{WarnReported}}, "Somebody has reported this computer. Only approve if you just chose “Sign in” in Acme on this computer."},
		{"the other phone is told whose code it may be", OnAnotherPhone{DeviceName: "ALICE-PC"}, "If you did not open it there, someone else has your code: close the sign-in on ALICE-PC"},
		{"the number is read out digit by digit", Verifying{Number: "07", DeviceName: "ALICE-PC"}, "Type this number on ALICE-PC 0 7 Nobody needs"},
		{"the number is for nobody else", Verifying{Number: "07"}, "Nobody needs this number but the computer in front of you. Don't tell it to anyone."},
		{"three wrong numbers end it", NumberFailed{}, "Three wrong numbers. Nobody was signed in."},
		{"and what that may mean", NumberFailed{}, "somebody else's computer was asking to be signed in as you"},
		{"what is stopped says why", Stopped{Warnings: elsewhere}, "What speaks against it This computer is on another network"},
		{"nobody was signed in", Stopped{}, "This can't be approved here. Nobody was signed in."},
		{"another network helps", Stopped{}, "Use a phone on that computer's network."},
		{"so does the computer's own browser", Stopped{AppName: "Acme"}, "Or choose “Sign in on this computer” in Acme."},
		{"and who runs the server", Stopped{}, "Or ask whoever runs login.acme.example."},
		{"on this computer there is the one way only", Stopped{Local: true}, "If you need to sign in, ask whoever runs login.acme.example. Deny and end it"},
		{"a new computer begins in its own browser", Stopped{AppName: "Acme", Why: StoppedUnknownDevice}, "choose “Sign in on this computer” in Acme. After that, your phone can do it."},
		{"a reported one is lifted by the operator", Stopped{Why: StoppedReported}, "If that was a mistake, ask whoever runs login.acme.example to lift it."},
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

func TestAWarningStandsAboveTheYes(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example"})
	for _, level := range []Level{LevelLow, LevelMedium, LevelHigh} {
		page := render(t, site, Confirm{Level: level, Warnings: []Warning{WarnReported}, Numbered: true})
		approve := strings.Index(page, "data-approve ")
		for _, fact := range []string{"Somebody has reported", "opened in two browsers", "in front of you", "by mail or chat", "type a number"} {
			if at := strings.Index(page, fact); at < 0 || at > approve {
				t.Errorf("level %d: %q stands at %d, want it before the button at %d", level, fact, at, approve)
			}
		}
		if strings.Index(page, "/deny") < approve {
			t.Errorf("level %d: Deny has left its place below Approve", level)
		}
	}
}

func TestASecondBrowserIsToldWhenItComes(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example"})
	tests := []struct {
		name string
		page Page
		want bool
	}{
		{"not yet on a question", Confirm{}, false},
		{"not yet on a warning", Confirm{Level: LevelMedium}, false},
		{"from the beginning", Confirm{OpenedTwice: true}, true},
		{"as one of the warnings", Confirm{Level: LevelHigh, Warnings: []Warning{WarnOpenedTwice}}, true},
		{"not yet while a number is awaited", Verifying{}, false},
		{"while a number is awaited", Verifying{OpenedTwice: true}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			places := with(t, render(t, site, tt.page), "data-opened-twice")
			if len(places) != 1 {
				t.Fatalf("%d places for the warning, want one", len(places))
			}
			if got := !has(places[0], "hidden"); got != tt.want {
				t.Errorf("shown is %t, want %t", got, tt.want)
			}
			if attribute(places[0].Parent, "aria-live") != "assertive" {
				t.Error("it is not announced when it comes")
			}
		})
	}
}

func TestTheTriesLeftAreTold(t *testing.T) {
	site := newSite(t, Options{})
	for _, tt := range []struct {
		left int
		want []string // shown
	}{{3, nil}, {2, []string{"2"}}, {1, []string{"1"}}} {
		var shown []string
		for _, place := range with(t, render(t, site, Verifying{TriesLeft: tt.left}), "data-tries") {
			if attribute(place.Parent, "aria-live") != "assertive" {
				t.Errorf("%s tries left are not announced when they come", attribute(place, "data-tries"))
			}
			if !has(place, "hidden") {
				shown = append(shown, attribute(place, "data-tries"))
			}
		}
		if diff := cmp.Diff(tt.want, shown); diff != "" {
			t.Errorf("%d left: sentences shown (-want +got):\n%s", tt.left, diff)
		}
	}
}

// The number is between the phone and the person: neither its title, which a list of tabs shows, nor an address has it.
func TestTheNumberStaysOnThePage(t *testing.T) {
	page := render(t, newSite(t, Options{}), Verifying{Opening: "o1", Number: "47", AppName: "Acme", DeviceName: "ALICE-PC"})
	if got := content(t, page, "title"); strings.Contains(got, "47") {
		t.Errorf("the title is %q", got)
	}
	if strings.Contains(page, "47") { // its digits stand apart
		t.Error("the number stands somewhere else, too")
	}
}

// with are the elements that have the attribute.
func with(t *testing.T, page, key string) []*html.Node {
	t.Helper()
	return slices.DeleteFunc(elements(parse(t, page)), func(n *html.Node) bool { return !has(n, key) })
}

func has(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}

func TestWhatIsStoppedOnThisComputerTellsOfNoCode(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example"})
	for _, why := range []StoppedWhy{StoppedRisk, StoppedReported} {
		got := accessibleText(parse(t, render(t, site, Stopped{Opening: "o1", Local: true, Why: why})))
		for _, absent := range []string{"code", "phone", "in front of"} {
			if strings.Contains(got, absent) {
				t.Errorf("why %d: the page says %q:\n%s", why, absent, got)
			}
		}
	}
}
