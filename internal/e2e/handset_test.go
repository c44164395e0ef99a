package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/qrauthd/qrauthd/internal/passkey/passkeytest"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// handset is a phone that speaks HTTP as the pages' script does, with a cookie jar
// and an authenticator in software, and that can say what no browser would.
type handset struct {
	caller
	touch *passkeytest.Phone
	// before, unless nil, is shown every POST before it is sent.
	before func(path, kind, body string)
}

func newHandset(t *testing.T, issuer string, way ...http.RoundTripper) *handset {
	t.Helper()
	return &handset{caller: newCaller(t, issuer, way...), touch: passkeytest.NewPhone(t, parsed(t, issuer))}
}

// in is the same handset, of which a part of the test makes use.
func (h *handset) in(t *testing.T) *handset {
	same := *h
	same.t = t
	return &same
}

func parsed(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (h *handset) post(path, kind, body string) answer {
	h.t.Helper()
	if h.before != nil {
		h.before(path, kind, body)
	}
	return h.do(http.MethodPost, path, kind, body, nil)
}

// press sends a page's form.
func (h *handset) press(path string, values url.Values) answer {
	h.t.Helper()
	return h.post(path, kindForm, values.Encode())
}

// tell sends what a page's script does.
func (h *handset) tell(path string, in any) answer {
	h.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.post(path, kindJSON, string(body))
}

var openingInPage = regexp.MustCompile(`/confirm/([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)`)

// open follows a link and returns the handle that the page has of the sign-in.
func (h *handset) open(link string) (opening string) {
	h.t.Helper()
	a := h.get(link)
	m := openingInPage.FindStringSubmatch(a.body)
	if a.status != http.StatusOK || m == nil {
		h.t.Fatalf("%s opens nothing: %d\n%s", link, a.status, a.body)
	}
	return m[1]
}

// scan is open and what the page's script does at once.
func (h *handset) scan(link string) (opening string) {
	h.t.Helper()
	opening = h.open(link)
	h.tell("/confirm/"+opening+"/scan", struct{}{}).want(h.t, "scan", http.StatusNoContent, "")
	return opening
}

func (h *handset) page(opening string) answer {
	h.t.Helper()
	return h.get("/confirm/" + opening)
}

func (h *handset) begin(opening string) answer {
	h.t.Helper()
	return h.tell("/confirm/"+opening+"/begin", struct{}{})
}

// challenged is begin, and the options of the ceremony.
func (h *handset) challenged(opening string) (options []byte) {
	h.t.Helper()
	a := h.begin(opening)
	a.want(h.t, "begin", http.StatusOK, "")
	return []byte(a.body)
}

func (h *handset) finish(opening string, assertion []byte) answer {
	h.t.Helper()
	return h.post("/confirm/"+opening+"/finish", kindJSON, string(assertion))
}

// approve taps Approve and touches the sensor.
func (h *handset) approve(opening string) answer {
	h.t.Helper()
	return h.finish(opening, h.touch.Get(h.challenged(opening)))
}

func (h *handset) deny(opening string) answer {
	h.t.Helper()
	return h.press("/confirm/"+opening+"/deny", nil)
}

// state is that of the sign-in, as the page's script learns it.
func (h *handset) state(opening string) (s struct {
	Seq         int64
	State       wire.State
	OpenedTwice bool `json:"opened_twice"`
},
) {
	h.t.Helper()
	h.get("/confirm/"+opening+"/status").into(h.t, &s)
	return s
}

// ceremony is one that is no sign-in's.
type ceremony struct {
	Ceremony  string          `json:"ceremony"`
	PublicKey json.RawMessage `json:"publicKey"`
	options   []byte
}

func (h *handset) ceremony(path string, in any) (c ceremony) {
	h.t.Helper()
	a := h.tell(path, in)
	a.want(h.t, "begin a ceremony", http.StatusOK, "")
	a.into(h.t, &c)
	c.options = []byte(a.body)
	return c
}

// made ends the creation of a passkey.
func (h *handset) made(path string, c ceremony, credential []byte) answer {
	h.t.Helper()
	return h.tell(path, map[string]any{"ceremony": c.Ceremony, "credential": json.RawMessage(credential)})
}

// join makes an account with a passkey, and returns its recovery codes.
func (h *handset) join(name string) (codes []string) {
	h.t.Helper()
	c := h.ceremony("/join/begin", map[string]string{"name": name})
	a := h.made("/join/finish", c, h.touch.Create(c.options))
	a.want(h.t, "join", http.StatusOK, "")
	var joined struct {
		Codes []string `json:"recovery_codes"`
	}
	a.into(h.t, &joined)
	return joined.Codes
}

// signIn proves the passkey for the account's pages.
func (h *handset) signIn() answer {
	h.t.Helper()
	c := h.ceremony("/signin/begin", struct{}{})
	return h.made("/signin/finish", c, h.touch.Get(c.options))
}

const cookieName = "qrauth_browser"

// cookie is all by which the server knows this browser.
func (h *handset) cookie() string {
	h.t.Helper()
	for _, c := range h.http.Jar.Cookies(parsed(h.t, h.issuer)) {
		if c.Name == cookieName {
			return c.Value
		}
	}
	h.t.Fatal("this browser has no cookie")
	return ""
}

// pose has a cookie for its own.
func (h *handset) pose(cookie string) {
	h.http.Jar.SetCookies(parsed(h.t, h.issuer), []*http.Cookie{{Name: cookieName, Value: cookie, Path: "/"}})
}

var numberInPage = regexp.MustCompile(`<p class="number"[^>]*><span>(\d)</span><span>(\d)</span></p>`)

// number is what the phone shows to be typed on the desktop.
func (h *handset) number(opening string) string {
	h.t.Helper()
	a := h.page(opening)
	m := numberInPage.FindStringSubmatch(a.body)
	if m == nil {
		h.t.Fatalf("the phone shows no number: %d\n%s", a.status, a.body)
	}
	return m[1] + m[2]
}
