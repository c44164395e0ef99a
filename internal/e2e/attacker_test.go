package e2e

import (
	"bytes"
	"encoding/json"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/passkey/passkeytest"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// answer is what the server said to a request, as it came.
type answer struct {
	method, path string // of the request
	status       int
	header       http.Header
	body         string
}

// fault is the error in a JSON answer; "" when there is none.
func (a answer) fault() string {
	var e struct{ Error string }
	_ = json.Unmarshal([]byte(a.body), &e)
	return e.Error
}

// into decodes a JSON answer.
func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("%s %s: %d %q: %v", a.method, a.path, a.status, a.body, err)
	}
}

// want fails the test unless the answer has the status and, where one is named, the error.
func (a answer) want(t *testing.T, what string, status int, fault string) {
	t.Helper()
	if a.status != status || fault != "" && a.fault() != fault {
		t.Errorf("%s: %s %s got %d %.300s, want %d %s", what, a.method, a.path, a.status, a.body, status, fault)
	}
}

// says reports whether a person reads the text on the page.
func (a answer) says(text string) bool {
	plain := strings.NewReplacer("\u2019", "'", "\u2068", "", "\u2069", "").Replace(html.UnescapeString(a.body))
	return strings.Contains(plain, text)
}

// caller speaks HTTP to the server by hand.
type caller struct {
	t      *testing.T
	issuer string
	http   *http.Client
	forge  http.Header // goes with every request
}

