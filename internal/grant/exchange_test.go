package grant_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/secret"
)

const callback = "http://127.0.0.1/callback"

// verifier has the 43 characters that RFC 7636 section 4.1 asks for at least.
var (
	verifier   = strings.Repeat("v", 43)
	firstCode  = secret.From("first").Hash()
	secondCode = secret.From("second").Hash()
	right      = grant.Presented{Code: firstCode, RedirectURI: callback, Verifier: verifier}
)

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// asked is the grant of an authorization request.
func asked() grant.Grant {
	return grant.New(start, grant.Request{
		ID:       "g",
		ClientID: app,
		Scopes:   auth.Scopes{"openid"},
		Lifetime: 300 * time.Second,
		Redirect: grant.Redirect{URI: callback, State: "s", Challenge: challengeOf(verifier)},
	})
}

// consented is asked after phone has approved it.
func consented(t *testing.T) grant.Grant {
	t.Helper()
	ok := must(t)
	g := ok(asked().Claim(start, phone, []byte("challenge")))
	g, _, err := g.Answer(start, phone)
	return ok(ok(g, err).Approve(start, phone, ada, auth.Scopes{"openid"}))
}

// minted is consented with its first code.
func minted(t *testing.T) grant.Grant {
	t.Helper()
	return must(t)(consented(t).Mint(start, phone, firstCode))
}

func TestMint(t *testing.T) {
	ok := must(t)
	tests := []struct {
		name    string
		from    grant.Grant
		now     time.Time
		browser auth.BrowserID
		err     error
	}{
		{"the browser that approved gets a code", consented(t), start, phone, nil},
		{"and another one, if the first was lost", minted(t), start, phone, nil},
		{"another browser gets none", consented(t), start, other, grant.ErrNotClaimed},
		{"no browser gets none", consented(t), start, "", grant.ErrNotClaimed},
		{"a device's grant has none", in(t, grant.Approved), start, phone, grant.ErrNotClaimed},
		{"there is none before the approval", asked(), start, phone, grant.ErrPending},
		{"nor while the ceremony is open", ok(asked().Claim(start, phone, []byte("c"))), start, phone, grant.ErrPending},
		{"nor after a denial", ok(asked().Deny(start, phone)), start, phone, grant.ErrDenied},
		{"nor after the request was cancelled", ok(asked().Cancel(start, app)), start, phone, grant.ErrCancelled},
		{"nor after the expiry", consented(t), start.Add(300 * time.Second), phone, grant.ErrExpired},
		{"nor after the exchange", ok(minted(t).Exchange(start, app, right)), start, phone, grant.ErrRedeemed},
		{"nor after the grant was voided", consented(t).Void(start), start, phone, grant.ErrDenied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			after, err := tt.from.Mint(tt.now, tt.browser, secondCode)
			if !errors.Is(err, tt.err) {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			if got := after.Redirect.Code == secondCode; got != (tt.err == nil) {
				t.Errorf("the code was set: got %t, want %t", got, tt.err == nil)
			}
			if moved := after.Seq != tt.from.Seq; moved != (tt.err == nil) {
				t.Errorf("seq moved: got %t, want %t", moved, tt.err == nil)
			}
		})
	}
}

