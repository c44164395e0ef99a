package grant_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/clock"
	"github.com/qrauthd/qrauthd/internal/grant"
)

// life drives one grant through random events at random times, and remembers
// what must never be forgotten.
type life struct {
	g   grant.Grant
	now time.Time
	// The clock is a server's, whose wall clock somebody sets.
	machine clock.Reading
	clock   *clock.Clock

	claimedBy auth.BrowserID // the first that claimed or denied
	openedBy  auth.BrowserID // the first that opened it
	twice     bool           // another one has opened it
	scopes    auth.Scopes    // as they were at last
	number    string         // that is awaited, or was
	wrong     int            // numbers so far
	approved  bool           // as it has to be
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
	switch event := rapid.SampledFrom([]string{
		"scan", "claim", "claim", "approve", "await", "await", "confirm", "confirm", "deny", "cancel", "redeem", "rotate", "void", "mint", "exchange",
	}).Draw(t, "event"); event {
	case "scan":
		l.g, err = l.g.Scan(l.now, browser)
		l.opened(browser, err)
	case "claim":
		l.g, err = l.g.Claim(l.now, browser, []byte("challenge"))
		l.decidedBy(t, event, browser, err)
		l.opened(browser, err)
	case "approve", "await":
		err = l.prove(t, event, browser)
	case "confirm":
		err = l.confirm(t, client)
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
			if before.UserID == "" || !l.approved {
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

// prove brings a passkey, which approves the grant or has a number awaited.
func (l *life) prove(t *rapid.T, event string, browser auth.BrowserID) error {
	answered, _, err := l.g.Answer(l.now, browser)
	if err != nil {
		return err
	}
	scopes := rapid.SampledFrom([]auth.Scopes{wanted, wanted[:1], nil, {"openid", "files.write"}}).Draw(t, "scopes")
	after := answered
	if event == "approve" {
		after, err = answered.Approve(l.now, browser, ada, scopes)
	} else {
		after, err = answered.AwaitNumber(l.now, browser, ada, scopes, number)
	}
	if err != nil {
		return err // and the transaction with the answer in it is undone
	}
	l.decidedBy(t, event, browser, nil)
	l.g = after
	if event == "approve" {
		l.approved = true
	} else {
		l.number = number
	}
	return nil
}

func (l *life) confirm(t *rapid.T, client auth.ClientID) (err error) {
	typed := rapid.SampledFrom([]string{number, "48", "", "4", "٤٧"}).Draw(t, "number")
	awaited := l.g.StateAt(l.now) == grant.Verifying && client == app
	l.g, err = l.g.Confirm(l.now, client, typed)
	switch wrong := errors.Is(err, grant.ErrNumber); {
	case (err == nil) != (awaited && typed == l.number):
		t.Fatalf("confirm %q of %q: got %v, awaited %t", typed, l.number, err, awaited)
	case wrong != (awaited && typed != l.number):
		t.Fatalf("confirm %q of %q: got %v, awaited %t", typed, l.number, err, awaited)
	case wrong:
		l.wrong++
	case err == nil:
		l.approved = true
	}
	if err == nil && (l.number == "" || l.wrong >= grant.NumberTries || l.approvedBefore()) {
		t.Fatalf("approved by %q after %d wrong numbers", typed, l.wrong)
	}
	if failed := l.wrong == grant.NumberTries; l.g.NumberFailed() != failed {
		t.Fatalf("after %d wrong numbers: failed %t", l.wrong, l.g.NumberFailed())
	}
	return err
}

// approvedBefore: once redeemed or over, nothing approves any more.
func (l *life) approvedBefore() bool { return l.redeemed > 0 || l.ended != "" }

func (l *life) opened(browser auth.BrowserID, err error) {
	switch {
	case err != nil || browser == "":
	case l.openedBy == "":
		l.openedBy = browser
	case l.openedBy != browser:
		l.twice = true
	}
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
	l.checkAge(t, before)
	if l.redeemed > 1 {
		t.Fatal("redeemed twice")
	}
	if l.ended != "" && l.redeemed > 0 && l.g.State == grant.Redeemed && before.State != grant.Redeemed {
		t.Fatalf("redeemed after it was %s", l.ended)
	}
	if err != nil && !errors.Is(err, grant.ErrNumber) && before.Seq != l.g.Seq {
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
	if s := l.g.State; (s == grant.Approved || s == grant.Redeemed) && !l.approved {
		t.Fatalf("%s, and nobody has approved it", s)
	}
	if l.g.OpenedBy != l.openedBy || l.g.OpenedTwice != l.twice {
		t.Fatalf("opened by %q, twice %t; want %q, %t", l.g.OpenedBy, l.g.OpenedTwice, l.openedBy, l.twice)
	}
	if l.g.TriesLeft() != grant.NumberTries-l.wrong {
		t.Fatalf("%d tries left after %d wrong numbers", l.g.TriesLeft(), l.wrong)
	}
	if !l.g.Scopes.Within(l.scopes) {
		t.Fatalf("scopes widened from %q to %q", l.scopes, l.g.Scopes)
	}
	l.scopes = l.g.Scopes
	for code, until := range l.codes {
		if opens := l.g.Opens(l.now, code); opens && !l.now.Before(until) {
			t.Fatalf("the replaced code %s still opens after its grace", code)
		}
	}
}

func TestEveryLifeOfAGrantKeepsThePromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &life{g: pending(), machine: clock.Reading{Wall: start}, scopes: wanted, codes: make(map[grant.UserCode]time.Time)}
		l.clock = clock.New(func() clock.Reading { return l.machine })
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			l.pass(t)
			l.apply(t)
		}
	})
}

// pass has time go by. Now and then somebody sets the wall clock, back or forward.
func (l *life) pass(t *rapid.T) {
	if rapid.IntRange(0, 4).Draw(t, "set the clock") == 0 {
		l.machine.Wall = l.machine.Wall.Add(time.Duration(rapid.IntRange(-7200, 7200).Draw(t, "by seconds")) * time.Second)
	}
	d := time.Duration(rapid.IntRange(0, 40).Draw(t, "seconds")) * time.Second
	l.machine.Wall, l.machine.Elapsed = l.machine.Wall.Add(d), l.machine.Elapsed+d
	l.now = l.clock.Now()
}

// checkAge: nothing prolongs a grant, as the monotonic clock counts.
func (l *life) checkAge(t *rapid.T, before grant.Grant) {
	if l.machine.Elapsed < lifetime {
		return
	}
	switch s := l.g.StateAt(l.now); s {
	case grant.Pending, grant.Scanned, grant.Confirming, grant.Verifying, grant.Approved:
		t.Fatalf("%s after %s, with a lifetime of %s", s, l.machine.Elapsed, lifetime)
	case grant.Redeemed:
		if before.State != grant.Redeemed {
			t.Fatalf("redeemed after %s, with a lifetime of %s", l.machine.Elapsed, lifetime)
		}
	}
}
