package phone_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
)

func TestScanJoinApproveSignedIn(t *testing.T) {
	s := serve(t, budget.Limits{})
	g, code := s.Start(logintest.App)
	b := s.browser()
	opening := b.open(g)
	if a, _ := b.call("/confirm/"+opening+"/scan", struct{}{}); a.StatusCode != http.StatusNoContent || s.state(g) != grant.Scanned {
		t.Fatalf("scan: %s, the grant is %s", a.Status, s.state(g))
	}
	done := b.join("Ada", opening)
	if got, want := text(t, done["location"]), "/confirm/"+opening; got != want {
		t.Errorf("after creating a passkey: got %s, want the same confirmation %s", got, want)
	}
	var codes []string
	if err := json.Unmarshal(done["recovery_codes"], &codes); err != nil || len(codes) != 10 {
		t.Errorf("got %d recovery codes, %v; want 10", len(codes), err)
	}
	if a := b.get("/confirm/" + opening); !strings.Contains(a.body, "Approve") || !strings.Contains(a.body, g.Code.String()) {
		t.Error("the confirmation after joining has lost the question or the code")
	}
	a, next := b.approve(opening)
	if a.StatusCode != http.StatusOK {
		t.Fatalf("approve: %s %s", a.Status, a.body)
	}
	page := b.get(text(t, next["location"]))
	if !strings.Contains(page.body, "Look at your computer") {
		t.Error("after the approval the page does not say to look at the computer")
	}
	client, _ := s.Client(t.Context(), logintest.App)
	if _, err := s.Redeem(t.Context(), login.TokenRequest{Client: client}, code); err != nil {
		t.Fatal(err)
	}
	if page := b.get("/confirm/" + opening); !strings.Contains(page.body, "signed in on") || !strings.Contains(page.body, "ALICE-PC") {
		t.Error("after the redeem the page does not say where one is signed in")
	}
}

func TestAGETChangesNothing(t *testing.T) {
	s := serve(t, budget.Limits{})
	g, _ := s.Start(logintest.App)
	for range 3 {
		s.browser().open(g) // as a link preview does
	}
	if got := s.state(g); got != grant.Pending {
		t.Errorf("the grant is %s, want pending", got)
	}
}

func TestThePageTellsWhoAsks(t *testing.T) {
	s := serve(t, budget.Limits{})
	s.AddClient(auth.Client{ID: "shady", Name: "<b>Shady</b>"})
	client, _ := s.Client(t.Context(), "shady")
	g, _, err := s.Service.Start(t.Context(), login.StartRequest{
		Client: client,
		Device: auth.Device{Name: `<script>alert(1)</script>`, Platform: `"><img src=x>`, AppVersion: "1.0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	a := s.browser().get("/device?user_code=" + g.Code.String())
	for _, html := range []string{"<script>alert", "<img src=x", "<b>Shady"} {
		if strings.Contains(a.body, html) {
			t.Errorf("%q is on the page unescaped", html)
		}
	}
	for _, want := range []string{"&lt;b&gt;Shady", "&lt;script&gt;", g.Code.String(), "ot verified"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(a.body, "style=") || strings.Contains(a.body, "onclick") {
		t.Error("the page has inline style or script")
	}
}

func TestHeaders(t *testing.T) {
	s := serve(t, budget.Limits{})
	h := s.browser().get("/device").Header
	for name, want := range map[string]string{
		"Content-Security-Policy": "frame-ancestors 'none'",
		"X-Frame-Options":         "DENY",
		"Referrer-Policy":         "no-referrer",
		"X-Content-Type-Options":  "nosniff",
		"Cache-Control":           "no-store",
	} {
		if got := h.Get(name); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", name, got, want)
		}
	}
	if csp := h.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") {
		t.Errorf("the policy lets in what is inline or elsewhere: %s", csp)
	}
	cookie := h.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie %q lacks %s", cookie, want)
		}
	}
}

