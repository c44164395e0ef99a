package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

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
