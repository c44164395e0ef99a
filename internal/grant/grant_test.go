package grant_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	app   auth.ClientID  = "acme-studio"
	phone auth.BrowserID = "phone"
	other auth.BrowserID = "another phone"
	ada   auth.UserID    = "ada"

	lifetime = 300 * time.Second // of pending

	number = "47" // that in(t, grant.Verifying) awaits
)

// wanted are the scopes that pending asks for.
var wanted = auth.Scopes{"openid", "profile", "offline_access"}

func pending() grant.Grant {
	return grant.New(start, grant.Request{
		ID:       "g",
		ClientID: app,
		Scopes:   wanted,
		Device:   auth.Device{Name: "ALICE-PC"},
		Origin:   netip.MustParseAddr("192.0.2.7"),
		Code:     "WDJBMJHT",
		Lifetime: lifetime,
		Interval: 5 * time.Second,
	})
}

// must applies a transition that the test takes for granted.
func must(t *testing.T) func(grant.Grant, error) grant.Grant {
	return func(g grant.Grant, err error) grant.Grant {
		t.Helper()
		if err != nil {
			t.Fatalf("setting up: %v", err)
		}
		return g
	}
}

// in brings a fresh grant into a state, decided by phone.
func in(t *testing.T, s grant.State) grant.Grant {
	t.Helper()
	g, ok := pending(), must(t)
	switch s {
	case grant.Pending:
	case grant.Scanned:
		g = ok(g.Scan(start, phone))
	case grant.Confirming:
		g = ok(g.Claim(start, phone, []byte("challenge")))
	case grant.Verifying:
		g = ok(answered(t).AwaitNumber(start, phone, ada, wanted, number))
	case grant.Approved, grant.Redeemed:
		g = ok(answered(t).Approve(start, phone, ada, wanted))
		if s == grant.Redeemed {
			g = ok(g.Redeem(start, app))
		}
		return g
	case grant.Denied:
		g = ok(g.Deny(start, phone))
	case grant.Cancelled:
		g = ok(g.Cancel(start, app))
	default:
		t.Fatalf("no way into %s", s)
	}
	return g
}

// answered is a grant with its challenge spent: phone's passkey may approve it.
func answered(t *testing.T) grant.Grant {
	t.Helper()
	g, _, err := in(t, grant.Confirming).Answer(start, phone)
	return must(t)(g, err)
}

