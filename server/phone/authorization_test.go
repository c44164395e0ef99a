package phone_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
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
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/server/phone"
)

// studio is the client that asks by way of the browser.
const studio auth.ClientID = "studio"

const (
	issuer   = "http://localhost:8080"
	loopback = "http://127.0.0.1/done"
	verifier = "a-verifier-that-is-long-enough-for-RFC-7636"
)

// addStudio adds that client.
func addStudio(s *site) {
	s.AddClient(auth.Client{
		ID: studio, Name: "Acme Studio", Verified: true, AuthMethod: auth.AuthNone,
		RedirectURIs: []string{loopback, "https://app.acme.example/done", "com.acme.studio:/done"},
	})
}

// authorize begins a grant as the authorization endpoint does.
func (s *site) authorize(redirectURI string) grant.Grant {
	s.t.Helper()
	client, err := s.Client(s.t.Context(), studio)
	if err != nil {
		s.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(verifier))
	g, err := s.Authorize(s.t.Context(), login.AuthorizeRequest{
		StartRequest: login.StartRequest{Client: client, Device: auth.Device{Name: "ALICE-PC"}},
		RedirectURI:  redirectURI,
		State:        "s1&x",
		Challenge:    base64.RawURLEncoding.EncodeToString(sum[:]),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return g
}

// led follows the app's link to the question, and returns the opening.
func (b *browser) led(g grant.Grant) string {
	b.site.t.Helper()
	b.site.authorization = func(w http.ResponseWriter, r *http.Request) { b.site.face.Ask(w, r, g.ID) }
	a := b.get("/authorize")
	opening, found := strings.CutPrefix(a.Header.Get("Location"), "/confirm/")
	if a.StatusCode != http.StatusSeeOther || !found {
		b.site.t.Fatalf("ask: got %s to %q, want the question", a.Status, a.Header.Get("Location"))
	}
	return opening
}

// wayBack asks for the address at which the app waits.
func (b *browser) wayBack(opening string) (answer, *url.URL) {
	b.site.t.Helper()
	a, out := b.call("/confirm/"+opening+"/return", struct{}{})
	if a.StatusCode != http.StatusOK {
		return a, nil
	}
	return a, address(b.site.t, text(b.site.t, out["return"]))
}

func address(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// exchange redeems the code of an authorization response.
func (s *site) exchange(response *url.URL, redirectURI string) error {
	s.t.Helper()
	client, err := s.Client(s.t.Context(), studio)
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = s.Exchange(s.t.Context(), login.ExchangeRequest{
		TokenRequest: login.TokenRequest{Client: client},
		Code:         secret.From(response.Query().Get("code")),
		RedirectURI:  redirectURI, Verifier: verifier,
	})
	return err
}

// begun is a site with the client, and a browser that was led to the question of
// its grant.
func begun(t *testing.T, redirectURI string) (*site, *browser, grant.Grant, string) {
	t.Helper()
	s := serve(t, budget.Limits{})
	addStudio(s)
	g, b := s.authorize(redirectURI), s.browser()
	return s, b, g, b.led(g)
}

func TestApprovedOnThisComputerGoesBackToTheApp(t *testing.T) {
	for _, redirectURI := range []string{loopback, "http://127.0.0.1:49152/done", "https://app.acme.example/done", "com.acme.studio:/done"} {
		t.Run(redirectURI, func(t *testing.T) {
			s, b, g, opening := begun(t, redirectURI)
			if got := text(t, b.join("Ada", opening)["location"]); got != "/confirm/"+opening {
				t.Errorf("after creating a passkey: got %s, want the same question", got)
			}
			a, next := b.approve(opening)
			if a.StatusCode != http.StatusOK || text(t, next["location"]) != "/confirm/"+opening {
				t.Fatalf("approve: %s %s", a.Status, a.body)
			}
			to := text(t, next["return"])
			if query, found := strings.CutPrefix(to, redirectURI+"?"); !found || strings.Contains(query, "?") {
				t.Errorf("back to %q, want to %s", to, redirectURI)
			}
			q := address(t, to).Query()
			if q.Get("code") == "" || q.Get("state") != "s1&x" || q.Get("iss") != issuer || q.Has("error") {
				t.Errorf("the response is %v", q)
			}
			if err := s.exchange(address(t, to), redirectURI); err != nil {
				t.Fatalf("exchange: %v", err)
			}
			if page := b.get("/confirm/" + opening); !strings.Contains(page.body, "signed in on ALICE-PC") {
				t.Errorf("the page does not say where one is signed in:\n%s", page.body)
			}
			if got := s.state(g); got != grant.Redeemed {
				t.Errorf("the grant is %s, want redeemed", got)
			}
		})
	}
}

func TestTheQuestionOnThisComputer(t *testing.T) {
	tests := []struct{ redirectURI, says string }{
		{loopback, "an app on this computer"},
		{"com.acme.studio:/done", "an app on this computer"},
		{"https://app.acme.example/done", "app.acme.example"},
	}
	for _, tt := range tests {
		t.Run(tt.redirectURI, func(t *testing.T) {
			_, b, _, opening := begun(t, tt.redirectURI)
			page := b.get("/confirm/" + opening)
			for _, want := range []string{"Sign in to Acme Studio?", "on ALICE-PC", tt.says, "Approve", "/deny", "just chose"} {
				if !strings.Contains(page.body, want) {
					t.Errorf("the page lacks %q:\n%s", want, page.body)
				}
			}
			for _, foreign := range []string{"127.0.0.1", "com.acme", "https://", "data-user-code", "same network"} {
				if strings.Contains(page.body, foreign) {
					t.Errorf("the page has %q", foreign)
				}
			}
			if csp := page.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self'") || !strings.Contains(csp, "frame-ancestors 'none'") {
				t.Errorf("the policy is %q", csp)
			}
			if a := b.get("/confirm/" + opening + "/status"); !strings.Contains(a.body, `"pending"`) || strings.Contains(a.body, "user_code") {
				t.Errorf("status: got %s, want no code", a.body)
			}
		})
	}
}

func TestTheCodeGrantIsOpenableByNoUserCode(t *testing.T) {
	s, _, g, opening := begun(t, loopback)
	b := s.browser()
	for _, code := range []string{"", "-", "--------", string(g.ID), opening, g.Code.String(), g.OldCode.String(), string(g.ID)[:8], "BBBB-BBBB"} {
		got, sent := b.get("/device?user_code="+url.QueryEscape(code)), b.form("/device", url.Values{"user_code": {code}})
		for how, a := range map[string]answer{"opened": got, "typed": sent} {
			if strings.Contains(a.body, "Acme Studio") || a.StatusCode == http.StatusSeeOther {
				t.Errorf("%q, %s, leads to the grant: %s", code, how, a.Status)
			}
		}
	}
	if _, err := s.Open(t.Context(), logintest.At("another browser"), ""); !errors.Is(err, login.ErrUnknownCode) {
		t.Errorf("open by no code: got %v, want ErrUnknownCode", err)
	}
}

func TestAnotherBrowsersOpeningOfACodeGrantIsRefused(t *testing.T) {
	s, b, g, opening := begun(t, loopback)
	thief := s.browser()
	thief.get("/device") // for a cookie
	refused := func(when string) {
		t.Helper()
		if a := thief.get("/confirm/" + opening); a.StatusCode != http.StatusForbidden || strings.Contains(a.body, "Acme") {
			t.Errorf("the page, %s: got %s, want 403", when, a.Status)
		}
		for _, path := range []string{"/begin", "/finish", "/return"} {
			if a, out := thief.call("/confirm/"+opening+path, struct{}{}); a.StatusCode != http.StatusForbidden || out["return"] != nil {
				t.Errorf("%s, %s: got %s, want 403", path, when, a.Status)
			}
		}
		if a := thief.form("/confirm/"+opening+"/deny", nil); a.StatusCode != http.StatusForbidden {
			t.Errorf("deny, %s: got %s, want 403", when, a.Status)
		}
	}
	refused("asked")
	if got := s.state(g); got != grant.Pending {
		t.Errorf("the grant is %s, want pending", got)
	}
	b.join("Ada", opening)
	b.approve(opening)
	refused("approved")
	s.Clock.Advance(auth.DefaultLifetime)
	refused("expired")
}

func TestBackAfterDenyCannotApproveACodeGrant(t *testing.T) {
	s, b, g, opening := begun(t, loopback)
	b.join("Ada", opening)
	a := b.form("/confirm/"+opening+"/deny", nil)
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/confirm/"+opening {
		t.Fatalf("deny: got %s to %q", a.Status, a.Header.Get("Location"))
	}
	page := b.get("/confirm/" + opening)
	if !strings.Contains(page.body, "Nobody was signed in") || !strings.Contains(page.body, "Back to Acme Studio") || strings.Contains(page.body, ">Approve<") {
		t.Errorf("the page after a denial is\n%s", page.body)
	}
	if a, _ := b.approve(opening); a.StatusCode != http.StatusConflict {
		t.Errorf("approve after deny: got %s, want 409", a.Status)
	}
	if got := s.state(g); got != grant.Denied {
		t.Errorf("the grant is %s, want denied", got)
	}
}

func TestADenialLeadsBackWithStateAndIssuer(t *testing.T) {
	_, b, _, opening := begun(t, "https://app.acme.example/done")
	b.form("/confirm/"+opening+"/deny", nil)
	for range 2 { // the app may not have been reached
		a, to := b.wayBack(opening)
		if to == nil || to.Scheme+"://"+to.Host+to.Path != "https://app.acme.example/done" {
			t.Fatalf("got %s %s, want the client's address", a.Status, a.body)
		}
		q := to.Query()
		if q.Get("error") != "access_denied" || q.Get("state") != "s1&x" || q.Get("iss") != issuer || q.Has("code") {
			t.Errorf("the response is %v, want access_denied with state and iss", q)
		}
		if got := a.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control is %q, want no-store", got)
		}
	}
}