func TestEnterCode(t *testing.T) {
	s := serve(t, budget.Limits{})
	g, _ := s.Start(logintest.App)
	tests := []struct {
		name, typed string
		status      int
		location    string
	}{
		{"as it is shown", g.Code.String(), http.StatusSeeOther, "/device?user_code=" + g.Code.String()},
		{"in lower case with spaces", strings.ToLower(strings.ReplaceAll(g.Code.String(), "-", " ")), http.StatusSeeOther, "/device?user_code=" + g.Code.String()},
		{"nothing", "", http.StatusUnprocessableEntity, ""},
		{"what no code looks like", "hello", http.StatusUnprocessableEntity, ""},
		{"a code that nothing waits under", "BBBB-BBBB", http.StatusUnprocessableEntity, ""},
		{"a link in place of a code", "https://evil.example", http.StatusUnprocessableEntity, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := s.browser().form("/device", url.Values{"user_code": {tt.typed}})
			if a.StatusCode != tt.status || a.Header.Get("Location") != tt.location {
				t.Errorf("got %s to %q, want %d to %q", a.Status, a.Header.Get("Location"), tt.status, tt.location)
			}
		})
	}
}

func TestGuessingUserCodesIsBudgeted(t *testing.T) {
	rate := ratelimit.Rate{Count: 3, Per: time.Hour}
	for name, limits := range map[string]budget.Limits{
		"per address": {Guesses: rate}, "overall": {GuessesOverall: rate}, "per browser": {GuessesPerBrowser: rate},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, limits)
			g, _ := s.Start(logintest.App)
			b := s.browser()
			b.get("/device") // for the cookie
			for range 5 {
				b.open(g) // a code that exists costs nothing
			}
			for range 3 {
				if a := b.get("/device?user_code=BBBB-BBBB"); a.StatusCode != http.StatusNotFound {
					t.Fatalf("a wrong code: got %s, want 404", a.Status)
				}
			}
			right, wrong := b.get("/device?user_code="+g.Code.String()), b.get("/device?user_code=BBBB-BBBB")
			if right.StatusCode != http.StatusTooManyRequests || wrong.StatusCode != http.StatusTooManyRequests {
				t.Errorf("over budget: got %s and %s, want 429 for both", right.Status, wrong.Status)
			}
			if right.Header.Get("Retry-After") == "" {
				t.Error("429 without Retry-After")
			}
			if strings.Contains(right.body, "Acme") {
				t.Error("over budget the page tells that the code exists")
			}
		})
	}
}

func TestADecisionTakesTheBrowserThatOpenedThePage(t *testing.T) {
	s := serve(t, budget.Limits{})
	g, _ := s.Start(logintest.App)
	victim, thief := s.browser(), s.browser()
	opening := victim.open(g)
	thief.get("/device")
	for _, path := range []string{"/begin", "/finish", "/scan", "/return", "/status"} {
		var a answer
		if path == "/status" {
			a = thief.get("/confirm/" + opening + path)
		} else {
			a, _ = thief.call("/confirm/"+opening+path, struct{}{})
		}
		if a.StatusCode != http.StatusForbidden {
			t.Errorf("%s with another browser's handle: got %s, want 403", path, a.Status)
		}
	}
	if a := thief.form("/confirm/"+opening+"/deny", nil); a.StatusCode != http.StatusForbidden {
		t.Errorf("deny with another browser's handle: got %s, want 403", a.Status)
	}
	if a := thief.get("/confirm/" + opening); a.StatusCode != http.StatusForbidden {
		t.Errorf("the page with another browser's handle: got %s, want 403", a.Status)
	}
	if got := s.state(g); got != grant.Pending {
		t.Errorf("the grant is %s, want pending", got)
	}
}

func TestEveryDecisionIsProtectedAgainstCSRF(t *testing.T) {
	s := serve(t, budget.Limits{})
	g, _ := s.Start(logintest.App)
	b := s.browser()
	opening := b.open(g)
	b.join("Ada", "")
	crossSite := func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Origin", "https://evil.example")
	}
	oldBrowser := func(r *http.Request) {
		r.Header.Del("Sec-Fetch-Site")
		r.Header.Set("Origin", "https://evil.example")
	}
	paths := []string{
		"/device", "/confirm/" + opening + "/deny", "/confirm/" + opening + "/begin", "/confirm/" + opening + "/finish",
		"/confirm/" + opening + "/scan", "/confirm/" + opening + "/return", "/join/begin", "/join/finish", "/join/invitation", "/signin/begin", "/signin/finish",
		"/signout-here", "/account/sign-out", "/account/recovery-codes", "/account/passkeys/begin", "/account/passkeys/finish",
		"/account/passkeys/AAAA/remove",
	}
	for _, path := range paths {
		for how, change := range map[string]func(*http.Request){"by Sec-Fetch-Site": crossSite, "by Origin": oldBrowser} {
			if a := b.form(path, nil, change); a.StatusCode != http.StatusForbidden {
				t.Errorf("%s, known %s: got %s, want 403", path, how, a.Status)
			}
		}
	}
	if got := s.state(g); got != grant.Pending {
		t.Errorf("the grant is %s, want pending", got)
	}
	if a := b.get("/account"); a.StatusCode != http.StatusOK {
		t.Errorf("signed out by another site: %s", a.Status)
	}
}

