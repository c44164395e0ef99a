package e2e

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// TestAStolenPhoneCookieDecidesNothing: the thief has the cookie of the victim's
// browser, and nothing else of the phone.
//
// What such a cookie is good for: it says who uses that browser, so pages greet the
// thief by the victim's name, and /account shows what passkeys there are. In the ten
// minutes after the victim has proved the passkey there, the cookie is that browser: the
// list of computers is to be seen, and what can be done in it and on /account can be
// done. It never approves, which takes the passkey each time.
func TestAStolenPhoneCookieDecidesNothing(t *testing.T) {
	s, f := serveTheWorld(t)
	ada := newHandset(t, s.issuer, f.from(t, victimsNetwork))
	codes := ada.join("Ada")
	mallory := newHandset(t, s.issuer, f.from(t, attackersNetwork))
	mallory.join("Mallory")
	desk := newComputer(t, s.issuer, f.from(t, victimsNetwork)).begin()
	opening := ada.open(desk.VerificationURIComplete)
	used := ada.touch.Get(ada.challenged(opening))
	ada.finish(opening, used).want(t, "Ada approves", http.StatusOK, "")
	tok := desk.tokens()
	theft := func(cookie string) *handset {
		thief := newHandset(t, s.issuer, f.from(t, attackersNetwork))
		thief.pose(cookie)
		return thief
	}
	// The thief's own computer is beside the thief, so that no risk is in the way.
	evil := newComputer(t, s.issuer, f.from(t, attackersNetwork))

	t.Run("it does not approve", func(t *testing.T) {
		thief := theft(ada.cookie())
		page := thief.get(evil.begin().VerificationURIComplete)
		if !page.says("You approve as Ada.") {
			t.Fatalf("the cookie is not Ada's:\n%s", page.body)
		}
		opening := thief.scan(evil.VerificationURIComplete)
		for name, forge := range map[string]func(options []byte) []byte{
			"nothing":                       func([]byte) []byte { return nil },
			"an empty object":               func([]byte) []byte { return []byte(`{}`) },
			"an answer of hers to another":  func([]byte) []byte { return used },
			"the answer of another's":       func(options []byte) []byte { return mallory.touch.Get(options) },
			"no answer, but her name in it": func([]byte) []byte { return []byte(`{"id":"Ada","type":"public-key"}`) },
		} {
			thief.finish(opening, forge(thief.challenged(opening))).want(t, name, http.StatusForbidden, "passkey_refused")
		}
		evil.poll().want(t, "a poll", http.StatusBadRequest, wire.CodeAuthorizationPending)
		thief.touch = ada.touch
		thief.approve(opening).want(t, "with her passkey", http.StatusOK, "") // which is all that was missing
		evil.tokens()
	})

	t.Run("the address of a page that she has open is of no use without it", func(t *testing.T) {
		opening := ada.scan(evil.begin().VerificationURIComplete)
		before := ada.state(opening)
		for name, thief := range map[string]*handset{
			"another person's browser": mallory,
			"a browser without cookie": newHandset(t, s.issuer, f.from(t, attackersNetwork)),
			"a made-up cookie":         theft(notACode),
		} {
			for _, a := range []answer{
				thief.page(opening), thief.get("/confirm/" + opening + "/status"),
				thief.tell("/confirm/"+opening+"/scan", struct{}{}), thief.begin(opening),
				thief.finish(opening, used), thief.deny(opening), thief.tell("/confirm/"+opening+"/return", struct{}{}),
			} {
				a.want(t, name, http.StatusForbidden, "")
			}
		}
		if after := ada.state(opening); after != before {
			t.Errorf("the sign-in was %+v and is %+v", before, after)
		}
	})

	alive := func(what string) {
		t.Helper()
		desk.do(http.MethodGet, wire.PathUserInfo, "", "", http.Header{"Authorization": {"Bearer " + tok.AccessToken}}).
			want(t, "her computer's token after "+what, http.StatusOK, "")
	}
	list := ada.get("/devices")
	session := regexp.MustCompile(`/devices/([^/"]+)/sign-out"`).FindStringSubmatch(list.body)
	if session == nil || !list.says("ALICE-PC") {
		t.Fatalf("her list is:\n%s", list.body)
	}
	// useless wants the cookie to open neither the list nor anything that is done there.
	useless := func(what string, thief *handset) {
		t.Helper()
		if a := thief.get("/devices"); a.status != http.StatusSeeOther || a.header.Get("Location") != "/signin?next=devices" {
			t.Errorf("%s: the list is answered with %d %s", what, a.status, a.header.Get("Location"))
		}
		for _, act := range []string{"/sign-out", "/report", "/confirm"} {
			thief.press("/devices/"+session[1]+act, nil).want(t, what, http.StatusSeeOther, "")
		}
		thief.press("/devices/sign-out-everywhere", nil).want(t, what, http.StatusSeeOther, "")
		for _, path := range []string{"/account/passkeys/begin", "/account/recovery-codes"} {
			thief.tell(path, struct{}{}).want(t, what, http.StatusUnauthorized, "sign_in_first")
		}
		thief.press("/account/passkeys/"+notACode+"/remove", nil).want(t, what, http.StatusUnauthorized, "")
		alive(what)
	}
	t.Run("that of a browser in which nobody proved a passkey", func(t *testing.T) {
		stranger := newHandset(t, s.issuer, f.from(t, victimsNetwork))
		stranger.get(wire.PathDevice)
		useless("a stranger's cookie", theft(stranger.cookie()))
		useless("a made-up cookie", theft(notACode))
	})
	t.Run("that of another person", func(t *testing.T) {
		thief := theft(mallory.cookie())
		if page := thief.get("/devices"); page.status != http.StatusOK || page.says("ALICE-PC") {
			t.Errorf("the list of another person is %d\n%s", page.status, page.body)
		}
		for _, act := range []string{"/sign-out", "/report", "/confirm"} {
			thief.press("/devices/"+session[1]+act, nil).want(t, "at her computer", http.StatusNotFound, "")
		}
		alive("another person's tries")
	})
	thief := theft(ada.cookie())
	t.Run("that of hers, ten minutes later", func(t *testing.T) {
		if page := thief.get("/devices"); !page.says("ALICE-PC") {
			t.Fatalf("within the ten minutes the list is %d", page.status)
		}
		s.growStale(t)
		useless("an old cookie", thief)
		ada.signIn().want(t, "her passkey", http.StatusOK, "")
		thief.get("/devices").want(t, "and again it is that browser", http.StatusOK, "")
	})
	t.Run("that of hers, when she has recovered the account elsewhere", func(t *testing.T) {
		phone := newHandset(t, s.issuer, f.from(t, victimsNetwork))
		c := phone.ceremony("/join/begin", map[string]string{"recovery_code": codes[0]})
		phone.made("/join/finish", c, phone.touch.Create(c.options)).want(t, "recover", http.StatusOK, "")
		useless("the cookie of before", thief)
		thief.get("/account").want(t, "the account", http.StatusSeeOther, "")
		if page := thief.get(evil.begin().VerificationURIComplete); page.says("Ada") {
			t.Errorf("the cookie of before is greeted:\n%s", page.body)
		}
	})
}