func TestTransitions(t *testing.T) {
	late := start.Add(300 * time.Second)
	scan := func(g grant.Grant, now time.Time) (grant.Grant, error) { return g.Scan(now, phone) }
	claim := func(g grant.Grant, now time.Time) (grant.Grant, error) { return g.Claim(now, phone, []byte("c")) }
	claimOther := func(g grant.Grant, now time.Time) (grant.Grant, error) { return g.Claim(now, other, []byte("c")) }
	approve := func(g grant.Grant, now time.Time) (grant.Grant, error) {
		g, _, err := g.Answer(now, phone)
		if err != nil {
			return g, err
		}
		return g.Approve(now, phone, ada, wanted)
	}
	await := func(g grant.Grant, now time.Time) (grant.Grant, error) {
		g, _, err := g.Answer(now, phone)
		if err != nil {
			return g, err
		}
		return g.AwaitNumber(now, phone, ada, wanted, number)
	}
	confirm := func(g grant.Grant, now time.Time) (grant.Grant, error) { return g.Confirm(now, app, number) }
	confirmWrong := func(g grant.Grant, now time.Time) (grant.Grant, error) { return g.Confirm(now, app, "48") }
	confirmForeign := func(g grant.Grant, now time.Time) (grant.Grant, error) { return g.Confirm(now, "another app", number) }
	approveOther := func(g grant.Grant, now time.Time) (grant.Grant, error) { return g.Approve(now, other, ada, wanted) }
	deny := func(g grant.Grant, now time.Time) (grant.Grant, error) { return g.Deny(now, phone) }
	denyOther := func(g grant.Grant, now time.Time) (grant.Grant, error) { return g.Deny(now, other) }
	cancel := func(g grant.Grant, now time.Time) (grant.Grant, error) { return g.Cancel(now, app) }
	redeem := func(g grant.Grant, now time.Time) (grant.Grant, error) { return g.Redeem(now, app) }
	redeemForeign := func(g grant.Grant, now time.Time) (grant.Grant, error) { return g.Redeem(now, "another app") }

	tests := []struct {
		name string
		from grant.State
		now  time.Time
		do   func(grant.Grant, time.Time) (grant.Grant, error)
		want grant.State
		err  error
	}{
		{"opening the page tells that it was scanned", grant.Pending, start, scan, grant.Scanned, nil},
		{"a second scan changes nothing", grant.Scanned, start, scan, grant.Scanned, nil},
		{"a scan does not undo a claim", grant.Confirming, start, scan, grant.Confirming, nil},
		{"a scan cannot revive a denied grant", grant.Denied, start, scan, grant.Denied, grant.ErrDenied},
		{"the tap on Approve claims the grant", grant.Scanned, start, claim, grant.Confirming, nil},
		{"a claim needs no scan before it", grant.Pending, start, claim, grant.Confirming, nil},
		{"the browser that claimed may claim again", grant.Confirming, start, claim, grant.Confirming, nil},
		{"another browser cannot claim what is claimed", grant.Confirming, start, claimOther, grant.Confirming, grant.ErrClaimed},
		{"a denied grant cannot be claimed", grant.Denied, start, claim, grant.Denied, grant.ErrDenied},
		{"an expired grant cannot be claimed", grant.Pending, late, claim, grant.Expired, grant.ErrExpired},
		{"the passkey's answer approves", grant.Confirming, start, approve, grant.Approved, nil},
		{"nothing is approved without a ceremony", grant.Scanned, start, approve, grant.Scanned, grant.ErrNotClaimed},
		{"another browser cannot approve a claimed grant", grant.Confirming, start, approveOther, grant.Confirming, grant.ErrClaimed},
		{"an approval cannot be repeated", grant.Approved, start, approve, grant.Approved, grant.ErrApproved},
		{"a late approval cannot revive an expired grant", grant.Confirming, late, approve, grant.Expired, grant.ErrExpired},
		{"a late approval cannot revive a cancelled grant", grant.Cancelled, start, approve, grant.Cancelled, grant.ErrCancelled},
		{"going back after Deny cannot approve", grant.Denied, start, approve, grant.Denied, grant.ErrDenied},
		{"a late approval cannot revive a redeemed grant", grant.Redeemed, start, approve, grant.Redeemed, grant.ErrRedeemed},
		{"the passkey's answer may have a number awaited", grant.Confirming, start, await, grant.Verifying, nil},
		{"no number is awaited without a ceremony", grant.Scanned, start, await, grant.Scanned, grant.ErrNotClaimed},
		{"a scan does not undo what awaits a number", grant.Verifying, start, scan, grant.Verifying, nil},
		{"the passkey alone does not approve what awaits a number", grant.Verifying, start, approve, grant.Verifying, grant.ErrNotClaimed},
		{"no other number is awaited then", grant.Verifying, start, await, grant.Verifying, grant.ErrNotClaimed},
		{"nor can it be claimed again", grant.Verifying, start, claim, grant.Verifying, grant.ErrVerifying},
		{"nor by another browser", grant.Verifying, start, claimOther, grant.Verifying, grant.ErrClaimed},
		{"the number on the desktop approves", grant.Verifying, start, confirm, grant.Approved, nil},
		{"a wrong number does not", grant.Verifying, start, confirmWrong, grant.Verifying, grant.ErrNumber},
		{"another client's number counts for nothing", grant.Verifying, start, confirmForeign, grant.Verifying, grant.ErrForeign},
		{"a number that nobody awaits", grant.Confirming, start, confirm, grant.Confirming, grant.ErrNoNumber},
		{"a number before anything was opened", grant.Pending, start, confirm, grant.Pending, grant.ErrNoNumber},
		{"a number that comes twice", grant.Approved, start, confirm, grant.Approved, grant.ErrApproved},
		{"a late number cannot revive an expired grant", grant.Verifying, late, confirm, grant.Expired, grant.ErrExpired},
		{"a late wrong number neither", grant.Verifying, late, confirmWrong, grant.Expired, grant.ErrExpired},
		{"a number cannot revive a denied grant", grant.Denied, start, confirm, grant.Denied, grant.ErrDenied},
		{"a number cannot revive a cancelled grant", grant.Cancelled, start, confirm, grant.Cancelled, grant.ErrCancelled},
		{"a number cannot revive a redeemed grant", grant.Redeemed, start, confirm, grant.Redeemed, grant.ErrRedeemed},
		{"the browser that claimed may deny while the number is awaited", grant.Verifying, start, deny, grant.Denied, nil},
		{"another browser cannot deny then", grant.Verifying, start, denyOther, grant.Verifying, grant.ErrClaimed},
		{"the desktop cancels while the number is awaited", grant.Verifying, start, cancel, grant.Cancelled, nil},
		{"what awaits a number yields nothing", grant.Verifying, start, redeem, grant.Verifying, grant.ErrPending},
		{"what awaited a number too long is expired", grant.Verifying, late, redeem, grant.Expired, grant.ErrExpired},
		{"denying needs no claim before it", grant.Pending, start, deny, grant.Denied, nil},
		{"the browser that claimed may deny", grant.Confirming, start, deny, grant.Denied, nil},
		{"another browser cannot deny what is claimed", grant.Confirming, start, denyOther, grant.Confirming, grant.ErrClaimed},
		{"an approved grant cannot be denied", grant.Approved, start, deny, grant.Approved, grant.ErrApproved},
		{"the desktop cancels while it waits", grant.Scanned, start, cancel, grant.Cancelled, nil},
		{"the desktop cancels while the phone confirms", grant.Confirming, start, cancel, grant.Cancelled, nil},
		{"cancelling twice is no error", grant.Cancelled, start, cancel, grant.Cancelled, nil},
		{"an approved grant cannot be cancelled", grant.Approved, start, cancel, grant.Approved, grant.ErrApproved},
		{"an approved grant is redeemed", grant.Approved, start, redeem, grant.Redeemed, nil},
		{"a grant is redeemed once", grant.Redeemed, start, redeem, grant.Redeemed, grant.ErrRedeemed},
		{"a pending grant yields nothing", grant.Pending, start, redeem, grant.Pending, grant.ErrPending},
		{"a claimed grant yields nothing", grant.Confirming, start, redeem, grant.Confirming, grant.ErrPending},
		{"a denied grant yields nothing", grant.Denied, start, redeem, grant.Denied, grant.ErrDenied},
		{"a denied grant stays denied after its time", grant.Denied, late, redeem, grant.Denied, grant.ErrDenied},
		{"an approved grant expires too", grant.Approved, late, redeem, grant.Expired, grant.ErrExpired},
		{"another client's code yields nothing", grant.Approved, start, redeemForeign, grant.Approved, grant.ErrForeign},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := in(t, tt.from)
			after, err := tt.do(before, tt.now)
			if !errors.Is(err, tt.err) {
				t.Errorf("error: got %v, want %v", err, tt.err)
			}
			if got := after.StateAt(tt.now); got != tt.want {
				t.Errorf("state: got %s, want %s", got, tt.want)
			}
			if changed := after.State != before.State || after.Tries != before.Tries; changed && after.Seq <= before.Seq {
				t.Errorf("seq stayed at %d over a change", after.Seq)
			}
		})
	}
}

