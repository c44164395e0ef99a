package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"

	"github.com/qrauthd/qrauthd/internal/passkey/passkeytest"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// foreign are the headers that a browser puts on what another origin's page sends. An
// empty list leaves out what the browser does not have.
var foreign = []http.Header{
	{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}},
	{"Sec-Fetch-Site": {"same-site"}, "Origin": {"http://localhost:1"}},
	{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"null"}}, // a frame in a sandbox
	{"Sec-Fetch-Site": {"cross-site"}, "Origin": {}},
	{"Sec-Fetch-Site": {}, "Origin": {"https://evil.example"}}, // an older browser
	{"Sec-Fetch-Site": {}, "Origin": {"null"}},
}

// TestNoForeignPageDecides: the victim's browser is made to send what only our own
// pages should, with the victim's cookie.
func TestNoForeignPageDecides(t *testing.T) {
	t.Run("each request, as browsers would mark it", eachRequestForeign)
	t.Run("by pages of another site", func(t *testing.T) { foreignPages(t, "127.0.0.1", false) })
	// The same host on another port is the same site: the cookie goes along.
	t.Run("by pages of the same site", func(t *testing.T) { foreignPages(t, "localhost", true) })
}

// decisions are all the requests by which something is decided or done.
var decisions = []string{
	"/account/passkeys/*/remove", "/account/passkeys/begin", "/account/passkeys/finish", "/account/recovery-codes",
	"/account/sign-out", "/confirm/*/begin", "/confirm/*/deny", "/confirm/*/finish", "/confirm/*/return", "/confirm/*/scan",
	"/device", "/devices/*/confirm", "/devices/*/report", "/devices/*/sign-out", "/devices/sign-out-everywhere",
	"/join/begin", "/join/finish", "/join/invitation", "/signin/begin", "/signin/finish", "/signout-here",
}