// TestADesktopsTokenApprovesNothing: the attacker's program is on the victim's
// computer, or has all that one was ever given, and wants another computer in.
func TestADesktopsTokenApprovesNothing(t *testing.T) {
	s := serve(t)
	ada := newHandset(t, s.issuer)
	ada.join("Ada")
	own := newComputer(t, s.issuer).begin()
	ada.approve(ada.scan(own.VerificationURIComplete)).want(t, "approve", http.StatusOK, "")
	tok := own.tokens()
	own.do(http.MethodGet, wire.PathUserInfo, "", "", http.Header{"Authorization": {"Bearer " + tok.AccessToken}}).
		want(t, "what the token is for", http.StatusOK, "")

	evil := newComputer(t, s.issuer).begin()
	tried := 0
	for name, loot := range map[string]string{
		"the access token": tok.AccessToken, "the refresh token": tok.RefreshToken,
		"the ID token": tok.IDToken, "the device code": own.DeviceCode,
	} {
		if loot == "" {
			t.Fatalf("there is no such thing as %s", name)
		}
		for _, way := range []string{"Bearer", "DPoP", "as a cookie"} {
			bot := newHandset(t, s.issuer)
			if way == "as a cookie" {
				bot.pose(loot)
			} else {
				bot.forge.Set("Authorization", way+" "+loot)
			}
			what := name + ", " + way
			page := bot.get(evil.VerificationURIComplete)
			if page.says("You approve as") {
				t.Errorf("%s: the page knows somebody:\n%s", what, page.body)
			}
			opening := bot.open(evil.VerificationURIComplete)
			bot.finish(opening, []byte(loot)).want(t, what, http.StatusConflict, "no_ceremony")
			for _, path := range []string{"/account/passkeys/begin", "/account/recovery-codes"} {
				bot.tell(path, struct{}{}).want(t, what, http.StatusUnauthorized, "sign_in_first")
			}
			for _, path := range []string{"/devices", "/account"} {
				a := bot.get(path)
				a.want(t, what, http.StatusSeeOther, "")
				if !strings.HasPrefix(a.header.Get("Location"), "/signin") {
					t.Errorf("%s: %s leads to %s", what, path, a.header.Get("Location"))
				}
			}
			bot.press("/devices/sign-out-everywhere", nil).want(t, what, http.StatusSeeOther, "")
			bot.made("/signin/finish", ceremony{Ceremony: loot}, []byte(`{}`)).want(t, what, http.StatusConflict, "no_ceremony")
			tried++
		}
	}
	// One of them goes on to the ceremony, which anybody may begin.
	bot := newHandset(t, s.issuer)
	bot.forge.Set("Authorization", "Bearer "+tok.AccessToken)
	opening := bot.open(evil.VerificationURIComplete)
	bot.challenged(opening)
	bot.finish(opening, []byte(`{"id":"`+tok.AccessToken+`"}`)).want(t, "the token as an answer", http.StatusForbidden, "passkey_refused")
	evil.poll().want(t, "a poll", http.StatusBadRequest, wire.CodeAuthorizationPending)
	own.do(http.MethodGet, wire.PathUserInfo, "", "", http.Header{"Authorization": {"Bearer " + tok.AccessToken}}).
		want(t, "the computer, which nobody signed out", http.StatusOK, "")
	bot.touch = ada.touch
	bot.approve(opening).want(t, "with the passkey", http.StatusOK, "")
	if tried != 12 {
		t.Errorf("%d ways were tried, want 12", tried)
	}
}