func TestWhatRanOutLeadsBackWithAnError(t *testing.T) {
	s, b, _, opening := begun(t, loopback)
	s.Clock.Advance(auth.DefaultLifetime)
	page := b.get("/confirm/" + opening)
	if !strings.Contains(page.body, "run out") || !strings.Contains(page.body, "Back to Acme Studio") {
		t.Errorf("the page does not say that the time ran out:\n%s", page.body)
	}
	if a, to := b.wayBack(opening); to == nil || to.Query().Get("error") == "" || to.Query().Has("code") {
		t.Errorf("got %s %s, want an error for the app", a.Status, a.body)
	}
}

func TestAReloadOfTheApprovedPageLeadsBackOnceMore(t *testing.T) {
	s, b, _, opening := begun(t, loopback)
	b.join("Ada", opening)
	_, next := b.approve(opening)
	first := address(t, text(t, next["return"]))
	page := b.get("/confirm/" + opening)
	if !strings.Contains(page.body, "Approved. Go back to Acme Studio.") || strings.Contains(page.body, "code=") {
		t.Errorf("the page after an approval is\n%s", page.body)
	}
	_, second := b.wayBack(opening)
	if second == nil || second.Query().Get("code") == first.Query().Get("code") {
		t.Fatalf("the way back is %v, want one with another code", second)
	}
	if err := s.exchange(first, loopback); err == nil {
		t.Error("the first code is good still")
	}
	if err := s.exchange(second, loopback); err != nil {
		t.Errorf("the second code: %v", err)
	}
	if a, _ := b.wayBack(opening); a.StatusCode != http.StatusConflict {
		t.Errorf("after the exchange: got %s, want 409", a.Status)
	}
}