func TestAFormCannotPassForTheScriptsJSON(t *testing.T) {
	s := serve(t, budget.Limits{})
	g, _ := s.Start(logintest.App)
	b := s.browser()
	opening := b.open(g)
	for _, path := range []string{
		"/join/invitation", "/join/begin", "/join/finish", "/signin/begin", "/signin/finish",
		"/account/passkeys/begin", "/account/passkeys/finish", "/account/recovery-codes",
		"/confirm/" + opening + "/scan", "/confirm/" + opening + "/begin", "/confirm/" + opening + "/finish",
		"/confirm/" + opening + "/return",
	} {
		for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json/x"} {
			if a := b.do(http.MethodPost, path, kind, `{"name":"Eve"}`); a.StatusCode != http.StatusBadRequest {
				t.Errorf("%s as %q: got %s, want 400", path, kind, a.Status)
			}
		}
	}
	if got := s.state(g); got != grant.Pending {
		t.Errorf("the grant is %s, want it untouched", got)
	}
}

func TestGoingBackAfterDenyCannotApprove(t *testing.T) {
	s := serve(t, budget.Limits{})
	g, _ := s.Start(logintest.App)
	b := s.browser()
	opening := b.open(g)
	b.join("Ada", opening)
	a := b.form("/confirm/"+opening+"/deny", nil)
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/confirm/"+opening {
		t.Fatalf("deny: got %s to %q", a.Status, a.Header.Get("Location"))
	}
	if page := b.get("/confirm/" + opening); !strings.Contains(page.body, "Nobody was signed in") {
		t.Error("the page does not say that nobody was signed in")
	}
	if a, _ := b.approve(opening); a.StatusCode != http.StatusConflict {
		t.Errorf("approve after deny: got %s, want 409", a.Status)
	}
	for who, page := range map[string]answer{
		"the same browser": b.get("/device?user_code=" + g.Code.String()),
		"another browser":  s.browser().get("/device?user_code=" + g.Code.String()),
	} {
		if strings.Contains(page.body, "Approve") {
			t.Errorf("%s can reopen the denied link", who)
		}
	}
	if got := s.state(g); got != grant.Denied {
		t.Errorf("the grant is %s, want denied", got)
	}
}

func TestACodeThatIsClaimedStaysWithItsBrowser(t *testing.T) {
	s := serve(t, budget.Limits{})
	g, _ := s.Start(logintest.App)
	first, second := s.browser(), s.browser()
	mine, theirs := first.open(g), second.open(g)
	if a, _ := first.call("/confirm/"+mine+"/begin", struct{}{}); a.StatusCode != http.StatusOK {
		t.Fatal(a.Status)
	}
	if page := second.get("/confirm/" + theirs); strings.Contains(page.body, ">Approve<") || !strings.Contains(page.body, "another phone") {
		t.Error("the other browser is not told that another phone has it")
	}
	if a, _ := second.call("/confirm/"+theirs+"/begin", struct{}{}); a.StatusCode != http.StatusConflict {
		t.Errorf("the other browser's Approve: got %s, want 409", a.Status)
	}
	second.form("/confirm/"+theirs+"/deny", nil)
	if got := s.state(g); got != grant.Confirming {
		t.Errorf("the grant is %s, want it confirming on the first phone", got)
	}
	if page := first.get("/confirm/" + mine); !strings.Contains(page.body, "Approve") {
		t.Error("the first browser has lost its question")
	}
	var status struct {
		State            grant.State `json:"state"`
		ClaimedElsewhere bool        `json:"claimed_elsewhere"`
	}
	if err := json.Unmarshal([]byte(second.get("/confirm/"+theirs+"/status").body), &status); err != nil || !status.ClaimedElsewhere {
		t.Errorf("status: got %+v, %v; want claimed elsewhere", status, err)
	}
}