func TestARefusedTransitionLeavesTheGrantAsItWas(t *testing.T) {
	before := in(t, grant.Denied)
	after, err := before.Claim(start, phone, []byte("c"))
	if err == nil {
		t.Fatal("a denied grant was claimed")
	}
	if diff := cmp.Diff(before, after, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("the grant changed (-before +after):\n%s", diff)
	}
}

func TestAChallengeIsSpentByTheFirstAnswer(t *testing.T) {
	g := in(t, grant.Confirming)
	g, challenge, err := g.Answer(start, phone)
	if err != nil || string(challenge) != "challenge" {
		t.Fatalf("first answer: got %q, %v", challenge, err)
	}
	if _, _, err := g.Answer(start, phone); !errors.Is(err, grant.ErrNotClaimed) {
		t.Errorf("second answer: got %v, want ErrNotClaimed", err)
	}
}

func TestApproveNeedsTheChallengeSpent(t *testing.T) {
	if _, err := in(t, grant.Confirming).Approve(start, phone, ada, wanted); !errors.Is(err, grant.ErrNotClaimed) {
		t.Errorf("got %v, want ErrNotClaimed while the challenge is open", err)
	}
}

func TestANewClaimVoidsTheOldChallenge(t *testing.T) {
	g, err := in(t, grant.Confirming).Claim(start, phone, []byte("second"))
	if err != nil {
		t.Fatal(err)
	}
	_, challenge, err := g.Answer(start, phone)
	if err != nil || string(challenge) != "second" {
		t.Errorf("got %q, %v, want the second challenge", challenge, err)
	}
}

func TestWithoutABrowserNothingIsDecided(t *testing.T) {
	if _, err := pending().Claim(start, "", []byte("c")); err == nil {
		t.Error("claimed without a browser")
	}
	if _, err := pending().Deny(start, ""); err == nil {
		t.Error("denied without a browser")
	}
}

func TestVoid(t *testing.T) {
	for _, state := range []grant.State{grant.Pending, grant.Scanned, grant.Confirming, grant.Verifying, grant.Approved} {
		g := in(t, state)
		after := g.Void(start)
		if after.State != grant.Denied || !after.Voided() || after.NumberFailed() || after.Challenge != nil || after.UserID != "" || after.Seq != g.Seq+1 {
			t.Errorf("a grant that was %s: got %+v, want it denied by nobody", state, after)
		}
		if again := after.Void(start); again.Seq != after.Seq {
			t.Errorf("a grant that was %s is void twice", state)
		}
		if _, err := after.Redeem(start, app); !errors.Is(err, grant.ErrDenied) {
			t.Errorf("a grant that was %s, redeemed: got %v, want ErrDenied", state, err)
		}
		if late := g.Void(g.ExpiresAt); late.Seq != g.Seq {
			t.Errorf("a grant that was %s is void after its expiry", state)
		}
	}
	for _, state := range []grant.State{grant.Redeemed, grant.Denied, grant.Cancelled} {
		g := in(t, state)
		if after := g.Void(start); after.Seq != g.Seq || after.State != state || after.Voided() {
			t.Errorf("a grant that is %s: got %+v, want it untouched", state, after)
		}
	}
}

func TestExpiryCountsInTheSequence(t *testing.T) {
	g := pending()
	before, after := g.SeqAt(start), g.SeqAt(g.ExpiresAt)
	if after <= before {
		t.Errorf("seq at expiry: got %d, want more than %d", after, before)
	}
}

func TestDeviceIsCleanedAtTheStart(t *testing.T) {
	g := grant.New(start, grant.Request{Device: auth.Device{Name: " ALICE\u202e\x00\n PC "}})
	if got, want := g.Device.Name, "ALICE PC"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