// eachRequestForeign has a person do everything once. Each of their requests is sent
// before by an attacker, letter by letter, and only its headers tell the two apart.
func eachRequestForeign(t *testing.T) {
	s := serve(t)
	s.addClient(t, "new", "--reduced-scope", "openid", "--unconfirmed", "1h")
	seen := map[string]bool{}
	names := regexp.MustCompile(`^/(confirm|devices|account/passkeys)/[^/]{40,}/`)
	person := func() *handset {
		h := newHandset(t, s.issuer)
		h.forge = http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {s.issuer}}
		h.before = func(path, kind, body string) {
			t.Helper()
			var before, after any
			watched := openingInPage.FindStringSubmatch(path)
			if watched != nil {
				before = h.state(watched[1])
			}
			for _, marks := range foreign {
				a := h.do(http.MethodPost, path, kind, body, marks)
				a.want(t, fmt.Sprintf("marked %v", marks), http.StatusForbidden, "")
				if !a.says("That request was not accepted.") || a.header.Get("Set-Cookie") != "" {
					t.Errorf("%s, marked %v, is answered with %v %.300s", path, marks, a.header, a.body)
				}
			}
			// A browser that is so old as to mark nothing sends JSON nowhere without leave.
			for _, plain := range []string{"", "text/plain", kindForm, "multipart/form-data; boundary=x"} {
				if kind != kindJSON {
					break
				}
				h.do(http.MethodPost, path, plain, body, http.Header{"Sec-Fetch-Site": {}, "Origin": {}}).
					want(t, "JSON that says it is "+plain, http.StatusBadRequest, "malformed")
			}
			if watched != nil {
				after = h.state(watched[1])
			}
			if before != after {
				t.Errorf("%s: the sign-in was %+v and is %+v", path, before, after)
			}
			seen[names.ReplaceAllString(path, "/$1/*/")] = true
		}
		return h
	}
	ok := func(a answer, status int) answer {
		t.Helper()
		a.want(t, "the person's own", status, "")
		return a
	}
	happened := map[string]int{}
	genuine := func(events ...string) {
		for _, e := range events {
			happened[e]++
		}
	}

	ada := person()
	ada.join("Ada")
	genuine("account.created")
	signedIn := func(client string) wire.Token {
		t.Helper()
		desk := newComputer(t, s.issuer)
		desk.client = client
		ok(ada.approve(ada.scan(desk.begin().VerificationURIComplete)), http.StatusOK)
		genuine("sign_in.approved", "sign_in.completed")
		return desk.tokens()
	}
	session := func() string {
		t.Helper()
		m := regexp.MustCompile(`/devices/([^/"]+)/sign-out"`).FindStringSubmatch(ok(ada.get("/devices"), http.StatusOK).body)
		if m == nil {
			t.Fatal("no computer is in the list")
		}
		return m[1]
	}
	waiting := newComputer(t, s.issuer).begin()
	ok(ada.press(wire.PathDevice, url.Values{"user_code": {waiting.UserCode}}), http.StatusSeeOther)
	ok(ada.deny(ada.open(waiting.VerificationURIComplete)), http.StatusSeeOther)
	genuine("sign_in.denied")
	signedIn("new")
	ok(ada.press("/devices/"+session()+"/confirm", nil), http.StatusSeeOther)
	ok(ada.press("/devices/"+session()+"/sign-out", nil), http.StatusSeeOther)
	genuine("session.confirmed", "session.signed_out")
	signedIn(demoClient)
	ok(ada.press("/devices/"+session()+"/report", nil), http.StatusSeeOther)
	genuine("session.reported")
	signedIn(demoClient)
	ok(ada.press("/devices/sign-out-everywhere", nil), http.StatusSeeOther)
	genuine("session.signed_out")

	local := openingInPage.FindStringSubmatch(ok(ada.get(authorization("http://127.0.0.1/callback")), http.StatusSeeOther).header.Get("Location"))
	ok(ada.approve(local[1]), http.StatusOK)
	ok(ada.tell("/confirm/"+local[1]+"/return", struct{}{}), http.StatusOK)
	genuine("sign_in.approved")

	ok(ada.signIn(), http.StatusOK)
	ok(ada.tell("/account/recovery-codes", struct{}{}), http.StatusOK)
	another := passkeytest.NewPhone(t, parsed(t, s.issuer))
	c := ada.ceremony("/account/passkeys/begin", struct{}{})
	ok(ada.made("/account/passkeys/finish", c, another.Create(c.options)), http.StatusOK)
	m := regexp.MustCompile(`/account/passkeys/([^/"]+)/remove"`).FindStringSubmatch(ada.get("/account").body)
	ok(ada.press("/account/passkeys/"+m[1]+"/remove", nil), http.StatusSeeOther)
	genuine("account.signed_in", "account.recovery_codes_renewed", "account.passkey_added", "account.passkey_removed")

	_, invitation, _ := strings.Cut(invite(t, s, "--name", "Eve"), "#invite=")
	ok(person().tell("/join/invitation", map[string]string{"invitation": invitation}), http.StatusOK)
	ok(ada.press("/signout-here", nil), http.StatusSeeOther)
	ok(ada.press("/account/sign-out", nil), http.StatusSeeOther)
	genuine("operator.user_invited")

	if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, decisions) {
		t.Errorf("tried\n%q, want\n%q", got, decisions)
	}
	audited := map[string]int{}
	for _, r := range s.audit(t) {
		audited[r.Type]++
	}
	audited["operator.client_added"] = 0
	maps.DeleteFunc(audited, func(_ string, n int) bool { return n == 0 })
	if !maps.Equal(audited, happened) {
		t.Errorf("the audit log tells of\n%v, want\n%v", audited, happened)
	}
}

// authorization is a request to sign in in this very browser.
func authorization(back string) string {
	return wire.PathAuthorize + "?" + url.Values{
		"client_id": {demoClient}, "response_type": {"code"}, "redirect_uri": {back},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}.Encode()
}

// forgery is the attacker's page. It sends each of the requests in every way in which a
// page can send one elsewhere.
const forgery = `<!doctype html><title>Kittens</title><body><script>
const body = {user_code: "BCDF-GHJK", for: "", name: "Mallory"};
const json = JSON.stringify(body), form = new URLSearchParams(body);
TARGETS.forEach(to => {
	const send = (mode, kind, body) =>
		fetch(to, {method: "POST", mode, credentials: "include", headers: kind ? {"Content-Type": kind} : {}, body}).catch(() => {});
	send("no-cors", "", new Blob([json]));
	send("no-cors", "text/plain", json);
	send("no-cors", "application/x-www-form-urlencoded", form);
	send("cors", "text/plain", json);
	send("cors", "application/json", json);
	for (const kind of ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"]) {
		const frame = Object.assign(document.createElement("iframe"), {name: "sink" + document.forms.length});
		document.body.append(frame);
		const f = document.body.appendChild(document.createElement("form"));
		Object.assign(f, {method: "post", action: to, target: frame.name, enctype: kind});
		Object.assign(f.appendChild(document.createElement("input")), {name: "user_code", value: "BCDF-GHJK"});
		f.submit();
	}
});
</script>`

