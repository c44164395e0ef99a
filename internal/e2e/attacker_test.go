package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// record is a line of the audit log.
type record struct {
	Seq      int64
	Type     string
	Actor    string
	ClientID string `json:"client_id"`
	Risk     string
	Reasons  []string
	Note     string
	Personal struct {
		UserName   string `json:"user_name"`
		Address    string
		Desktop    string
		DeviceName string `json:"device_name"`
		Passkey    string
	}
}

// audit is the log so far.
func (s *server) audit(t *testing.T, args ...string) (list []record) {
	t.Helper()
	said := s.operate(t, append([]string{"audit", "list", "--json", "--limit", "0"}, args...)...)
	for lines := json.NewDecoder(strings.NewReader(said)); ; {
		var r record
		if err := lines.Decode(&r); err == io.EOF {
			return list
		} else if err != nil {
			t.Fatalf("audit list: %v\n%s", err, said)
		}
		list = append(list, r)
	}
}

// addClient makes a client with those settings, and returns its ID.
func (s *server) addClient(t *testing.T, id string, args ...string) string {
	t.Helper()
	s.operate(t, append([]string{"client", "add", id, "--name", "Acme Studio"}, args...)...)
	return id
}

// newVictim is newPhone for a browser that other people's pages are shown in: what
// they try and are not let is no fault of ours.
func newVictim(t *testing.T) *phone {
	t.Helper()
	ctx, stop := chromedp.NewContext(browser(t), chromedp.WithNewBrowserContext())
	t.Cleanup(stop)
	p := &phone{t: t, ctx: ctx}
	p.must(chromedp.Do(ctx, chromedp.Navigate("about:blank")))
	p.screen(390, 844)
	call(p, webauthn.Enable, webauthn.EnableParams{})
	p.newAuthenticator()
	return p
}

// opening is the handle of the sign-in that is open on the phone.
func (p *phone) opening() (handle string) {
	p.t.Helper()
	until(p.t, "the page holds a sign-in", func() bool {
		page, _ := eval[string](p, "document.documentElement.outerHTML")
		if m := openingInPage.FindStringSubmatch(page); m != nil {
			handle = m[1]
		}
		return handle != ""
	})
	return handle
}

// bare is a connection to the server, on which anything can be said.
func bare(t *testing.T, issuer string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.Replace(parsed(t, issuer).Host, "localhost", "127.0.0.1", 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

// ended waits until the server ends the connection, and returns what it said before.
func ended(t *testing.T, conn net.Conn, within time.Duration) string {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(within))
	var said bytes.Buffer
	_, err := io.Copy(&said, conn)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Errorf("after %s the connection is open still; the server said %q", within, said.String())
	}
	return said.String()
}

// shown waits for the number that the phone shows to be typed on the desktop.
func (p *phone) shown() (digits string) {
	p.t.Helper()
	p.see("Type this number on ")
	until(p.t, "the page shows two digits", func() bool {
		page, _ := eval[string](p, "document.documentElement.outerHTML")
		if m := numberInPage.FindStringSubmatch(page); m != nil {
			digits = m[1] + m[2]
		}
		return digits != ""
	})
	return digits
}

// from is the way to the server itself, from a loopback address of one's own.
func from(source string) *http.Transport {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	return &http.Transport{DialContext: dialer.DialContext}
}

// rawJSON is JSON that goes into other JSON as it is.
func rawJSON(text []byte) json.RawMessage { return text }