func TestThereIsNoWayBack(t *testing.T) {
	for name, end := range map[string]func(b *browser, opening string){
		"from what is undecided": func(*browser, string) {},
		"from what is claimed":   func(b *browser, opening string) { b.call("/confirm/"+opening+"/begin", struct{}{}) },
	} {
		t.Run(name, func(t *testing.T) {
			_, b, _, opening := begun(t, loopback)
			end(b, opening)
			if a, out := b.call("/confirm/"+opening+"/return", struct{}{}); a.StatusCode != http.StatusConflict || out["return"] != nil || text(t, out["message"]) == "" {
				t.Errorf("got %s %s, want 409 with a sentence", a.Status, a.body)
			}
		})
	}
	t.Run("from a device's grant", func(t *testing.T) {
		s := serve(t, budget.Limits{})
		g, _ := s.Start(logintest.App)
		b := s.browser()
		opening := b.open(g)
		b.join("Ada", opening)
		a, next := b.approve(opening)
		if a.StatusCode != http.StatusOK || next["return"] != nil {
			t.Errorf("approve: got %s %s, want no way back", a.Status, a.body)
		}
		if a, _ := b.wayBack(opening); a.StatusCode != http.StatusConflict {
			t.Errorf("got %s, want 409", a.Status)
		}
	})
}