// waysToForge are those of them that a browser lets another origin's page use without
// asking the server for leave first.
const waysToForge = 7

// foreignPages has the victim look at the attacker's page while a sign-in is open.
func foreignPages(t *testing.T, host string, cookies bool) {
	s, f := serveBehind(t)
	victim := newVictim(t)
	victim.signUp(s, "Ada")
	own, desk := newComputer(t, s.issuer).begin(), newComputer(t, s.issuer).begin()
	victim.open(own.VerificationURIComplete)
	victim.press("Approve")
	victim.see("Approved. Look at your computer.")
	tok := own.tokens()
	victim.see("You're signed in on ALICE-PC")
	victim.open(desk.VerificationURIComplete)
	opening := victim.opening() // which the attacker could not know

	var targets []string
	for _, path := range decisions {
		path = strings.Replace(path, "/confirm/*", "/confirm/"+opening, 1)
		targets = append(targets, s.issuer+strings.Replace(path, "*", notACode, 1))
	}
	list, err := json.Marshal(targets)
	victim.must(err)
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, strings.Replace(forgery, "TARGETS", string(list), 1))
	}))
	defer evil.Close()
	origin := strings.Replace(evil.URL, "127.0.0.1", host, 1)
	victim.open(origin)
	var posts, asked []passage
	until(t, "all has been sent", func() bool {
		posts = f.passages(func(p passage) bool { return p.method == http.MethodPost && p.origin == origin })
		asked = f.passages(func(p passage) bool { return p.method == http.MethodOptions && p.origin == origin })
		return len(posts) >= waysToForge*len(targets) && len(asked) >= len(targets)
	})
	for _, p := range posts {
		if p.status != http.StatusForbidden || p.cookie != cookies || strings.Contains(p.kind, "json") {
			t.Errorf("%+v: want it refused, with a cookie: %t", p, cookies)
		}
	}
	for _, p := range asked {
		if p.status != http.StatusMethodNotAllowed {
			t.Errorf("a question for leave is answered: %+v", p)
		}
	}

	// Nothing is changed: the sign-in waits, the person and their computer are in.
	own.do(http.MethodGet, wire.PathUserInfo, "", "", http.Header{"Authorization": {"Bearer " + tok.AccessToken}}).
		want(t, "the computer", http.StatusOK, "")
	victim.open(s.issuer + "/devices")
	victim.see("ALICE-PC")
	victim.open(s.issuer + "/account")
	victim.see("10 codes left")
	victim.open(s.issuer + "/confirm/" + opening)
	victim.see("You approve as Ada.")
	victim.press("Approve")
	victim.see("Approved. Look at your computer.")
	desk.tokens()
}