func TestExchange(t *testing.T) {
	ok := must(t)
	with := func(change func(*grant.Presented)) grant.Presented {
		p := right
		change(&p)
		return p
	}
	long := strings.Repeat("v", 129)
	longAsked := minted(t)
	longAsked.Redirect.Challenge = challengeOf(long)
	shortAsked := minted(t)
	shortAsked.Redirect.Challenge = challengeOf("short")
	unchallenged := minted(t)
	unchallenged.Redirect.Challenge = ""
	late := start.Add(grant.CodeLife)
	tests := []struct {
		name   string
		from   grant.Grant
		now    time.Time
		client auth.ClientID
		p      grant.Presented
		want   grant.State
		err    error
	}{
		{"the code, with what belongs to it, is spent", minted(t), start, app, right, grant.Redeemed, nil},
		{"up to the end of its life", minted(t), late.Add(-time.Microsecond), app, right, grant.Redeemed, nil},
		{"but not after it", minted(t), late, app, right, grant.Approved, grant.ErrExpired},
		{"and once", ok(minted(t).Exchange(start, app, right)), start, app, right, grant.Redeemed, grant.ErrRedeemed},
		{"not by another client", minted(t), start, "another app", right, grant.Approved, grant.ErrForeign},
		{"not before it was minted", consented(t), start, app, right, grant.Approved, grant.ErrForeign},
		{"and no code at all is none", consented(t), start, app, with(func(p *grant.Presented) { p.Code = secret.Hash{} }), grant.Approved, grant.ErrForeign},
		{
			"a code that was minted again is void", ok(minted(t).Mint(start, phone, secondCode)), start, app, right,
			grant.Approved, grant.ErrForeign,
		},
		{"a device's grant has no code", in(t, grant.Approved), start, app, right, grant.Approved, grant.ErrForeign},
		{"the grant's end is the code's", minted(t), start.Add(300 * time.Second), app, right, grant.Expired, grant.ErrExpired},
		{"a voided grant's code is void", minted(t).Void(start), start, app, right, grant.Denied, grant.ErrDenied},
		{
			"another redirect_uri voids the code", minted(t), start, app,
			with(func(p *grant.Presented) { p.RedirectURI = callback + "/" }), grant.Denied, grant.ErrMismatch,
		},
		{
			"no redirect_uri voids the code", minted(t), start, app,
			with(func(p *grant.Presented) { p.RedirectURI = "" }), grant.Denied, grant.ErrMismatch,
		},
		{
			"another verifier voids the code", minted(t), start, app,
			with(func(p *grant.Presented) { p.Verifier = strings.Repeat("w", 43) }), grant.Denied, grant.ErrMismatch,
		},
		{
			"no verifier voids the code", minted(t), start, app,
			with(func(p *grant.Presented) { p.Verifier = "" }), grant.Denied, grant.ErrMismatch,
		},
		{
			"the challenge is not its own verifier", minted(t), start, app,
			with(func(p *grant.Presented) { p.Verifier = challengeOf(verifier) }), grant.Denied, grant.ErrMismatch,
		},
		{
			"a verifier that is too short is none", shortAsked, start, app,
			with(func(p *grant.Presented) { p.Verifier = "short" }), grant.Denied, grant.ErrMismatch,
		},
		{
			"a verifier that is too long is none", longAsked, start, app,
			with(func(p *grant.Presented) { p.Verifier = long }), grant.Denied, grant.ErrMismatch,
		},
		{
			"where there was no challenge, nothing meets it", unchallenged, start, app,
			with(func(p *grant.Presented) { p.Verifier = "" }), grant.Denied, grant.ErrMismatch,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			after, err := tt.from.Exchange(tt.now, tt.client, tt.p)
			if !errors.Is(err, tt.err) {
				t.Errorf("error: got %v, want %v", err, tt.err)
			}
			if got := after.StateAt(tt.now); got != tt.want {
				t.Errorf("state: got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAMismatchLeavesTheCodeWorthless(t *testing.T) {
	wrong := right
	wrong.Verifier = strings.Repeat("w", 43)
	g, err := minted(t).Exchange(start, app, wrong)
	if !errors.Is(err, grant.ErrMismatch) || !g.Voided() || g.UserID != "" {
		t.Fatalf("got %v, voided %t, user %q; want ErrMismatch and a void grant", err, g.Voided(), g.UserID)
	}
	if _, err := g.Exchange(start, app, right); !errors.Is(err, grant.ErrDenied) {
		t.Errorf("the right verifier afterwards: got %v, want ErrDenied", err)
	}
	if _, err := g.Mint(start, phone, secondCode); !errors.Is(err, grant.ErrDenied) {
		t.Errorf("a new code: got %v, want ErrDenied", err)
	}
}

func TestACodeThatIsRefusedForAnotherReasonIsNotVoid(t *testing.T) {
	wrong := right
	wrong.Code = secondCode
	g, _ := minted(t).Exchange(start, app, wrong)
	g, _ = g.Exchange(start, "another app", right)
	if _, err := g.Exchange(start, app, right); err != nil {
		t.Errorf("got %v, want the code to be good still", err)
	}
}

func TestAnAuthorizationRequestIsNeverRedeemedLikeADevices(t *testing.T) {
	for name, g := range map[string]grant.Grant{"asked": asked(), "approved": consented(t), "with a code": minted(t)} {
		if after, err := g.Redeem(start, app); !errors.Is(err, grant.ErrForeign) || after.State == grant.Redeemed {
			t.Errorf("%s: got %s, %v; want ErrForeign", name, after.State, err)
		}
	}
}

func TestAnAuthorizationRequestHasNoUserCode(t *testing.T) {
	g := asked()
	if g.Opens(start, "") || g.Rotates(start) {
		t.Error("it opens by a code, or rotates one")
	}
	if after, err := g.Rotate(start.Add(grant.RotateEvery), "BCDFGHJK"); !errors.Is(err, grant.ErrNotDue) || after.Code != "" {
		t.Errorf("rotate: got %q, %v; want ErrNotDue and no code", after.Code, err)
	}
}

func TestRepeatable(t *testing.T) {
	spent := must(t)(minted(t).Exchange(start, app, right))
	device := in(t, grant.Redeemed)
	wrong := right
	wrong.Verifier = strings.Repeat("w", 43)
	elsewhere := right
	elsewhere.RedirectURI = "http://127.0.0.1/"
	another := right
	another.Code = secondCode
	last := start.Add(grant.RepeatFor - time.Microsecond)
	tests := []struct {
		name string
		got  bool
		want bool
	}{
		{"a device code, for a short while", device.Repeatable(last, app), true},
		{"and no longer", device.Repeatable(start.Add(grant.RepeatFor), app), false},
		{"not another client's", device.Repeatable(start, "another app"), false},
		{"not before it was spent", in(t, grant.Approved).Repeatable(start, app), false},
		{"not after a denial", in(t, grant.Denied).Repeatable(start, app), false},
		{"an authorization code, with all that belongs to it", spent.RepeatableWith(last, app, right), true},
		{"and no longer than a device code", spent.RepeatableWith(start.Add(grant.RepeatFor), app, right), false},
		{"not by another client", spent.RepeatableWith(start, "another app", right), false},
		{"not with another verifier", spent.RepeatableWith(start, app, wrong), false},
		{"not with another redirect_uri", spent.RepeatableWith(start, app, elsewhere), false},
		{"not another code", spent.RepeatableWith(start, app, another), false},
		{"not a code that was never spent", minted(t).RepeatableWith(start, app, right), false},
		{"not a device code as an authorization code", device.RepeatableWith(start, app, right), false},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.name, tt.got, tt.want)
		}
	}
}
