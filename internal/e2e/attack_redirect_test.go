package e2e

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// elsewhere are the attacker's addresses, in the ways in which they slip through.
var elsewhere = []string{
	"https://evil.example", "https://evil.example/device", "//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`,
	"https:evil.example", "/%2f/evil.example", "%2f%2fevil.example", "/%5cevil.example", "/\t/evil.example", "/\n/evil.example",
	"javascript:alert(1)", "data:text/html,evil.example", "devices@evil.example", "devices//evil.example", ".evil.example", "@evil.example",
	"https://localhost@evil.example", "https://localhost.evil.example", "devices\r\nLocation: https://evil.example",
}

// leadsAway reports whether a browser on a page of the issuer would leave its origin
// for that address. As browsers do, it takes backslashes for slashes, and no notice of
// tabs, line breaks and spaces around it.
func leadsAway(issuer, address string) bool {
	address = strings.Trim(strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(address), " ")
	base, err := url.Parse(issuer + "/page")
	if err != nil {
		return true
	}
	scheme, rest, found := strings.Cut(address, ":")
	if found && !strings.ContainsAny(scheme, `/\?#`) {
		if !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
			return true
		}
		address = scheme + "://" + strings.TrimLeft(rest, `/\`)
	}
	path, query, _ := strings.Cut(address, "?")
	u, err := base.Parse(strings.ReplaceAll(path, `\`, "/") + "?" + query)
	return err != nil || u.Scheme != base.Scheme || u.Host != base.Host
}

var (
	ledTo   = regexp.MustCompile(`(?i)\s(?:href|src|action|formaction|poster|srcset|data-(?:here|scan|watch|begin|finish|entry|return|codes-path|invitation))="([^"]*)"`)
	refresh = regexp.MustCompile(`(?i)<meta[^>]*http-equiv="?refresh`)
)

