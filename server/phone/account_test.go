package phone_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
)

func TestAccount(t *testing.T) {
	s := serve(t, budget.Limits{})
	b := s.browser()
	if a := b.get("/account"); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/signin" {
		t.Fatalf("a stranger: got %s to %q, want the sign-in", a.Status, a.Header.Get("Location"))
	}
	if got := text(t, b.join("Ada", "")["location"]); got != "/recovery-codes" {
		t.Errorf("after joining without a sign-in that waits: got %s, want the recovery codes", got)
	}
	if a := b.get("/account"); !strings.Contains(a.body, "Ada") || strings.Contains(a.body, "/remove") {
		t.Error("want the name, and no way to remove the only passkey")
	}
	first := *b.Phone // the old phone
	a, begun := b.call("/account/passkeys/begin", struct{}{})
	a, done := b.call("/account/passkeys/finish", map[string]any{
		"ceremony": begun["ceremony"], "credential": json.RawMessage(b.Create([]byte(a.body))),
	})
	if a.StatusCode != http.StatusOK || text(t, done["location"]) != "/account" {
		t.Fatalf("a second passkey: %s %s", a.Status, a.body)
	}
	remove := regexp.MustCompile(`/account/passkeys/([A-Za-z0-9_-]+)/remove`).FindStringSubmatch(b.get("/account").body)
	if remove == nil {
		t.Fatal("no way to remove one of two passkeys")
	}
	if a := b.form(remove[0], nil); a.StatusCode != http.StatusSeeOther {
		t.Errorf("remove: got %s", a.Status)
	}
	if a := b.form("/account/sign-out", nil); a.StatusCode != http.StatusSeeOther || b.get("/account").StatusCode != http.StatusSeeOther {
		t.Error("signing out does not")
	}
	*b.Phone = first // removed
	if a := signIn(b); a.StatusCode != http.StatusForbidden {
		t.Errorf("with the removed passkey: got %s, want 403", a.Status)
	}
}

func signIn(b *browser) answer {
	a, begun := b.call("/signin/begin", struct{}{})
	a, _ = b.call("/signin/finish", map[string]any{
		"ceremony": begun["ceremony"], "credential": json.RawMessage(b.Get([]byte(a.body))),
	})
	return a
}

func TestSignInAndNewRecoveryCodes(t *testing.T) {
	s := serve(t, budget.Limits{})
	b := s.browser()
	b.join("Ada", "")
	s.Clock.Advance(time.Hour)
	a, refused := b.call("/account/recovery-codes", struct{}{})
	if a.StatusCode != http.StatusUnauthorized || text(t, refused["location"]) != "/signin?again=1" {
		t.Errorf("stale: got %s %s, want a fresh sign-in first", a.Status, a.body)
	}
	if a := signIn(b); a.StatusCode != http.StatusOK {
		t.Fatalf("sign in: %s %s", a.Status, a.body)
	}
	if _, done := b.call("/account/recovery-codes", struct{}{}); text(t, done["location"]) != "/recovery-codes" {
		t.Errorf("fresh: got %s", done["location"])
	}
}

func TestAKnownPhoneIsAskedForItsOwnPasskeys(t *testing.T) {
	s := serve(t, budget.Limits{})
	b := s.browser()
	b.join("Ada", "")
	g, _ := s.Start(logintest.App)
	opening := b.open(g)
	if page := b.get("/confirm/" + opening); !strings.Contains(page.body, "Ada") {
		t.Error("the page does not say whom it knows")
	}
	if a, _ := b.call("/confirm/"+opening+"/begin", struct{}{}); !strings.Contains(a.body, `"allowCredentials":[{`) {
		t.Errorf("got %s, want the phone's own credentials allowed", a.body)
	}
	a := b.form("/signout-here", url.Values{"for": {opening}})
	if a.Header.Get("Location") != "/confirm/"+opening {
		t.Errorf("use another passkey: got %q, want the same confirmation", a.Header.Get("Location"))
	}
	if a, _ := b.call("/confirm/"+opening+"/begin", struct{}{}); strings.Contains(a.body, "allowCredentials") {
		t.Errorf("got %s, want any passkey allowed", a.body)
	}
}

func TestRecoveryOnANewPhone(t *testing.T) {
	s := serve(t, budget.Limits{Recoveries: ratelimit.Rate{Count: 2, Per: time.Hour}})
	var codes []string
	if err := json.Unmarshal(s.browser().join("Ada", "")["recovery_codes"], &codes); err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	b.get("/recover")
	a, begun := b.call("/join/begin", map[string]string{"recovery_code": " " + strings.ToLower(codes[0])})
	if a.StatusCode != http.StatusOK {
		t.Fatalf("begin: %s %s", a.Status, a.body)
	}
	a, _ = b.call("/join/finish", map[string]any{"ceremony": begun["ceremony"], "credential": json.RawMessage(b.Create([]byte(a.body)))})
	if a.StatusCode != http.StatusOK || !strings.Contains(b.get("/account").body, "Ada") {
		t.Fatalf("finish: %s %s", a.Status, a.body)
	}
	if a, _ := b.call("/join/begin", map[string]string{"recovery_code": codes[0]}); a.StatusCode != http.StatusForbidden {
		t.Errorf("the same code again: got %s, want 403", a.Status)
	}
	if a, _ := b.call("/join/begin", map[string]string{"recovery_code": codes[1]}); a.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a third try: got %s, want 429", a.Status)
	}
}

func TestAnUnknownCredentialNamesNoAccount(t *testing.T) {
	s := serve(t, budget.Limits{})
	s.browser().join("Ada Lovelace", "")
	stranger := s.browser()
	stranger.Create([]byte(`{"publicKey":{"challenge":"AAAAAAAAAAAAAAAAAAAAAA","user":{"id":"YWRh"},"rp":{"id":"localhost"}}}`))
	if a := signIn(stranger); a.StatusCode != http.StatusForbidden || strings.Contains(a.body, "Ada") {
		t.Errorf("got %s %s, want 403 without a name", a.Status, a.body)
	}
}