// TestASecondRedeemYieldsNothing: the attacker has a copy of a device code.
func TestASecondRedeemYieldsNothing(t *testing.T) {
	s := serve(t)
	s.addClient(t, "other")
	ada := newHandset(t, s.issuer)
	ada.join("Ada")
	approved := func(c *computer) *computer {
		t.Helper()
		ada.approve(ada.scan(c.begin().VerificationURIComplete)).want(t, "approve", http.StatusOK, "")
		return c
	}
	spent := func(what string, a answer) {
		t.Helper()
		a.want(t, what, http.StatusBadRequest, wire.CodeInvalidGrant)
		if strings.Contains(a.body, "token\":") {
			t.Errorf("%s: a token is in %s", what, a.body)
		}
	}
	good := func(c *computer, tok wire.Token) {
		t.Helper()
		c.do(http.MethodGet, wire.PathUserInfo, "", "", http.Header{"Authorization": {"Bearer " + tok.AccessToken}}).
			want(t, "the first one's token", http.StatusOK, "")
	}

	t.Run("one after the other", func(t *testing.T) {
		desk := approved(newComputer(t, s.issuer))
		tok := desk.tokens()
		spent("once more", desk.poll())
		good(desk, tok)
	})
	t.Run("fifty at a time", func(t *testing.T) {
		desk := approved(newComputer(t, s.issuer))
		answers := make([]answer, 50)
		var polls sync.WaitGroup
		for n := range answers {
			polls.Go(func() {
				form := url.Values{"grant_type": {wire.GrantTypeDeviceCode}, "client_id": {demoClient}, "device_code": {desk.DeviceCode}}
				a, err := desk.try(http.MethodPost, wire.PathToken, kindForm, strings.NewReader(form.Encode()), nil)
				if err != nil {
					t.Error(err)
				}
				answers[n] = a
			})
		}
		polls.Wait()
		tokens := 0
		for _, a := range answers {
			if a.status == http.StatusOK {
				tokens++
				continue
			}
			spent("a slower one", a)
		}
		if tokens != 1 {
			t.Errorf("%d of 50 have tokens, want 1", tokens)
		}
	})
	t.Run("by another client", func(t *testing.T) {
		desk := approved(newComputer(t, s.issuer))
		other := *desk
		other.client = "other"
		spent("before the right one", other.poll())
		good(desk, desk.tokens())
		spent("after it", other.poll())
	})
	t.Run("without the key that it is bound to", func(t *testing.T) {
		desk := approved(newComputer(t, s.issuer).keyed())
		thief, other := *desk, *newComputer(t, s.issuer).keyed()
		thief.key = dpop.Key{}
		other.DeviceAuthorization = desk.DeviceAuthorization
		spent("before the right one, without a key", thief.poll())
		spent("before the right one, with another key", other.poll())
		desk.tokens()
		spent("after it, without a key", thief.poll())
		spent("after it, with another key", other.poll())
		// The holder of the key may have lost the answer. It is one sign-in all the same,
		// and when the first refresh shows that the answer has come there is no second.
		again := desk.tokens()
		desk.send(wire.PathToken, url.Values{"grant_type": {wire.GrantTypeRefresh}, "refresh_token": {again.RefreshToken}}).
			want(t, "refresh", http.StatusOK, "")
		spent("after a refresh, with the right key", desk.poll())
	})
	t.Run("after a restart", func(t *testing.T) {
		desk := approved(newComputer(t, s.issuer))
		tok := desk.tokens()
		s.kill()
		s.start(t)
		spent("once more", desk.poll())
		good(desk, tok)
	})
}