func TestPagesOfAGrantThatIsOver(t *testing.T) {
	tests := []struct {
		name, says string
		end        func(s *site, g grant.Grant)
	}{
		{"cancelled on the computer", "cancelled", func(s *site, g grant.Grant) { _ = s.Cancel(s.t.Context(), logintest.App, g.ID, logintest.Home) }},
		{"run out", "run out", func(s *site, g grant.Grant) { s.Clock.Advance(auth.DefaultLifetime) }},
		{"ended with its app", "whoever runs", func(s *site, g grant.Grant) {
			_ = admin.Operator{Store: s.Store, Now: s.Clock.Now}.RemoveClient(s.t.Context(), logintest.App)
		}},
		{"used by another phone", "already", func(s *site, g grant.Grant) { _ = s.Deny(s.t.Context(), logintest.At("another phone"), g.ID) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, budget.Limits{})
			g, _ := s.Start(logintest.App)
			b := s.browser()
			opening := b.open(g)
			tt.end(s, g)
			page := b.get("/confirm/" + opening)
			if strings.Contains(page.body, ">Approve<") || !strings.Contains(strings.ToLower(page.body), tt.says) {
				t.Errorf("the page does not say %q:\n%s", tt.says, page.body)
			}
			if a, out := b.approve(opening); a.StatusCode < 400 || text(t, out["message"]) == "" {
				t.Errorf("approve: got %s %s, want a refusal with a sentence", a.Status, a.body)
			}
		})
	}
}

func TestAnAccountDisabledAfterItsApprovalIsToldWhoEndedIt(t *testing.T) {
	s := serve(t, budget.Limits{})
	g, _ := s.Start(logintest.App)
	b := s.browser()
	opening := b.open(g)
	b.join("Ada", opening)
	if a, _ := b.approve(opening); a.StatusCode != http.StatusOK {
		t.Fatalf("approve: %s %s", a.Status, a.body)
	}
	if _, _, err := (admin.Operator{Store: s.Store, Now: s.Clock.Now}).Disable(t.Context(), "Ada"); err != nil {
		t.Fatal(err)
	}
	if page := b.get("/confirm/" + opening); !strings.Contains(page.body, "hoever runs") || strings.Contains(page.body, "Wasn") {
		t.Errorf("the page does not say who ended it:\n%s", page.body)
	}
}

func TestANeighboursCeremoniesKeepNobodyFromApproving(t *testing.T) {
	s := serve(t, budget.Limits{Ceremonies: ratelimit.Rate{Count: 3, Per: time.Hour}})
	b, neighbour := s.browser(), s.browser()
	b.join("Ada", "")
	for range 5 {
		neighbour.call("/signin/begin", struct{}{})
	}
	if a, _ := neighbour.call("/signin/begin", struct{}{}); a.StatusCode != http.StatusTooManyRequests {
		t.Fatalf("the neighbour: got %s, want 429", a.Status)
	}
	g, _ := s.Start(logintest.App)
	opening := b.open(g)
	for range 3 {
		if a, _ := b.call("/confirm/"+opening+"/begin", struct{}{}); a.StatusCode != http.StatusOK {
			t.Fatalf("approving beside it: got %s", a.Status)
		}
	}
	if a, _ := b.call("/confirm/"+opening+"/begin", struct{}{}); a.StatusCode != http.StatusTooManyRequests {
		t.Errorf("one grant without end: got %s, want 429", a.Status)
	}
}

func TestPassOverBadHandles(t *testing.T) {
	s := serve(t, budget.Limits{})
	b := s.browser()
	for _, path := range []string{"/confirm/x", "/confirm/x.", "/confirm/a.b", "/confirm/" + strings.Repeat("a", 5000)} {
		if a := b.get(path); a.StatusCode != http.StatusForbidden {
			t.Errorf("%.20s: got %s, want 403", path, a.Status)
		}
	}
	if a := b.get("/nowhere"); a.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown page: got %s, want 404", a.Status)
	}
	if a := b.get("/join?for=https://evil.example"); a.StatusCode != http.StatusOK || strings.Contains(a.body, "evil.example") {
		t.Error("a foreign address passed for a handle")
	}
}
