package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/qrauthd/qrauthd/internal/passkey/passkeytest"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// TestAnAssertionIsGoodForItsOwnGrantOnly: the attacker has an answer of the victim's
// passkey, to a challenge that was not the attacker's, or can have one made.
func TestAnAssertionIsGoodForItsOwnGrantOnly(t *testing.T) {
	s := serve(t)
	ada := newHandset(t, s.issuer)
	ada.join("Ada")
	begin := func() (*computer, string) {
		t.Helper()
		desk := newComputer(t, s.issuer).begin()
		return desk, ada.open(desk.VerificationURIComplete)
	}
	refused := func(what string, a answer) {
		t.Helper()
		a.want(t, what, http.StatusForbidden, "passkey_refused")
	}
	pending := func(desk *computer) {
		t.Helper()
		desk.poll().want(t, "a poll", http.StatusBadRequest, wire.CodeAuthorizationPending)
	}
	good := func(desk *computer, a answer) {
		t.Helper()
		a.want(t, "the answer where it belongs", http.StatusOK, "")
		desk.tokens()
	}

	t.Run("on another sign-in", func(t *testing.T) {
		hers, opening := begin()
		evil, another := begin()
		assertion := ada.touch.Get(ada.challenged(opening))
		ada.challenged(another)
		refused("an answer to another's challenge", ada.finish(another, assertion))
		pending(evil)
		good(hers, ada.finish(opening, assertion))
	})
	t.Run("a second time", func(t *testing.T) {
		hers, opening := begin()
		evil, another := begin()
		assertion := ada.touch.Get(ada.challenged(opening))
		good(hers, ada.finish(opening, assertion))
		ada.finish(opening, assertion).want(t, "the same once more", http.StatusConflict, "over")
		ada.challenged(another)
		refused("a used one elsewhere", ada.finish(another, assertion))
		pending(evil)
	})
	t.Run("after a new challenge", func(t *testing.T) {
		desk, opening := begin()
		old := ada.touch.Get(ada.challenged(opening))
		fresh := ada.touch.Get(ada.challenged(opening))
		refused("the answer to the old challenge", ada.finish(opening, old))
		ada.finish(opening, fresh).want(t, "a second answer to one challenge", http.StatusConflict, "no_ceremony")
		pending(desk)
		good(desk, ada.approve(opening))
	})
	t.Run("from another browser", func(t *testing.T) {
		desk, opening := begin()
		thief := newHandset(t, s.issuer)
		theirs := thief.open(desk.VerificationURIComplete)
		assertion := ada.touch.Get(ada.challenged(opening))
		thief.finish(theirs, assertion).want(t, "in the thief's own page", http.StatusConflict, "claimed")
		thief.finish(opening, assertion).want(t, "by the victim's page", http.StatusForbidden, "not_opened")
		thief.begin(theirs).want(t, "a challenge of the thief's", http.StatusConflict, "claimed")
		good(desk, ada.finish(opening, assertion))
	})
	t.Run("by a fake site that passes the challenge on", func(t *testing.T) {
		evil, _ := begin()
		fake := newHandset(t, s.issuer)
		opening := fake.open(evil.VerificationURIComplete)
		options := fake.challenged(opening)
		lured := *ada.touch
		lured.Origin = "https://qrauthd.example.evil"
		refused("an answer that was made on the fake site", fake.finish(opening, lured.Get(options)))
		pending(evil)
		good(evil, fake.finish(opening, ada.touch.Get(fake.challenged(opening)))) // it was the origin
	})
	t.Run("of another ceremony", func(t *testing.T) {
		desk, opening := begin()
		entry := ada.ceremony("/signin/begin", struct{}{})
		ada.challenged(opening)
		refused("an answer that was to sign in", ada.finish(opening, ada.touch.Get(entry.options)))
		approval := ada.touch.Get(ada.challenged(opening))
		refused("an answer that was to approve, to sign in", ada.made("/signin/finish", entry, approval))
		added := ada.ceremony("/account/passkeys/begin", struct{}{})
		ada.made("/signin/finish", added, ada.touch.Get(added.options)).
			want(t, "the handle of a ceremony of another kind", http.StatusConflict, "no_ceremony")
		good(desk, ada.finish(opening, approval))
	})

	wrong := map[string]func(p *passkeytest.Phone, options []byte) []byte{
		"of another site": func(p *passkeytest.Phone, options []byte) []byte {
			p.Origin = "https://evil.example"
			return p.Get(options)
		},
		"of another port of this host": func(p *passkeytest.Phone, options []byte) []byte {
			p.Origin = "http://localhost:1"
			return p.Get(options)
		},
		"for another relying party": func(p *passkeytest.Phone, options []byte) []byte {
			p.RPID = "evil.example"
			return p.Get(options)
		},
		"of the type of a creation": func(p *passkeytest.Phone, options []byte) []byte {
			p.Type = "webauthn.create"
			return p.Get(options)
		},
		"without a fingerprint": func(p *passkeytest.Phone, options []byte) []byte {
			p.UserVerified = false
			return p.Get(options)
		},
		"with a signature that is none": func(p *passkeytest.Phone, options []byte) []byte {
			return bent(t, p.Get(options), "signature")
		},
		"with other authenticator data": func(p *passkeytest.Phone, options []byte) []byte {
			return bent(t, p.Get(options), "authenticatorData")
		},
		"with nothing in it": func(*passkeytest.Phone, []byte) []byte { return []byte(`{}`) },
		"in no JSON":         func(*passkeytest.Phone, []byte) []byte { return []byte(`approve`) },
	}
	for name, answer := range wrong {
		t.Run("an answer "+name, func(t *testing.T) {
			desk, opening := begin()
			misused := *ada.touch
			refused("an answer "+name, ada.finish(opening, answer(&misused, ada.challenged(opening))))
			pending(desk)
		})
	}
	failed := 0
	for _, r := range s.audit(t) {
		if r.Type == "sign_in.passkey_failed" {
			failed++
		}
	}
	if failed < len(wrong)+5 {
		t.Errorf("%d failures are in the audit log, want %d at least", failed, len(wrong)+5)
	}
}

// bent is the assertion with the last byte of a member of its response changed.
func bent(t *testing.T, assertion []byte, member string) []byte {
	t.Helper()
	var a, response map[string]json.RawMessage
	var text string
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(json.Unmarshal(assertion, &a))
	must(json.Unmarshal(a["response"], &response))
	must(json.Unmarshal(response[member], &text))
	data, err := base64.RawURLEncoding.DecodeString(text)
	must(err)
	data[len(data)-1] ^= 1
	response[member], err = json.Marshal(base64.RawURLEncoding.EncodeToString(data))
	must(err)
	a["response"], err = json.Marshal(response)
	must(err)
	out, err := json.Marshal(a)
	must(err)
	if bytes.Equal(out, assertion) {
		t.Fatal("nothing was changed")
	}
	return out
}
