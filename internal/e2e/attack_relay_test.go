package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// Networks of the documentation (RFC 5737).
const (
	attackersNetwork = "203.0.113.9"
	victimsNetwork   = "198.51.100.7"
)

// TestALiveRelayAcrossTwoNetworksNeedsTheNumber: a fake site shows the victim a fresh
// code of the attacker's computer, and the victim approves on the genuine page.
func TestALiveRelayAcrossTwoNetworksNeedsTheNumber(t *testing.T) {
	s, f := serveTheWorld(t)
	victim := newHandset(t, s.issuer, f.from(t, victimsNetwork))
	victim.join("Ada")
	relay := func() (*computer, *pushed, string) {
		t.Helper()
		evil := newComputer(t, s.issuer, f.from(t, attackersNetwork)).begin()
		push := evil.attach()
		opening := victim.scan(evil.VerificationURIComplete)
		page := victim.page(opening)
		if !page.says("This computer is on another network than your phone.") || !page.says(attackersNetwork) {
			t.Errorf("the page does not say where the computer is:\n%s", page.body)
		}
		victim.approve(opening).want(t, "the victim approves", http.StatusOK, "")
		return evil, push, opening
	}
	number := ""
	withheld := func(what, said string) {
		t.Helper()
		for _, m := range betrayals(t, said, number) {
			t.Errorf("%s betrays the number %s by %s", what, number, m)
		}
	}

	t.Run("the attacker does not get the number and guesses", func(t *testing.T) {
		evil, push, opening := relay()
		number = victim.number(opening)
		_, frames := push.until(wire.StateVerifying)
		withheld("a frame", frames)
		a := evil.poll()
		a.want(t, "a poll", http.StatusBadRequest, wire.CodeAuthorizationPending)
		withheld("a poll's answer", a.body)
		var said wire.Error
		if a.into(t, &said); said.State != wire.StateVerifying {
			t.Errorf("a poll has the state %q, want verifying", said.State)
		}
		for n, guess := range wrongNumbers(number)[:3] {
			a := evil.bring(guess)
			withheld("the answer to a guess", a.body)
			if n < 2 {
				a.want(t, "a guess", http.StatusBadRequest, wire.CodeIncorrectNumber)
				continue
			}
			a.want(t, "the last guess", http.StatusBadRequest, wire.CodeAccessDenied)
		}
		_, frames = push.until(wire.StateDenied)
		withheld("a frame", frames)
		evil.bring(number).want(t, "the right number, too late", http.StatusBadRequest, wire.CodeAccessDenied)
		evil.poll().want(t, "a poll", http.StatusBadRequest, wire.CodeAccessDenied)
		if page := victim.page(opening); !page.says("Three wrong numbers.") {
			t.Errorf("the victim is not told:\n%s", page.body)
		}
		wrong := 0
		for _, r := range s.audit(t) {
			if r.Type == "sign_in.number_wrong" && r.Personal.Address == attackersNetwork {
				wrong++
			}
		}
		if wrong != 3 {
			t.Errorf("%d wrong numbers are in the audit log, want 3", wrong)
		}
	})

	// So the only thing that was missing is the number.
	t.Run("whoever has the number is in", func(t *testing.T) {
		desk, push, opening := relay()
		number = victim.number(opening)
		desk.bring(number).want(t, "the number", http.StatusOK, "")
		push.until(wire.StateApproved)
		desk.tokens()
	})
}

// toldToDesktops are the members that frames and answers may have before the tokens,
// and the form of those whose text is drawn by chance.
var toldToDesktops = map[string]*regexp.Regexp{
	"seq": nil, "state": nil, "code_expires_in": nil, "expires_in": nil, "tries_left": nil, "error": nil, "error_description": nil,
	"user_code":                 regexp.MustCompile(`^[A-Z]{4}-[A-Z]{4}$`),
	"verification_uri_complete": regexp.MustCompile(`^http://localhost:\d+/device\?user_code=[A-Z]{4}-[A-Z]{4}&k=[A-Za-z0-9_-]{8}$`),
}

// betrayals are the members of JSON objects by which a desktop would learn the number.
func betrayals(t *testing.T, objects, number string) (list []string) {
	t.Helper()
	for lines := json.NewDecoder(strings.NewReader(objects)); ; {
		var members map[string]any
		if err := lines.Decode(&members); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatalf("%s: %v", objects, err)
		}
		for name, value := range members {
			text, _ := value.(string)
			form, known := toldToDesktops[name]
			if !known || form == nil && strings.Contains(text, number) || form != nil && !form.MatchString(text) {
				list = append(list, fmt.Sprintf("%s: %v", name, value))
			}
		}
	}
}

// wrongNumbers are all but the right one.
func wrongNumbers(right string) (list []string) {
	for n := range 100 {
		if guess := fmt.Sprintf("%02d", n); guess != right {
			list = append(list, guess)
		}
	}
	return list
}