// TestNoPageCanBeFramed: the attacker lays a page of their own over ours, so that the
// victim does not know what they tap.
func TestNoPageCanBeFramed(t *testing.T) {
	s, f := serveBehind(t)
	ada := newHandset(t, s.issuer)
	ada.join("Ada")
	desk, other := newComputer(t, s.issuer).begin(), newComputer(t, s.issuer).begin()
	link := strings.TrimPrefix(desk.VerificationURIComplete, s.issuer)
	opening := ada.open(desk.VerificationURIComplete)
	denied := ada.open(other.VerificationURIComplete)
	ada.deny(denied)
	html := 0
	for _, path := range []string{
		"/", "/device", link, "/device?user_code=" + desk.UserCode, "/device?user_code=zz", "/device?user_code=BBBB-BBBB",
		"/confirm/" + opening, "/confirm/" + denied, "/confirm/nothing", "/confirm/" + opening + "/status", "/confirm/" + opening + "/deny",
		"/join", "/join?for=" + opening, "/recover", "/recovery-codes", "/signin", "/signin?next=devices", "/account", "/devices",
		"/nothing", "/assets/nothing.js", "/authorize", authorization("https://evil.example/"), authorization("http://127.0.0.1/callback"),
	} {
		a := ada.get(path)
		if strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			html++
		}
		policy := a.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "frame-ancestors 'none'") || a.header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: %d has the policy %q and X-Frame-Options %q", path, a.status, policy, a.header.Get("X-Frame-Options"))
		}
	}
	if html < 18 {
		t.Errorf("%d of these are pages, want 18 at least", html)
	}

	harmless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "Kittens, in a frame")
	}))
	defer harmless.Close()
	// All are of one site, so that the frames are in one process, where they can be seen.
	kittens := strings.Replace(harmless.URL, "127.0.0.1", "localhost", 1) + "/"
	framed := map[string]bool{kittens: true} // whether it may be
	for _, path := range []string{"/device", link, "/confirm/" + opening, "/signin", "/join", "/nothing", authorization("https://evil.example/")} {
		framed[s.issuer+path] = false
	}
	var frames strings.Builder
	for address := range framed {
		fmt.Fprintf(&frames, "<iframe width=300 height=300 src=%q></iframe>", address)
	}
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><title>loading</title><body onload="document.title='All framed'">%s`, frames.String())
	}))
	defer evil.Close()
	victim := newVictim(t)
	victim.open(strings.Replace(evil.URL, "127.0.0.1", "localhost", 1))
	victim.see("All framed")
	tree := call(victim, page.GetFrameTree, cdp.Empty{}).FrameTree
	shown := map[string]bool{}
	for _, child := range tree.ChildFrames {
		address := child.Frame.URL
		if child.Frame.UnreachableURL != "" {
			address = child.Frame.UnreachableURL
		}
		shown[address] = child.Frame.UnreachableURL == ""
	}
	if !maps.Equal(shown, framed) {
		t.Errorf("framed are\n%v, want\n%v", shown, framed)
	}
	loaded := func(p passage) bool { return strings.HasPrefix(p.path, "/assets/") && p.kind == "" && p.site != "" }
	if list := f.passages(loaded); len(list) > 0 {
		t.Errorf("a page in a frame has loaded %+v", list)
	}
	victim.open(desk.VerificationURIComplete)
	victim.offers("Deny")
	if list := f.passages(loaded); len(list) == 0 {
		t.Error("a page that is in no frame has loaded nothing")
	}
}

// TestBackAfterDenyCannotApprove: the victim has said no, and is made to go back.
func TestBackAfterDenyCannotApprove(t *testing.T) {
	s := serve(t)
	p := newPhone(t)
	p.signUp(s, "Ada")
	desk := newComputer(t, s.issuer).begin()
	p.open(desk.VerificationURIComplete)
	p.offers("Approve")
	opening := p.opening()
	p.press("Deny")
	p.see("Nobody was signed in")
	for range 2 {
		p.must(back(p))
		until(t, "the page before is there", func() bool {
			address, ok := eval[string](p, "location.href")
			return ok && !strings.HasSuffix(address, "/deny")
		})
		p.offersNone("Approve")
	}
	p.open(s.issuer + "/confirm/" + opening)
	p.see("Denied.")
	p.offersNone("Approve")
	p.open(desk.VerificationURIComplete)
	p.offersNone("Approve")
	desk.poll().want(t, "a poll", http.StatusBadRequest, wire.CodeAccessDenied)

	// A page out of a cache could still press its button, and even have the answer.
	ada := newHandset(t, s.issuer)
	ada.join("Ada")
	other := newComputer(t, s.issuer).begin()
	opening = ada.scan(other.VerificationURIComplete)
	assertion := ada.touch.Get(ada.challenged(opening))
	ada.deny(opening).want(t, "deny", http.StatusSeeOther, "")
	ada.finish(opening, assertion).want(t, "a good answer after Deny", http.StatusConflict, "over")
	ada.begin(opening).want(t, "Approve after Deny", http.StatusConflict, "over")
	other.poll().want(t, "a poll", http.StatusBadRequest, wire.CodeAccessDenied)
}
