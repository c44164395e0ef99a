package grant_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/secret"
)

// visit drives the grant of an authorization request through random events at
// random times, and knows by itself which exchange must succeed.
type visit struct {
	g   grant.Grant
	now time.Time

	approvedBy auth.BrowserID
	codes      int       // that were minted so far
	mintedAt   time.Time // the last
	over       bool      // denied, cancelled, void or expired, once seen
	spentAt    time.Time // zero: not yet
	seq        int64
}

// code is the nth that was minted; the zeroth never was.
func code(n int) secret.Hash { return secret.From(fmt.Sprintf("code %d", n)).Hash() }

func (v *visit) apply(t *rapid.T) {
	browser := rapid.SampledFrom([]auth.BrowserID{phone, phone, phone, other, ""}).Draw(t, "browser")
	client := rapid.SampledFrom([]auth.ClientID{app, app, app, "another app"}).Draw(t, "client")
	before := v.g
	var err error
	switch rapid.SampledFrom([]string{
		"approve", "approve", "mint", "mint", "exchange", "exchange", "exchange", "redeem", "deny", "cancel", "void", "rotate",
	}).Draw(t, "event") {
	case "approve":
		err = v.approve(t, browser)
	case "mint":
		err = v.mint(t, browser)
	case "exchange":
		err = v.exchange(t, client)
	case "redeem":
		if v.g, err = v.g.Redeem(v.now, client); !errors.Is(err, grant.ErrForeign) {
			t.Fatalf("an authorization request was redeemed like a device's: %v", err)
		}
	case "deny":
		v.g, err = v.g.Deny(v.now, browser)
	case "cancel":
		v.g, err = v.g.Cancel(v.now, client)
	case "void":
		v.g = v.g.Void(v.now)
	case "rotate":
		v.g, err = v.g.Rotate(v.now, "BCDFGHJK")
	}
	v.check(t, before, err)
}

func (v *visit) approve(t *rapid.T, browser auth.BrowserID) error {
	claimed, err := v.g.Claim(v.now, browser, []byte("challenge"))
	if err != nil {
		return err
	}
	answered, _, err := claimed.Answer(v.now, browser)
	if err != nil {
		return err
	}
	if _, err := answered.AwaitNumber(v.now, browser, ada, auth.Scopes{"openid"}, number); !errors.Is(err, grant.ErrNotClaimed) {
		t.Fatalf("an authorization request awaits a number: %v", err)
	}
	approved, err := answered.Approve(v.now, browser, ada, auth.Scopes{"openid"})
	if err == nil {
		v.g, v.approvedBy = approved, browser
	}
	return err
}

func (v *visit) mint(t *rapid.T, browser auth.BrowserID) (err error) {
	if v.g, err = v.g.Mint(v.now, browser, code(v.codes+1)); err != nil {
		return err
	}
	if v.approvedBy == "" || browser != v.approvedBy || v.over || !v.spentAt.IsZero() {
		t.Fatalf("%q got a code of what %q approved; over %t", browser, v.approvedBy, v.over)
	}
	v.codes++
	v.mintedAt = v.now
	return nil
}

func (v *visit) exchange(t *rapid.T, client auth.ClientID) (err error) {
	n := rapid.IntRange(max(v.codes-1, 0), v.codes+1).Draw(t, "code")
	p := grant.Presented{
		Code:        code(n),
		RedirectURI: rapid.SampledFrom([]string{callback, callback, callback, callback + "/", ""}).Draw(t, "redirect_uri"),
		Verifier:    rapid.SampledFrom([]string{verifier, verifier, verifier, strings.Repeat("w", 43), ""}).Draw(t, "code_verifier"),
	}
	live := v.g.StateAt(v.now) == grant.Approved
	known := n == v.codes && n > 0 && client == app
	fits := p.RedirectURI == callback && p.Verifier == verifier
	again := !v.spentAt.IsZero() && known && fits && v.now.Before(v.spentAt.Add(grant.RepeatFor))
	if got := v.g.RepeatableWith(v.now, client, p); got != again {
		t.Fatalf("repeatable: got %t, want %t", got, again)
	}
	inTime := known && live && v.now.Before(v.mintedAt.Add(grant.CodeLife))
	v.g, err = v.g.Exchange(v.now, client, p)
	switch want := inTime && fits; {
	case (err == nil) != want:
		t.Fatalf("exchange: got %v, want success %t", err, want)
	case errors.Is(err, grant.ErrMismatch) != (inTime && !fits):
		t.Fatalf("exchange: got %v, want a mismatch %t", err, inTime && !fits)
	case err == nil && (v.over || !v.spentAt.IsZero() || v.g.UserID == ""):
		t.Fatalf("exchanged what was over (%t), spent at %s, or %q's", v.over, v.spentAt, v.g.UserID)
	case err == nil:
		v.spentAt = v.now
	case errors.Is(err, grant.ErrMismatch) && !v.g.Voided():
		t.Fatal("a mismatch left the code good")
	}
	return err
}

func (v *visit) check(t *rapid.T, before grant.Grant, err error) {
	if err != nil && !errors.Is(err, grant.ErrMismatch) && before.Seq != v.g.Seq {
		t.Fatalf("a refused transition (%v) moved seq from %d to %d", err, before.Seq, v.g.Seq)
	}
	seq := v.g.SeqAt(v.now)
	if seq < v.seq {
		t.Fatalf("seq went back from %d to %d", v.seq, seq)
	}
	v.seq = seq
	switch s := v.g.StateAt(v.now); s {
	case grant.Denied, grant.Cancelled, grant.Expired:
		if !v.spentAt.IsZero() {
			t.Fatalf("what was exchanged became %s", s)
		}
		v.over = true
	default:
		if v.over {
			t.Fatalf("what was over was revived as %s", s)
		}
	}
	if v.g.Opens(v.now, "") || v.g.Code != "" {
		t.Fatal("an authorization request has a user code")
	}
}

func TestEveryLifeOfAnAuthorizationRequestKeepsThePromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := &visit{g: asked(), now: start}
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			v.now = v.now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "seconds")) * time.Second)
			v.apply(t)
		}
	})
}