// newCaller takes the way to the server that there is, or the one that is given.
// It follows no redirects.
func newCaller(t *testing.T, issuer string, way ...http.RoundTripper) caller {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{
		Jar: jar, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if len(way) > 0 {
		client.Transport = way[0]
	} else {
		own := http.DefaultTransport.(*http.Transport).Clone()
		t.Cleanup(own.CloseIdleConnections)
		client.Transport = own
	}
	return caller{t: t, issuer: issuer, http: client, forge: http.Header{}}
}

// try sends a request to an address, or to a path below the issuer. The header's
// values take the place of those of the same name.
func (c caller) try(method, address, kind string, body io.Reader, header http.Header) (answer, error) {
	if !strings.HasPrefix(address, "http") {
		address = c.issuer + address
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, address, body)
	if err != nil {
		return answer{}, err
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for _, h := range []http.Header{c.forge, header} {
		for name, values := range h {
			r.Header[name] = values
		}
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{method, r.URL.Path, resp.StatusCode, resp.Header, string(text)}, err
}

func (c caller) do(method, address, kind, body string, header http.Header) answer {
	c.t.Helper()
	a, err := c.try(method, address, kind, strings.NewReader(body), header)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

func (c caller) get(address string) answer {
	c.t.Helper()
	return c.do(http.MethodGet, address, "", "", nil)
}

const (
	kindForm = "application/x-www-form-urlencoded"
	kindJSON = "application/json"
)

func (c caller) form(path string, values url.Values) answer {
	c.t.Helper()
	return c.do(http.MethodPost, path, kindForm, values.Encode(), nil)
}

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

// computer is a desktop by hand: whoever has it may be an attacker.
type computer struct {
	caller
	client string
	key    dpop.Key // the zero Key: its tokens are bound to none
	wire.DeviceAuthorization
}

func newComputer(t *testing.T, issuer string, way ...http.RoundTripper) *computer {
	t.Helper()
	return &computer{caller: newCaller(t, issuer, way...), client: demoClient}
}

// keyed gives the computer a key of its own.
func (c *computer) keyed() *computer {
	c.t.Helper()
	key, err := dpop.NewKey()
	if err != nil {
		c.t.Fatal(err)
	}
	c.key = key
	return c
}

// send posts a form for the computer's client, with a proof of its key if it has one.
func (c *computer) send(path string, values url.Values) answer {
	c.t.Helper()
	form := url.Values{"client_id": {c.client}}
	for name, list := range values {
		form[name] = list
	}
	a := c.prove(path, form, "")
	if a.fault() == wire.CodeUseDPoPNonce {
		a = c.prove(path, form, a.header.Get(wire.HeaderDPoPNonce))
	}
	return a
}

func (c *computer) prove(path string, form url.Values, nonce string) answer {
	c.t.Helper()
	header := http.Header{}
	if !c.key.IsZero() {
		proof, err := c.key.Prove(time.Now(), dpop.Request{Method: http.MethodPost, URL: c.issuer + path, Nonce: nonce})
		if err != nil {
			c.t.Fatal(err)
		}
		header.Set(wire.HeaderDPoP, proof)
	}
	return c.do(http.MethodPost, path, kindForm, form.Encode(), header)
}

// begin asks for a sign-in, with what else the computer has to say.
func (c *computer) begin(also ...url.Values) *computer {
	c.t.Helper()
	a := c.ask(also...)
	a.want(c.t, "device authorization", http.StatusOK, "")
	a.into(c.t, &c.DeviceAuthorization)
	return c
}

// ask asks for a code, and returns whatever comes of it.
func (c *computer) ask(also ...url.Values) answer {
	c.t.Helper()
	form := url.Values{"device_name": {"ALICE-PC"}, "device_platform": {"Windows 11"}, "app_version": {"1.4.2"}}
	for _, values := range also {
		for name, list := range values {
			form[name] = list
		}
	}
	return c.send(wire.PathDeviceAuthorization, form)
}

// poll asks for the tokens.
func (c *computer) poll() answer {
	c.t.Helper()
	return c.send(wire.PathToken, url.Values{"grant_type": {wire.GrantTypeDeviceCode}, "device_code": {c.DeviceCode}})
}

// tokens polls, and wants the tokens.
func (c *computer) tokens() (tok wire.Token) {
	c.t.Helper()
	a := c.poll()
	a.want(c.t, "redeem", http.StatusOK, "")
	a.into(c.t, &tok)
	return tok
}

// bring brings the number that somebody has typed.
func (c *computer) bring(number string) answer {
	c.t.Helper()
	return c.send(wire.PathConfirmation, url.Values{"device_code": {c.DeviceCode}, "number": {number}})
}

// socket opens the push channel and says nothing.
func (c *computer) socket() (*websocket.Conn, error) {
	dialer := websocket.Dialer{HandshakeTimeout: patience}
	if way, ok := c.http.Transport.(*http.Transport); ok {
		dialer.NetDialContext = way.DialContext
	}
	conn, resp, err := dialer.DialContext(c.t.Context(), "ws"+strings.TrimPrefix(c.issuer, "http")+wire.PathPush, c.forge)
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	return conn, nil
}

// pushed is the push channel of the computer's sign-in, as it was cut from the wire.
type pushed struct {
	*websocket.Conn
	t *testing.T
}

// attach opens the push channel of the sign-in.
func (c *computer) attach() *pushed {
	c.t.Helper()
	return c.hello(wire.ClientFrame{Type: wire.FrameHello, ClientID: c.client, DeviceCode: c.DeviceCode})
}

func (c *computer) hello(hello wire.ClientFrame) *pushed {
	c.t.Helper()
	conn, err := c.socket()
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	if err := conn.WriteJSON(hello); err != nil {
		c.t.Fatal(err)
	}
	return &pushed{conn, c.t}
}

// frame is the next one, and its text.
func (p *pushed) frame(within time.Duration) (snap wire.Snapshot, text string) {
	p.t.Helper()
	_ = p.SetReadDeadline(time.Now().Add(within))
	_, data, err := p.ReadMessage()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := json.Unmarshal(data, &snap); err != nil {
		p.t.Fatalf("frame %s: %v", data, err)
	}
	return snap, string(data)
}

// until reads frames until one has the state, and returns the text of all of them.
func (p *pushed) until(state wire.State) (last wire.Snapshot, all string) {
	p.t.Helper()
	for {
		snap, text := p.frame(patience)
		all += text
		if snap.State == state {
			return snap, all
		}
		if snap.State.Terminal() {
			p.t.Fatalf("ended as %s before it was %s", snap.State, state)
		}
	}
}

// closing reads on until the server closes the socket, and returns the code; 0 when
// the connection just ended.
func closing(conn *websocket.Conn) int {
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	for {
		_, _, err := conn.ReadMessage()
		if e, ok := err.(*websocket.CloseError); ok {
			return e.Code
		}
		if err != nil {
			return 0
		}
	}
}

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
