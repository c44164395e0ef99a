package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/passkey/passkeytest"
)

// BenchmarkSignOutToDesktop is the time from "Sign out" in the list on the phone to the
// end of Session.Watch on the desktop: the built server, HTTP and a socket on loopback, and a
// commit to the disk. The slowest of all is told too.
func BenchmarkSignOutToDesktop(b *testing.B) {
	issuer := serveBench(b)
	p := newThumb(b, issuer)
	p.join()
	attached := make(chan struct{}, 1)
	client, err := desktop.New(desktop.Config{Issuer: issuer, ClientID: demoClient, HTTPClient: overhear(b, attached)})
	if err != nil {
		b.Fatal(err)
	}
	var slowest time.Duration
	for b.Loop() {
		b.StopTimer()
		session := p.signIn(client)
		select { // what the last one's socket has said twice
		case <-attached:
		default:
		}
		watched := make(chan error, 1)
		go func() { watched <- session.Watch(b.Context()) }()
		<-attached
		path := p.find("/devices", `"(/devices/[^"/]+/sign-out)"`)
		b.StartTimer()
		tapped := time.Now()
		p.post(path, kindForm, nil)
		if err := <-watched; !errors.Is(err, desktop.ErrSignedOut) {
			b.Fatalf("the watch ended with %v, want ErrSignedOut", err)
		}
		slowest = max(slowest, time.Since(tapped))
	}
	b.ReportMetric(float64(slowest.Microseconds())/1000, "slowest-ms")
}

// serveBench starts a demo server without budgets, and returns its issuer.
func serveBench(b *testing.B) string {
	b.Helper()
	s := exec.Command(binary("qrauthd"), "serve", "--demo", "--listen", "127.0.0.1:0", "--data", b.TempDir(), "--limits", "off")
	out, err := s.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = s.Process.Signal(syscall.SIGTERM)
		_ = s.Wait()
	})
	ready, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(strings.TrimPrefix(ready, "ready "))
}

// overhear is an HTTP client that tells when the server's first word to a session's
// socket has come.
func overhear(b *testing.B, attached chan<- struct{}) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	b.Cleanup(transport.CloseIdleConnections)
	var dialer net.Dialer
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		return overheard{conn, attached}, err
	}
	return &http.Client{Transport: transport}
}

type overheard struct {
	net.Conn
	attached chan<- struct{}
}

func (c overheard) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if bytes.Contains(p[:n], []byte(`"signed_in"`)) {
		select {
		case c.attached <- struct{}{}:
		default: // it is known
		}
	}
	return n, err
}

// thumb is a phone with a passkey, as far as a benchmark needs one.
type thumb struct {
	b      *testing.B
	issuer string
	http   *http.Client
	touch  *passkeytest.Phone
}

func newThumb(b *testing.B, issuer string) *thumb {
	b.Helper()
	at, err := url.Parse(issuer)
	if err != nil {
		b.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &thumb{b, issuer, &http.Client{Jar: jar, CheckRedirect: stay}, passkeytest.NewPhone(b, at)}
}

func (p *thumb) body(r *http.Response, err error) []byte {
	p.b.Helper()
	if err != nil {
		p.b.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode >= http.StatusBadRequest {
		p.b.Fatalf("%s: %s %v\n%s", r.Request.URL.Path, r.Status, err, body)
	}
	return body
}

func (p *thumb) post(path, kind string, body []byte) []byte {
	p.b.Helper()
	return p.body(p.http.Post(p.issuer+path, kind, bytes.NewReader(body)))
}

// find is what the pattern's group has on a page.
func (p *thumb) find(path, pattern string) string {
	p.b.Helper()
	page := p.body(p.http.Get(p.issuer + path))
	m := regexp.MustCompile(pattern).FindSubmatch(page)
	if m == nil {
		p.b.Fatalf("no %s on %s:\n%s", pattern, path, page)
	}
	return string(m[1])
}

// join makes an account with a passkey.
func (p *thumb) join() {
	p.b.Helper()
	options := p.post("/join/begin", kindJSON, []byte(`{"name":"Ada"}`))
	var c ceremony
	if err := json.Unmarshal(options, &c); err != nil {
		p.b.Fatal(err)
	}
	made, err := json.Marshal(map[string]any{"ceremony": c.Ceremony, "credential": json.RawMessage(p.touch.Create(options))})
	if err != nil {
		p.b.Fatal(err)
	}
	p.post("/join/finish", kindJSON, made)
}

// signIn signs a desktop in.
func (p *thumb) signIn(client *desktop.Client) *desktop.Session {
	p.b.Helper()
	login, err := client.Start(p.b.Context())
	if err != nil {
		p.b.Fatal(err)
	}
	confirm := "/confirm/" + p.find(strings.TrimPrefix(login.Current().Link(), p.issuer), openingInPage.String())
	p.post(confirm+"/scan", kindJSON, []byte("{}"))
	options := p.post(confirm+"/begin", kindJSON, []byte("{}"))
	p.post(confirm+"/finish", kindJSON, p.touch.Get(options))
	session, err := login.Wait(p.b.Context())
	if err != nil {
		p.b.Fatal(err)
	}
	return session
}
