package phone_test

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
)

// at has the request come from there.
func at(a netip.Addr) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(from, a.String()) }
}

// far has every request of the browser come from another network than desktops are on.
func (b *browser) far() *browser {
	b.elsewhere = at(logintest.Away)
	return b
}

var numberOnPage = regexp.MustCompile(`(?s)class="number"[^>]*>(.*?)</p>`)

// number is what the page tells the person to type.
func number(t *testing.T, page string) string {
	t.Helper()
	m := numberOnPage.FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no number on the page:\n%s", page)
	}
	return regexp.MustCompile(`<[^>]*>`).ReplaceAllString(m[1], "")
}

// status is what the page's script learns at once.
func (b *browser) status(opening string) (s struct {
	State       grant.State `json:"state"`
	UserCode    string      `json:"user_code"`
	LinkKey     string      `json:"link_key"`
	OpenedTwice bool        `json:"opened_twice"`
	TriesLeft   int         `json:"tries_left"`
},
) {
	b.site.t.Helper()
	a := b.get("/confirm/" + opening + "/status")
	if err := json.Unmarshal([]byte(a.body), &s); err != nil {
		b.site.t.Fatalf("%s: %v", a.body, err)
	}
	return s
}

func TestFromAnotherNetworkANumberFollowsThePasskey(t *testing.T) {
	s := serve(t, budget.Limits{})
	g, _ := s.Start(logintest.App)
	b := s.browser().far()
	opening := b.open(g)
	b.join("Ada", opening)
	if page := b.get("/confirm/" + opening); !strings.Contains(page.body, "another network") || !strings.Contains(page.body, "number") {
		t.Errorf("the question says nothing of the other network, or of the number:\n%s", page.body)
	}
	a, next := b.approve(opening)
	if a.StatusCode != http.StatusOK {
		t.Fatalf("approve: %s %s", a.Status, a.body)
	}
	page := b.get(text(t, next["location"]))
	stored, _ := s.Grant(t.Context(), g.ID)
	if got := number(t, page.body); got != stored.Number || len(got) != grant.NumberDigits {
		t.Fatalf("the page shows %q, the grant awaits %q", got, stored.Number)
	}
	if got := b.status(opening); got.State != grant.Verifying || got.TriesLeft != grant.NumberTries || got.UserCode != "" {
		t.Errorf("the status: got %+v", got)
	}
	if a, _ := b.approve(opening); a.StatusCode != http.StatusConflict {
		t.Errorf("another tap on Approve: got %s, want 409", a.Status)
	}
	stranger := s.browser()
	if page := stranger.get("/device?user_code=" + g.Code.String()); numberOnPage.MatchString(page.body) {
		t.Error("another browser is shown the number")
	}
	if _, err := s.ConfirmNumber(t.Context(), logintest.App, g.ID, stored.Number, logintest.Home); err != nil {
		t.Fatal(err)
	}
	if page := b.get("/confirm/" + opening); !strings.Contains(page.body, "Look at your computer") {
		t.Error("after the number the page does not say that it is approved")
	}
}

func TestThePageOfNumbersThatDidNotMatch(t *testing.T) {
	s := serve(t, budget.Limits{})
	g, _ := s.Start(logintest.App)
	b := s.browser().far()
	opening := b.open(g)
	b.join("Ada", opening)
	b.approve(opening)
	for range grant.NumberTries {
		_, _ = s.ConfirmNumber(t.Context(), logintest.App, g.ID, "no number", logintest.Home)
	}
	page := b.get("/confirm/" + opening)
	if numberOnPage.MatchString(page.body) || !strings.Contains(page.body, "Nobody was signed in") || strings.Contains(page.body, "/deny") {
		t.Errorf("got\n%s", page.body)
	}
}

func TestTheNumberCanBeDenied(t *testing.T) {
	s := serve(t, budget.Limits{})
	g, _ := s.Start(logintest.App)
	b := s.browser().far()
	opening := b.open(g)
	b.join("Ada", opening)
	b.approve(opening)
	if a := b.form("/confirm/"+opening+"/deny", nil); a.StatusCode != http.StatusSeeOther || s.state(g) != grant.Denied {
		t.Errorf("got %s, the grant is %s; want it denied", a.Status, s.state(g))
	}
	if page := b.get("/confirm/" + opening); numberOnPage.MatchString(page.body) || openingInPage.MatchString(page.body) {
		t.Error("back after the denial there is something to decide")
	}
}

func TestASecondBrowserWarnsBothPages(t *testing.T) {
	s := serve(t, budget.Limits{})
	g, _ := s.Start(logintest.App)
	first, second := s.browser(), s.browser()
	mine, theirs := first.open(g), second.open(g)
	first.call("/confirm/"+mine+"/scan", struct{}{})
	if first.status(mine).OpenedTwice {
		t.Error("one browser is warned of itself")
	}
	second.get("/device?user_code=" + g.Code.String()) // a preview's look is no opening
	if first.status(mine).OpenedTwice {
		t.Error("a GET counts as an opening")
	}
	second.call("/confirm/"+theirs+"/scan", struct{}{})
	for name, warned := range map[string]bool{
		"the first one's status":  first.status(mine).OpenedTwice,
		"the second one's status": second.status(theirs).OpenedTwice,
		"the first one's page":    opened(first.get("/confirm/" + mine)),
		"the second one's page":   opened(second.get("/confirm/" + theirs)),
	} {
		if !warned {
			t.Errorf("%s does not warn", name)
		}
	}
	first.join("Ada", mine)
	if a, _ := first.approve(mine); a.StatusCode != http.StatusOK || s.state(g) != grant.Verifying {
		t.Errorf("the first one approves: got %s, the grant is %s; want a number awaited", a.Status, s.state(g))
	}
	if a, _ := second.call("/confirm/"+theirs+"/begin", struct{}{}); a.StatusCode != http.StatusConflict {
		t.Errorf("the second one after that: got %s, want 409", a.Status)
	}
}

// opened reports whether the page warns, in sight, that the code was opened twice.
func opened(page answer) bool {
	return regexp.MustCompile(`data-opened-twice[^>]*>`).MatchString(page.body) &&
		!regexp.MustCompile(`data-opened-twice[^>]* hidden`).MatchString(page.body)
}

func TestWhatThePolicyRefusesIsStopped(t *testing.T) {
	refuse := auth.DemandRefuse
	s := serve(t, budget.Limits{})
	s.AddClient(auth.Client{ID: "strict", Name: "Strict", Policy: auth.PolicyChange{Medium: &refuse}})
	g, _ := s.Start("strict")
	b := s.browser().far()
	opening := b.open(g)
	b.join("Ada", opening)
	page := b.get("/confirm/" + opening)
	if strings.Contains(page.body, "data-approve") || !openingInPage.MatchString(page.body) || !strings.Contains(page.body, "another network") {
		t.Errorf("want the reason, a way to deny, and none to approve:\n%s", page.body)
	}
	a, refused := b.call("/confirm/"+opening+"/begin", struct{}{})
	if a.StatusCode != http.StatusForbidden || text(t, refused["error"]) != "risky" || text(t, refused["location"]) != "/confirm/"+opening {
		t.Errorf("begin all the same: got %s %s", a.Status, a.body)
	}
	if a := b.form("/confirm/"+opening+"/deny", nil); a.StatusCode != http.StatusSeeOther || s.state(g) != grant.Denied {
		t.Errorf("deny: got %s, the grant is %s", a.Status, s.state(g))
	}
}
