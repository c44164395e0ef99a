package phone_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
	"github.com/qrauthd/qrauthd/internal/store"
)

// signedIn is a browser whose person has signed so many computers in.
func (s *site) signedIn(n int) *browser {
	s.t.Helper()
	b := s.browser()
	b.join("Ada", "")
	for range n {
		g, code := s.Start(logintest.App)
		if a, _ := b.approve(b.open(g)); a.StatusCode != http.StatusOK {
			s.t.Fatalf("approve: %s %s", a.Status, a.body)
		}
		s.Fetch(logintest.App, logintest.NoKey, code)
	}
	return b
}

// sessions are all that there are.
func (s *site) sessions() (list []auth.Session) {
	s.t.Helper()
	s.Update(func(tx store.Tx) error {
		list = nil
		users, err := tx.Users()
		for _, u := range users {
			more, err := tx.SessionsOf(u.ID)
			if err != nil {
				return err
			}
			list = append(list, more...)
		}
		return err
	})
	return list
}

var action = regexp.MustCompile(`/devices/[A-Za-z0-9_-]+/(sign-out|report|confirm)`)

func TestComputers(t *testing.T) {
	for name, tt := range map[string]struct {
		path func(page string) string
		left int
		done string
	}{
		"sign out":            {func(page string) string { return find(page, "/sign-out") }, 1, "?done=signed-out"},
		"this wasn't me":      {func(page string) string { return find(page, "/report") }, 1, "?done=reported"},
		"sign out everywhere": {func(string) string { return "/devices/sign-out-everywhere" }, 0, "?done=all-signed-out"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, budget.Limits{})
			b := s.signedIn(2)
			page := b.get("/devices")
			if page.StatusCode != http.StatusOK || strings.Count(page.body, "ALICE-PC") < 2 || !strings.Contains(page.body, "Acme Studio") {
				t.Fatalf("the list: got %s\n%s", page.Status, page.body)
			}
			a := b.form(tt.path(page.body), nil)
			if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/devices"+tt.done {
				t.Errorf("got %s to %q", a.Status, a.Header.Get("Location"))
			}
			if got := len(s.sessions()); got != tt.left {
				t.Errorf("%d are left, want %d", got, tt.left)
			}
			if page := b.get(a.Header.Get("Location")); page.StatusCode != http.StatusOK || !strings.Contains(page.body, `role="status"`) {
				t.Errorf("the list after it does not say what was done: %s", page.Status)
			}
		})
	}
}

// find is the path of the first action of that name.
func find(page, name string) string {
	for _, path := range action.FindAllString(page, -1) {
		if strings.HasSuffix(path, name) {
			return path
		}
	}
	return "/no such action"
}

func TestComputersAreShownAfterAFreshPasskeyOnly(t *testing.T) {
	s := serve(t, budget.Limits{})
	b := s.signedIn(1)
	path := find(b.get("/devices").body, "/sign-out")
	s.Clock.Advance(11 * time.Minute)
	for _, a := range []answer{b.get("/devices"), b.form(path, nil), b.form("/devices/sign-out-everywhere", nil)} {
		if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/signin?next=devices" {
			t.Errorf("got %s to %q, want the passkey first", a.Status, a.Header.Get("Location"))
		}
	}
	if len(s.sessions()) != 1 {
		t.Error("the session is gone")
	}
	a, begun := b.call("/signin/begin", struct{}{})
	a, done := b.call("/signin/finish", map[string]any{
		"ceremony": begun["ceremony"], "credential": json.RawMessage(b.Get([]byte(a.body))), "next": "devices",
	})
	if a.StatusCode != http.StatusOK || text(t, done["location"]) != "/devices" {
		t.Fatalf("sign in: %s %s", a.Status, a.body)
	}
	if a := b.form(path, nil); a.StatusCode != http.StatusSeeOther || len(s.sessions()) != 0 {
		t.Errorf("sign out after that: got %s, %d sessions left", a.Status, len(s.sessions()))
	}
}

func TestASignInLeadsNowhereElse(t *testing.T) {
	s := serve(t, budget.Limits{})
	b := s.browser()
	b.join("Ada", "")
	for _, next := range []string{"https://evil.example", "//evil.example", "/devices", "devices/../..", ""} {
		a, begun := b.call("/signin/begin", struct{}{})
		_, done := b.call("/signin/finish", map[string]any{
			"ceremony": begun["ceremony"], "credential": json.RawMessage(b.Get([]byte(a.body))), "next": next,
		})
		if got := text(t, done["location"]); got != "/account" {
			t.Errorf("next=%q leads to %s", next, got)
		}
	}
}

func TestNobodyElsesPageSignsAComputerOut(t *testing.T) {
	s := serve(t, budget.Limits{})
	b := s.signedIn(1)
	page := b.get("/devices").body
	for _, path := range []string{find(page, "/sign-out"), find(page, "/report"), "/devices/sign-out-everywhere"} {
		a := b.form(path, nil, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
		if a.StatusCode != http.StatusForbidden {
			t.Errorf("%s: got %s, want 403", path, a.Status)
		}
		if a := b.get(path); a.StatusCode != http.StatusMethodNotAllowed && a.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s: got %s", path, a.Status)
		}
	}
	if len(s.sessions()) != 1 {
		t.Error("the session is gone")
	}
}

func TestALinkFromThisServerIsNoGuess(t *testing.T) {
	once := budget.Limits{GuessesOverall: ratelimit.Rate{Count: 1, Per: time.Hour}, Guesses: ratelimit.Rate{Count: 1, Per: time.Hour}, GuessesPerBrowser: ratelimit.Rate{Count: 1, Per: time.Hour}}
	s := serve(t, once)
	g, _ := s.Start(logintest.App)
	key, err := s.LinkKey(t.Context(), g.Code)
	if err != nil {
		t.Fatal(err)
	}
	s.browser().get("/device?user_code=BBBB-BBBB") // spends what strangers have
	b := s.browser()
	for _, tt := range []struct {
		name, path string
		want       int
	}{
		{"typed", "/device?user_code=" + g.Code.String(), http.StatusTooManyRequests},
		{"one that exists not", "/device?user_code=BBBB-BBBB", http.StatusTooManyRequests},
		{"with a wrong key", "/device?user_code=" + g.Code.String() + "&k=AAAAAAAA", http.StatusTooManyRequests},
		{"scanned", "/device?user_code=" + g.Code.String() + "&k=" + key, http.StatusOK},
	} {
		a := b.get(tt.path)
		if a.StatusCode != tt.want || (tt.want != http.StatusOK) == (a.Header.Get("Retry-After") == "") {
			t.Errorf("%s: got %s, Retry-After %q", tt.name, a.Status, a.Header.Get("Retry-After"))
		}
	}
	opening := b.follow("/device?user_code=" + g.Code.String() + "&k=" + key)
	if got := b.status(opening); got.LinkKey != key {
		t.Errorf("the page learns the key %q, want %q", got.LinkKey, key)
	}
}
