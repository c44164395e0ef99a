package e2e

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// TestAMailedQRCodeIsDeadAfterAMinute: the attacker starts a sign-in and mails a
// picture of its code. The minute is one of real time, and other tests run beside it.
func TestAMailedQRCodeIsDeadAfterAMinute(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.addClient(t, "brief", "--lifetime", "10s")
	victim := newHandset(t, s.issuer)
	victim.join("Ada")
	const slack = 3 * time.Second // of a busy machine

	t.Run("while the attacker's computer is connected", func(t *testing.T) {
		t.Parallel()
		victim := victim.in(t)
		opens := func(link string) bool { return victim.get(link).status == http.StatusOK }
		evil := newComputer(t, s.issuer).begin()
		drawn := time.Now()
		desk := evil.attach()
		desk.until(wire.StatePending)
		mailed := evil.VerificationURIComplete
		if !opens(mailed) {
			t.Fatal("the code is dead at once")
		}
		rotated, _ := desk.frame(grant.RotateEvery + patience)
		if rotated.UserCode == evil.UserCode || rotated.State != wire.StatePending {
			t.Fatalf("the next frame has %s %s, want another code of the pending sign-in", rotated.State, rotated.UserCode)
		}
		if time.Since(drawn) < grant.RotateEvery+grant.CodeGrace/2 && !opens(mailed) {
			t.Error("the code is dead before its grace is over")
		}
		until(t, "the mailed code is dead", func() bool { return !opens(mailed) })
		if lived := time.Since(drawn); lived > time.Minute+slack {
			t.Errorf("the mailed code lived for %s", lived)
		}
		a := victim.get(mailed)
		a.want(t, "the mailed link", http.StatusNotFound, "")
		if !a.says("We don't know this code.") {
			t.Errorf("the mailed link shows:\n%s", a.body)
		}
		victim.press(wire.PathDevice, url.Values{"user_code": {evil.UserCode}}).
			want(t, "the mailed code by hand", http.StatusUnprocessableEntity, "")

		// The person who is at a computer of their own has lost nothing by the rotation.
		opening := victim.scan(rotated.VerificationURIComplete)
		victim.approve(opening).want(t, "approve by the code of the moment", http.StatusOK, "")
		desk.until(wire.StateApproved)
	})

	// Without the push channel nothing can show a new code, so the old one has to
	// live as long as the sign-in, and no longer.
	t.Run("while it is not", func(t *testing.T) {
		t.Parallel()
		victim := victim.in(t)
		evil := newComputer(t, s.issuer)
		evil.client = "brief"
		evil.begin()
		began := time.Now()
		victim.open(evil.VerificationURIComplete)
		until(t, "the mailed code is dead", func() bool {
			return victim.get(evil.VerificationURIComplete).says("This code has run out.")
		})
		if lived := time.Since(began); lived > 10*time.Second+slack {
			t.Errorf("the mailed code lived for %s", lived)
		}
		evil.poll().want(t, "a poll afterwards", http.StatusBadRequest, wire.CodeExpiredToken)
	})
}

// previewers are what looks at links that are sent by mail and chat.
var previewers = []string{
	"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
	"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
	"Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
	"WhatsApp/2.23.20.0",
	"TelegramBot (like TwitterBot)",
	"Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120 Safari/537.36", // a mail gateway's
}

func TestLinkPreviewsClaimNothing(t *testing.T) {
	s := serve(t)
	desk := newComputer(t, s.issuer).begin()
	push := desk.attach()
	push.until(wire.StatePending)
	before := len(s.audit(t))
	for n := range 100 {
		bot := newHandset(t, s.issuer)
		bot.forge.Set("User-Agent", previewers[n%len(previewers)])
		method := []string{http.MethodGet, http.MethodHead}[n/len(previewers)%2]
		bot.do(method, desk.VerificationURIComplete, "", "", nil).want(t, "a preview", http.StatusOK, "")
		bot.http.CloseIdleConnections()
	}
	if list := s.audit(t); len(list) != before {
		t.Errorf("previews are in the audit log: %+v", list[before:])
	}

	// What comes first on the socket is the person: no preview was told of before.
	p := newHandset(t, s.issuer)
	p.join("Ada")
	opening := p.scan(desk.VerificationURIComplete)
	if snap, text := push.frame(patience); snap.State != wire.StateScanned {
		t.Errorf("after the previews and a scan the frame is %s", text)
	}
	if p.state(opening).OpenedTwice {
		t.Error("a preview counts as a second browser")
	}
	p.approve(opening).want(t, "approve", http.StatusOK, "")
	desk.tokens() // and no number was wanted
}

// TestACodeOpenedTwiceWarnsBothPages: the victim's code is photographed over their
// shoulder, or the victim has got the attacker's, which many others have got too.
func TestACodeOpenedTwiceWarnsBothPages(t *testing.T) {
	const warning = "This code was opened in two browsers."
	s := serve(t)
	first, second, third := newPhone(t), newPhone(t), newHandset(t, s.issuer)
	first.signUp(s, "Ada")
	desk := newComputer(t, s.issuer).begin()
	theirs := third.open(desk.VerificationURIComplete) // a GET, which counts for nothing
	first.open(desk.VerificationURIComplete)
	first.offers("Approve")
	opening := first.opening()
	until(t, "the first phone's page has told that it is open", func() bool {
		address, _ := eval[string](first, "location.pathname")
		return address == "/confirm/"+opening
	})
	if strings.Contains(first.text(), warning) {
		t.Error("one browser is warned of itself")
	}
	second.open(desk.VerificationURIComplete)
	first.see(warning) // by itself, without a reload
	second.see(warning)
	isWarning := func(r record) bool { return r.Type == "sign_in.opened_twice" }
	if list := s.audit(t); !slices.ContainsFunc(list, isWarning) {
		t.Errorf("the audit log has %+v", list)
	}

	until(t, "the buttons can be pressed again", func() bool {
		return first.on("Approve", []string{"button"}, `function() { return !this.disabled }`)
	})
	first.press("Approve")
	first.see("Type this number on ALICE-PC") // though both are on one network
	second.see("open on another phone")
	second.offersNone("Approve", "Deny")
	third.begin(theirs).want(t, "Approve in another browser", http.StatusConflict, "claimed")
	desk.bring(first.shown()).want(t, "the number", http.StatusOK, "")
	desk.tokens()
	refused := func(r record) bool { return r.Type == "sign_in.claim_refused" }
	approved := func(r record) bool {
		return r.Type == "sign_in.approved" && r.Risk == "medium" && slices.Contains(r.Reasons, "opened_twice")
	}
	if list := s.audit(t); !slices.ContainsFunc(list, approved) || !slices.ContainsFunc(list, refused) {
		t.Errorf("the audit log has no approval at a risk, or no refusal, but %+v", list)
	}
}