func TestTheWayBackIsProtectedAgainstCSRF(t *testing.T) {
	_, b, _, opening := begun(t, loopback)
	b.join("Ada", opening)
	b.approve(opening)
	path := "/confirm/" + opening + "/return"
	for name, change := range map[string]func(*http.Request){
		"another site":            func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"a sibling of this site":  func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"a browser without a sec": func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") },
	} {
		if a := b.do(http.MethodPost, path, "application/json", "{}", change); a.StatusCode != http.StatusForbidden || strings.Contains(a.body, "code=") {
			t.Errorf("%s: got %s, want 403", name, a.Status)
		}
	}
	if a := b.form(path, nil); a.StatusCode != http.StatusBadRequest || strings.Contains(a.body, "code=") {
		t.Errorf("a form: got %s, want 400", a.Status)
	}
	if a := b.get(path); a.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("a GET: got %s, want 405", a.Status)
	}
}

func TestTheWayBackIsBudgeted(t *testing.T) {
	s := serve(t, budget.Limits{Ceremonies: ratelimit.Rate{Count: 3, Per: time.Hour}})
	addStudio(s)
	b := s.browser()
	opening := b.led(s.authorize(loopback))
	b.form("/confirm/"+opening+"/deny", nil)
	for range 3 {
		if a, _ := b.wayBack(opening); a.StatusCode != http.StatusOK {
			t.Fatalf("within the budget: got %s", a.Status)
		}
	}
	if a, _ := b.wayBack(opening); a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" {
		t.Errorf("over the budget: got %s, want 429 with Retry-After", a.Status)
	}
}

// mintless is a store that fails once the grant is approved.
type mintless struct {
	store.Store
	approved bool
}

func (m *mintless) Update(ctx context.Context, fn func(store.Tx) error) error {
	if m.approved {
		return store.ErrUnavailable
	}
	return m.Store.Update(ctx, func(tx store.Tx) error { return fn(watchedTx{tx, m}) })
}

type watchedTx struct {
	store.Tx
	m *mintless
}

func (tx watchedTx) SetGrant(g grant.Grant) error {
	tx.m.approved = g.State == grant.Approved
	return tx.Tx.SetGrant(g)
}

func TestAnApprovalStandsWhereTheWayBackFails(t *testing.T) {
	s, b, g, opening := begun(t, loopback)
	b.join("Ada", opening)
	good := s.Service.Store
	s.Service.Store = &mintless{Store: good}
	a, next := b.approve(opening)
	s.Service.Store = good
	if a.StatusCode != http.StatusOK || next["return"] != nil || text(t, next["location"]) != "/confirm/"+opening {
		t.Errorf("approve: got %s %s, want the page that has the way back", a.Status, a.body)
	}
	if got := s.state(g); got != grant.Approved {
		t.Errorf("the grant is %s, want approved", got)
	}
	if _, to := b.wayBack(opening); to == nil || to.Query().Get("code") == "" {
		t.Errorf("the way back is %v, want a code", to)
	}
}

func TestACodeGrantThatTheOperatorEnded(t *testing.T) {
	s, b, _, opening := begun(t, loopback)
	if err := (admin.Operator{Store: s.Store, Now: s.Clock.Now}).RemoveClient(t.Context(), studio); err != nil {
		t.Fatal(err)
	}
	if page := b.get("/confirm/" + opening); !strings.Contains(page.body, "hoever runs") || strings.Contains(page.body, "data-back") {
		t.Errorf("the page does not say who ended it:\n%s", page.body)
	}
}

func TestAskKeepsTheCookieThatABrowserHas(t *testing.T) {
	s := serve(t, budget.Limits{})
	addStudio(s)
	b := s.browser()
	b.join("Ada", "")
	if page := b.get("/confirm/" + b.led(s.authorize(loopback))); !strings.Contains(page.body, "You approve as Ada.") {
		t.Error("the page does not know the browser any more")
	}
}