// TestAKnownDeviceIsMadeInItsOwnBrowser: where an operator demands computers that the
// account has had before, no code that is relayed signs in any other one.
func TestAKnownDeviceIsMadeInItsOwnBrowser(t *testing.T) {
	s := serve(t)
	office := s.addClient(t, "office", "--require-known-device")
	ada := newHandset(t, s.issuer)
	ada.join("Ada")
	own, evil := newComputer(t, s.issuer).keyed(), newComputer(t, s.issuer).keyed()
	bare := newComputer(t, s.issuer)
	for _, c := range []*computer{own, evil, bare} {
		c.client = office
	}

	for name, c := range map[string]*computer{"of an unknown key": own, "of no key": bare} {
		t.Run("a code "+name+" is refused", func(t *testing.T) {
			opening := ada.scan(c.begin().VerificationURIComplete)
			if page := ada.page(opening); !page.says("ALICE-PC is new to your account.") || strings.Contains(page.body, "data-approve") {
				t.Errorf("the page says:\n%s", page.body)
			}
			ada.begin(opening).want(t, "Approve", http.StatusForbidden, "unknown_device")
			c.poll().want(t, "a poll", http.StatusBadRequest, wire.CodeAuthorizationPending)
		})
	}
	// In a browser that does not know her the account shows only by the passkey.
	t.Run("a code is refused after the passkey, too", func(t *testing.T) {
		elsewhere := newHandset(t, s.issuer)
		elsewhere.touch = ada.touch
		opening := elsewhere.scan(own.begin().VerificationURIComplete)
		elsewhere.approve(opening).want(t, "the passkey", http.StatusForbidden, "unknown_device")
		own.poll().want(t, "a poll", http.StatusBadRequest, wire.CodeAuthorizationPending)
	})

	t.Run("its own browser makes the key known", func(t *testing.T) {
		inItsBrowser(t, own, ada)
	})
	t.Run("then its code is enough", func(t *testing.T) {
		ada.approve(ada.scan(own.begin().VerificationURIComplete)).want(t, "approve", http.StatusOK, "")
		if tok := own.tokens(); tok.TokenType != wire.TokenTypeDPoP {
			t.Errorf("got a token of type %s, want one that is bound to the key", tok.TokenType)
		}
	})
	t.Run("another computer's is not", func(t *testing.T) {
		ada.begin(ada.scan(evil.begin().VerificationURIComplete)).want(t, "Approve", http.StatusForbidden, "unknown_device")
	})
	// A thumbprint is no secret, and whoever begins may name any. What it buys is a
	// sign-in that nobody can redeem but that key.
	t.Run("the attacker names the known key", func(t *testing.T) {
		key := own.key.Thumbprint()
		liar := newComputer(t, s.issuer)
		liar.client = office
		liar.begin(url.Values{"dpop_jkt": {key}})
		ada.approve(ada.scan(liar.VerificationURIComplete)).want(t, "approve", http.StatusOK, "")
		liar.poll().want(t, "redeem without the key", http.StatusBadRequest, wire.CodeInvalidGrant)
		liar.key = evil.key
		liar.poll().want(t, "redeem with another key", http.StatusBadRequest, wire.CodeInvalidGrant)
		liar.key = own.key
		liar.tokens() // it was not the sign-in that was at fault
		evil.send(wire.PathDeviceAuthorization, url.Values{"dpop_jkt": {key}}).
			want(t, "naming one key and proving another", http.StatusBadRequest, wire.CodeInvalidDPoPProof)
	})
	refused := slices.ContainsFunc(s.audit(t), func(r record) bool { return r.Type == "sign_in.refused" && r.ClientID == office })
	if !refused {
		t.Error("no refusal is in the audit log")
	}
}

// inItsBrowser signs the computer in by its own browser, in which the person's
// passkey can be reached.
func inItsBrowser(t *testing.T, c *computer, passkey *handset) wire.Token {
	t.Helper()
	const back = "http://127.0.0.1:4711/callback"
	verifier := strings.Repeat("v", 43)
	sum := sha256.Sum256([]byte(verifier))
	browser := newHandset(t, c.issuer, c.http.Transport)
	browser.touch = passkey.touch
	a := browser.get(wire.PathAuthorize + "?" + url.Values{
		"client_id": {c.client}, "response_type": {"code"}, "redirect_uri": {back}, "dpop_jkt": {c.key.Thumbprint()},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode())
	m := openingInPage.FindStringSubmatch(a.header.Get("Location"))
	if a.status != http.StatusSeeOther || m == nil {
		t.Fatalf("authorize: %d %v %s", a.status, a.header, a.body)
	}
	done := browser.approve(m[1])
	done.want(t, "approve in the computer's own browser", http.StatusOK, "")
	var way struct{ Return string }
	done.into(t, &way)
	a = c.send(wire.PathToken, url.Values{
		"grant_type": {wire.GrantTypeCode}, "redirect_uri": {back}, "code_verifier": {verifier},
		"code": {parsed(t, way.Return).Query().Get("code")},
	})
	a.want(t, "exchange", http.StatusOK, "")
	var tok wire.Token
	a.into(t, &tok)
	return tok
}