// TestNothingLeadsElsewhere: a link that begins with our name, and ends at the attacker's.
func TestNothingLeadsElsewhere(t *testing.T) {
	for _, evil := range []string{"https://evil.example", "//evil.example", `/\evil.example`, `\\evil.example`, "/\t/evil.example", "https:evil.example", "javascript:alert(1)"} {
		if !leadsAway("http://localhost:1", evil) {
			t.Fatalf("%q does not count as elsewhere", evil)
		}
	}
	for _, ours := range []string{"/device?user_code=https://evil.example", "http://localhost:1/device", "?done=//evil.example", "http:/localhost:1/device"} {
		if leadsAway("http://localhost:1", ours) {
			t.Fatalf("%q counts as elsewhere", ours)
		}
	}
	s := serve(t)
	ada := newHandset(t, s.issuer)
	ada.join("Ada")
	desk := newComputer(t, s.issuer).begin()
	opening := ada.open(desk.VerificationURIComplete)
	led, linked := 0, 0
	stays := func(what string, a answer) {
		t.Helper()
		for _, to := range a.header["Location"] {
			led++
			if leadsAway(s.issuer, to) {
				t.Errorf("%s leads to %q", what, to)
			}
		}
		for _, name := range []string{"Refresh", "Link", "Content-Location"} {
			if to := a.header.Get(name); to != "" {
				t.Errorf("%s has the header %s: %s", what, name, to)
			}
		}
		for _, m := range ledTo.FindAllStringSubmatch(a.body, -1) {
			linked++
			if to := html.UnescapeString(m[1]); leadsAway(s.issuer, to) {
				t.Errorf("%s has a page with %q", what, to)
			}
		}
		if refresh.MatchString(a.body) {
			t.Errorf("%s has a page that refreshes itself", what)
		}
		if a.status >= http.StatusInternalServerError {
			t.Errorf("%s: %d", what, a.status)
		}
	}

	for _, evil := range elsewhere {
		q := url.QueryEscape(evil)
		for _, address := range []string{
			"/?next=" + q, "/signin?next=" + q, "/signin?again=" + q, "/devices?done=" + q + "&next=" + q, "/account?next=" + q, "/join?for=" + q,
			"/recover?for=" + q, "/recovery-codes?for=" + q, "/device?user_code=" + q, "/device?next=" + q + "&redirect_uri=" + q,
			"/confirm/" + url.PathEscape(evil), "/confirm/" + opening + "?redirect_uri=" + q, "/confirm/" + opening + "?return=" + q,
			"/assets/" + url.PathEscape(evil), "/join#invite=" + q,
		} {
			stays("GET "+address, ada.get(address))
			stays("GET "+address+" by a stranger", newCaller(t, s.issuer).get(address))
		}
		stays("a typed "+evil, ada.press(wire.PathDevice, url.Values{"user_code": {evil}, "next": {evil}}))
		stays("a typed code and "+evil, ada.press(wire.PathDevice+"?next="+q, url.Values{"user_code": {desk.UserCode}, "next": {evil}}))
		c := ada.ceremony("/signin/begin", struct{}{})
		a := ada.tell("/signin/finish", map[string]any{
			"ceremony": c.Ceremony, "next": evil, "for": evil, "location": evil, "credential": rawJSON(ada.touch.Get(c.options)),
		})
		if a.want(t, "sign in", http.StatusOK, ""); !strings.HasPrefix(a.body, `{"location":"/account"}`) {
			t.Errorf("a sign-in with next %q leads to %s", evil, a.body)
		}
		stays("a back that is "+evil, ada.press("/devices/sign-out-everywhere?next="+q, url.Values{"next": {evil}}))
		newcomer := newHandset(t, s.issuer)
		begun := newcomer.ceremony("/join/begin", map[string]string{"name": "Eve", "for": evil})
		a = newcomer.tell("/join/finish", map[string]any{
			"ceremony": begun.Ceremony, "for": evil, "credential": rawJSON(newcomer.touch.Create(begun.options)),
		})
		if a.want(t, "join", http.StatusOK, ""); !strings.HasPrefix(a.body, `{"location":"/recovery-codes"`) {
			t.Errorf("a join for %q leads to %s", evil, a.body)
		}
		stays("a sign-out for "+evil, newcomer.press("/signout-here", url.Values{"for": {evil}}))
	}

	t.Run("by a target that no library would send", func(t *testing.T) {
		for _, target := range []string{
			"//evil.example", "//evil.example/device", "//evil.example/..", "///evil.example", `/\evil.example`, `/\/evil.example/device`, "/%2f%2fevil.example",
			"/%5cevil.example", "/%5c%5cevil.example/%2e%2e", "/.//evil.example", "/device/..//evil.example", "/device//evil.example", "/./device", "/device/",
			"/devices/", "/confirm//evil.example", "/confirm/https:%2f%2fevil.example/", "/assets/..//evil.example", "/assets/%2e%2e/%2fevil.example",
			"/authorize/..//evil.example", "http://evil.example/", "http://evil.example/device", "http://evil.example//device", "/;@evil.example", "/@evil.example",
		} {
			for _, header := range []string{
				"Host: " + parsed(t, s.issuer).Host, "Host: evil.example",
				"Host: " + parsed(t, s.issuer).Host + "\r\nX-Forwarded-Host: evil.example\r\nX-Original-URL: //evil.example\r\nForwarded: host=evil.example",
			} {
				a := verbatim(t, s.issuer, target, header)
				stays(fmt.Sprintf("%s with %q", target, header), a)
			}
		}
		root := verbatim(t, s.issuer, "/", "Host: evil.example")
		if root.status != http.StatusSeeOther || root.header.Get("Location") != wire.PathDevice {
			t.Errorf("the root leads to %d %q", root.status, root.header.Get("Location"))
		}
	})
	t.Run("by the address of an authorization response", func(t *testing.T) {
		for _, evil := range append([]string{
			"http://127.0.0.1@evil.example/callback", "http://127.0.0.1:80@evil.example/callback", "http://127.0.0.1:@evil.example/callback",
			"http://127.0.0.1.evil.example/callback", "http://evil.example/callback", "http://127.0.0.1%2eevil.example/callback",
			`http://127.0.0.1\@evil.example/callback`, `http://evil.example\127.0.0.1/callback`, "http://127.0.0.1#@evil.example/callback",
			"http://127.0.0.1:4711/callback@evil.example", "http://127.0.0.1:4711/callback/../other", "http://127.0.0.1:4711/callback?next=evil",
			"http://127.0.0.1:4711//callback", "http://127.0.0.1:99999/callback", "http://127.0.0.1:4711:80/callback", "http://127.1/callback",
			"http://[::1]evil.example/callback", "https://127.0.0.1/callback", "HTTP://127.0.0.1/callback", " http://127.0.0.1/callback",
			"http://user@127.0.0.1/callback", "http://127.0.0.1/callback#fragment", "urn:ietf:wg:oauth:2.0:oob", "",
		}, elsewhere...) {
			for _, kind := range []string{"code", "token", ""} { // an error must not be sent there either
				address := strings.Replace(authorization(evil), "response_type=code", "response_type="+kind, 1)
				a := ada.get(address)
				a.want(t, "redirect_uri "+evil, http.StatusBadRequest, "")
				stays("redirect_uri "+evil, a)
				if a.header.Get("Location") != "" {
					t.Errorf("redirect_uri %q leads to %s", evil, a.header.Get("Location"))
				}
			}
			a := ada.press(wire.PathAuthorize, parsed(t, authorization(evil)).Query())
			stays("a posted redirect_uri "+evil, a)
			ada.get(a.header.Get("Location")).want(t, "a posted redirect_uri "+evil, http.StatusBadRequest, "")
		}
		twice := authorization("http://127.0.0.1/callback") + "&redirect_uri=https://evil.example/"
		ada.get(twice).want(t, "two of them", http.StatusBadRequest, "")

		// The one that is registered is where an answer goes, and a code only after a yes.
		a := ada.get(authorization("http://127.0.0.1:4711/callback"))
		if a.want(t, "the registered one", http.StatusSeeOther, ""); !strings.HasPrefix(a.header.Get("Location"), "/confirm/") {
			t.Errorf("the registered one leads to %s", a.header.Get("Location"))
		}
		split := ada.get(authorization("http://127.0.0.1:4711/callback") + "&prompt=none&state=x%0d%0aSet-Cookie:%20evil=1%0d%0aLocation:%20https://evil.example")
		to := split.header.Get("Location")
		if split.status != http.StatusSeeOther || len(split.header["Location"]) != 1 || !strings.HasPrefix(to, "http://127.0.0.1:4711/callback?") ||
			split.header.Get("Set-Cookie") != "" || strings.Contains(to, "\n") {
			t.Errorf("a state with line breaks is answered with %d %v", split.status, split.header)
		}
	})
	if led < 100 || linked < 1000 {
		t.Errorf("only %d redirects and %d links were looked at", led, linked)
	}
}

// verbatim sends a request target as it is, with that header and no other.
func verbatim(t *testing.T, issuer, target, header string) answer {
	t.Helper()
	conn := bare(t, issuer)
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\n%s\r\nConnection: close\r\n\r\n", target, header); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{http.MethodGet, target, resp.StatusCode, resp.Header, string(body)}
}
