package grant_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
)

// life drives one grant through random events at random times, and remembers
// what must never be forgotten.
type life struct {
	g   grant.Grant
	now time.Time

	claimedBy auth.BrowserID // the first that claimed or denied
	ended     grant.State    // denied, cancelled or expired, once seen
	redeemed  int
	seq       int64
	codes     map[grant.UserCode]time.Time // when each code that was replaced stops to open
}

func (l *life) apply(t *rapid.T) {
	client := rapid.SampledFrom([]auth.ClientID{app, app, app, "another app"}).Draw(t, "client")
	browser := rapid.SampledFrom([]auth.BrowserID{phone, phone, other, ""}).Draw(t, "browser")
	before := l.g
	var err error
	switch event := rapid.SampledFrom([]string{"scan", "claim", "approve", "deny", "cancel", "redeem", "rotate", "void", "mint", "exchange"}).Draw(t, "event"); event {
	case "scan":
		l.g, err = l.g.Scan(l.now)
	case "claim":
		l.g, err = l.g.Claim(l.now, browser, []byte("challenge"))
		l.decidedBy(t, event, browser, err)
	case "approve":
		var answered grant.Grant
		if answered, _, err = l.g.Answer(l.now, browser); err == nil {
			l.g, err = answered.Approve(l.now, browser, ada)
		}
		l.decidedBy(t, event, browser, err)
	case "deny":
		l.g, err = l.g.Deny(l.now, browser)
		l.decidedBy(t, event, browser, err)
	case "cancel":
		l.g, err = l.g.Cancel(l.now, client)
		l.byClient(t, event, client, err)
	case "redeem":
		l.g, err = l.g.Redeem(l.now, client)
		l.byClient(t, event, client, err)
		if err == nil {
			l.redeemed++
			if before.UserID == "" {
				t.Fatalf("redeemed a grant that nobody approved")
			}
		}
	case "rotate":
		code := grant.UserCode(rapid.StringOfN(rapid.RuneFrom([]rune("BCDFGHJKLMNPQRSTVWXZ")), 8, 8, 8).Draw(t, "code"))
		l.g, err = l.g.Rotate(l.now, code)
		if err == nil {
			l.codes[before.Code] = l.now.Add(grant.CodeGrace)
			delete(l.codes, code)
		}
	case "void":
		l.g = l.g.Void(l.now)
	case "mint":
		if l.g, err = l.g.Mint(l.now, browser, firstCode); err == nil {
			t.Fatal("a device's grant has an authorization code")
		}
	case "exchange":
		if l.g, err = l.g.Exchange(l.now, client, right); err == nil {
			t.Fatal("a device's grant was exchanged")
		}
	}
	l.check(t, before, err)
}

func (l *life) decidedBy(t *rapid.T, event string, browser auth.BrowserID, err error) {
	if err != nil {
		return
	}
	if browser == "" || l.claimedBy != "" && l.claimedBy != browser {
		t.Fatalf("%s by %q of a grant that %q has claimed", event, browser, l.claimedBy)
	}
	l.claimedBy = browser
}

func (l *life) byClient(t *rapid.T, event string, client auth.ClientID, err error) {
	if err == nil && client != app {
		t.Fatalf("%s by a client that did not begin the grant", event)
	}
}

func (l *life) check(t *rapid.T, before grant.Grant, err error) {
	if l.redeemed > 1 {
		t.Fatal("redeemed twice")
	}
	if l.ended != "" && l.redeemed > 0 && l.g.State == grant.Redeemed && before.State != grant.Redeemed {
		t.Fatalf("redeemed after it was %s", l.ended)
	}
	if err != nil && before.Seq != l.g.Seq {
		t.Fatalf("a refused transition (%v) moved seq from %d to %d", err, before.Seq, l.g.Seq)
	}
	if seq := l.g.SeqAt(l.now); seq < l.seq {
		t.Fatalf("seq went back from %d to %d", l.seq, seq)
	} else {
		l.seq = seq
	}
	switch s := l.g.StateAt(l.now); s {
	case grant.Denied, grant.Cancelled, grant.Expired:
		if l.ended != "" && l.ended != s {
			t.Fatalf("%s became %s", l.ended, s)
		}
		l.ended = s
	default:
		if l.ended != "" {
			t.Fatalf("%s was revived as %s", l.ended, s)
		}
	}
	for code, until := range l.codes {
		if opens := l.g.Opens(l.now, code); opens && !l.now.Before(until) {
			t.Fatalf("the replaced code %s still opens after its grace", code)
		}
	}
}

func TestEveryLifeOfAGrantKeepsThePromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &life{g: pending(), now: start, codes: make(map[grant.UserCode]time.Time)}
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			l.now = l.now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "seconds")) * time.Second)
			l.apply(t)
		}
	})
}