func TestAskFromAnotherSite(t *testing.T) {
	s := serve(t, budget.Limits{})
	addStudio(s)
	g := s.authorize("https://app.acme.example/done")
	s.authorization = func(w http.ResponseWriter, r *http.Request) { s.face.Ask(w, r, g.ID) }
	a := s.browser().do(http.MethodGet, "/authorize", "", "", func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Origin", "https://app.acme.example")
	})
	if to := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/confirm/") {
		t.Fatalf("got %s to %q, want the question", a.Status, to)
	}
	secluded(t, a)
	if cookie := a.Header.Get("Set-Cookie"); !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") {
		t.Errorf("the cookie is %q", cookie)
	}
}

// secluded wants the headers that keep an answer to itself.
func secluded(t *testing.T, a answer) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy":    "frame-ancestors 'none'",
		"X-Frame-Options":            "DENY",
		"Referrer-Policy":            "no-referrer",
		"X-Content-Type-Options":     "nosniff",
		"Cross-Origin-Opener-Policy": "same-origin",
		"Cache-Control":              "no-store",
	} {
		if got := a.Header.Get(name); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", name, got, want)
		}
	}
}

func TestARefusedAuthorizationRequestReflectsNothing(t *testing.T) {
	s := serve(t, budget.Limits{})
	const hostile = "evil%22%3E%3Cscript%3E"
	for name, fault := range map[string]phone.AuthorizationFault{
		"who it is": phone.FaultUnknownClient, "where it waits": phone.FaultUnregisteredReturn, "what it wants": phone.FaultMalformed,
	} {
		t.Run(name, func(t *testing.T) {
			s.authorization = func(w http.ResponseWriter, r *http.Request) { s.face.RefuseAuthorization(w, r, fault) }
			a := s.browser().get("/authorize?client_id=" + hostile + "&redirect_uri=https://" + hostile + ".example&state=" + hostile + "&scope=" + hostile)
			if a.StatusCode != http.StatusBadRequest || a.Header.Get("Location") != "" || a.Header.Get("Set-Cookie") != "" {
				t.Errorf("got %s to %q, want 400 to nowhere", a.Status, a.Header.Get("Location"))
			}
			secluded(t, a)
			if strings.Contains(a.body, "evil") || strings.Contains(a.body, "<a ") {
				t.Errorf("the page reflects the request, or leads somewhere:\n%s", a.body)
			}
			if !strings.Contains(a.body, "whoever makes the app") {
				t.Errorf("the page has no next step:\n%s", a.body)
			}
		})
	}
}

// spent is a budget of another face.
type spent struct{ time.Duration }

func (spent) Error() string               { return "too many of another face's requests" }
func (e spent) RetryAfter() time.Duration { return e.Duration }

func TestFailShowsThePagesOfThisFace(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		status int
		says   string
	}{
		{"a budget", fmt.Errorf("begin: %w", spent{40 * time.Second}), http.StatusTooManyRequests, "Wait 40 seconds"},
		{"the storage", fmt.Errorf("begin: %w", store.ErrUnavailable), http.StatusServiceUnavailable, "Something broke on our side."},
		{"what nobody expected", errors.New("the-cause"), http.StatusInternalServerError, "Something broke on our side."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, budget.Limits{})
			s.authorization = func(w http.ResponseWriter, r *http.Request) { s.face.Fail(w, r, tt.err) }
			a := s.browser().get("/authorize?client_id=reflected")
			if a.StatusCode != tt.status || !strings.Contains(a.body, tt.says) {
				t.Errorf("got %s, want %d and %q:\n%s", a.Status, tt.status, tt.says, a.body)
			}
			secluded(t, a)
			if strings.Contains(a.body, "the-cause") || strings.Contains(a.body, "reflected") {
				t.Error("the page tells what it must not")
			}
			want := map[int]string{http.StatusTooManyRequests: "40", http.StatusServiceUnavailable: "5"}[tt.status]
			if got := a.Header.Get("Retry-After"); got != want {
				t.Errorf("Retry-After: got %q, want %q", got, want)
			}
		})
	}
}
