package desktop_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	fakeClient     = "desktop-test"
	fakeDeviceCode = "the-device-code"
	fakeToken      = "the-access-token"
)

// fake is a server with one grant. It keeps to the wire and decides like the
// real one; hooks make it misbehave.
type fake struct {
	issuer   string
	interval int // seconds
	lifetime int // seconds
	noPush   bool
	ping     time.Duration        // how often the push channel pings; zero: never
	deaf     bool                 // to the frames of the desktop
	metadata func(*wire.Metadata) // changes the document

	// hooks answer a request in the server's place when they return true. n
	// counts the requests of that kind from 1.
	onStart  func(w http.ResponseWriter, r *http.Request) bool
	onToken  func(n int, w http.ResponseWriter, r *http.Request) bool
	onPush   func(n int, w http.ResponseWriter, r *http.Request) bool
	onRevoke func(n int, w http.ResponseWriter, r *http.Request) bool
	onWho    func(w http.ResponseWriter, r *http.Request) bool
	onOther  http.HandlerFunc // what is no path of ours

	mu       sync.Mutex // guards what follows
	state    wire.State
	seq      int64
	code     string
	sockets  map[*fakeSocket]bool
	polls    []time.Time
	dials    []time.Time
	starts   []url.Values
	revoked  []url.Values
	cancels  int // by frame
	hellos   []wire.ClientFrame
	codeLeft int
}

// fakeSocket is one open push channel.
type fakeSocket struct {
	conn *websocket.Conn
	news chan struct{}  // a slot of one
	bye  chan closeWith // ends it
}

type closeWith struct {
	code   int // zero: hang up without a word
	reason string
}

func newFake() *fake {
	return &fake{
		interval: 5, lifetime: 300, codeLeft: 45,
		state: wire.StatePending, seq: 1, code: "WDJB-MJHT",
		sockets: map[*fakeSocket]bool{},
	}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/tenant")
	switch {
	case strings.HasPrefix(r.URL.Path, wire.WellKnownMetadata):
		f.serveMetadata(w, r)
	case path == wire.PathDeviceAuthorization:
		f.serveStart(w, r)
	case path == wire.PathToken:
		f.serveToken(w, r)
	case path == wire.PathPush:
		f.servePush(w, r)
	case path == wire.PathRevoke:
		f.serveRevoke(w, r)
	case path == wire.PathUserInfo:
		f.serveUserInfo(w, r)
	case f.onOther != nil:
		f.onOther(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (f *fake) serveMetadata(w http.ResponseWriter, r *http.Request) {
	u, _ := url.Parse(f.issuer)
	if r.URL.Path != wire.WellKnownMetadata+u.Path {
		http.NotFound(w, r)
		return
	}
	m := wire.Metadata{
		Issuer:                      f.issuer,
		TokenEndpoint:               f.issuer + wire.PathToken,
		DeviceAuthorizationEndpoint: f.issuer + wire.PathDeviceAuthorization,
		DevicePushEndpoint:          f.pushURI(),
		RevocationEndpoint:          f.issuer + wire.PathRevoke,
		UserInfoEndpoint:            f.issuer + wire.PathUserInfo,
	}
	if f.metadata != nil {
		f.metadata(&m)
	}
	answer(w, http.StatusOK, m)
}

func (f *fake) pushURI() string {
	if f.noPush {
		return ""
	}
	return "ws" + strings.TrimPrefix(f.issuer, "http") + wire.PathPush
}

func (f *fake) serveStart(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	f.mu.Lock()
	f.starts = append(f.starts, r.PostForm)
	f.mu.Unlock()
	if f.onStart != nil && f.onStart(w, r) {
		return
	}
	if r.PostFormValue(wire.ParamClientID) != fakeClient {
		refuse(w, http.StatusUnauthorized, wire.CodeInvalidClient)
		return
	}
	answer(w, http.StatusOK, wire.DeviceAuthorization{
		DeviceCode:              fakeDeviceCode,
		UserCode:                f.code,
		VerificationURI:         f.issuer + wire.PathDevice,
		VerificationURIComplete: f.link(f.code),
		ExpiresIn:               f.lifetime,
		Interval:                f.interval,
		PushURI:                 f.pushURI(),
	})
}

func (f *fake) link(code string) string { return f.issuer + wire.PathDevice + "?user_code=" + code }

func (f *fake) serveToken(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.polls = append(f.polls, time.Now())
	n := len(f.polls)
	f.mu.Unlock()
	if f.onToken != nil && f.onToken(n, w, r) {
		return
	}
	if r.PostFormValue(wire.ParamGrantType) != wire.GrantTypeDeviceCode || r.PostFormValue(wire.ParamDeviceCode) != fakeDeviceCode {
		refuse(w, http.StatusBadRequest, wire.CodeInvalidGrant)
		return
	}
	f.redeem(w)
}

// redeem answers a poll by the grant's state. An approval is good for one.
func (f *fake) redeem(w http.ResponseWriter) {
	f.mu.Lock()
	state := f.state
	if state == wire.StateApproved {
		f.state, f.seq = wire.StateRedeemed, f.seq+1
		f.tellAll()
	}
	f.mu.Unlock()
	switch state {
	case wire.StateApproved:
		answer(w, http.StatusOK, wire.Token{AccessToken: fakeToken, TokenType: "bearer", ExpiresIn: 3600})
	case wire.StateDenied:
		refuse(w, http.StatusBadRequest, wire.CodeAccessDenied)
	case wire.StateExpired:
		refuse(w, http.StatusBadRequest, wire.CodeExpiredToken)
	case wire.StateRedeemed, wire.StateCancelled:
		refuse(w, http.StatusBadRequest, wire.CodeInvalidGrant)
	default:
		refuse(w, http.StatusBadRequest, wire.CodeAuthorizationPending)
	}
}

func (f *fake) serveRevoke(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	f.mu.Lock()
	f.revoked = append(f.revoked, r.PostForm)
	n := len(f.revoked)
	f.mu.Unlock()
	if f.onRevoke != nil && f.onRevoke(n, w, r) {
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (f *fake) serveUserInfo(w http.ResponseWriter, r *http.Request) {
	if f.onWho != nil && f.onWho(w, r) {
		return
	}
	f.mu.Lock()
	over := slices.ContainsFunc(f.revoked, func(v url.Values) bool { return v.Get(wire.ParamToken) == fakeToken })
	f.mu.Unlock()
	if over || r.Header.Get("Authorization") != "Bearer "+fakeToken {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		refuse(w, http.StatusUnauthorized, wire.CodeInvalidToken)
		return
	}
	answer(w, http.StatusOK, wire.UserInfo{Subject: "u-1", Name: "Ada"})
}

func (f *fake) servePush(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.dials = append(f.dials, time.Now())
	n := len(f.dials)
	f.mu.Unlock()
	if f.onPush != nil && f.onPush(n, w, r) {
		return
	}
	up := websocket.Upgrader{Subprotocols: []string{wire.PushSubprotocol}}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	_, data, err := conn.ReadMessage()
	if err != nil {
		return
	}
	hello, err := wire.ParseClientFrame(data)
	if err != nil || hello.DeviceCode != fakeDeviceCode || hello.ClientID != fakeClient {
		hangUp(conn, closeWith{wire.CloseUnknown, ""})
		return
	}
	f.speak(conn, hello)
}

// speak sends the newest snapshot at each news until the channel ends.
func (f *fake) speak(conn *websocket.Conn, hello wire.ClientFrame) {
	s := &fakeSocket{conn: conn, news: make(chan struct{}, 1), bye: make(chan closeWith, 1)}
	f.mu.Lock()
	f.hellos = append(f.hellos, hello)
	f.sockets[s] = true
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.sockets, s)
	}()
	gone := make(chan struct{})
	go f.listen(s, gone)
	defer func() { conn.Close(); <-gone }()
	for {
		snap := f.snapshot()
		if conn.WriteJSON(snap) != nil {
			return
		}
		if snap.State.Terminal() {
			hangUp(conn, closeWith{wire.CloseDone, ""})
			return
		}
		select {
		case <-s.news:
		case c := <-s.bye:
			hangUp(conn, c)
			return
		case <-f.pingTime():
			_ = conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
		case <-gone:
			return
		}
	}
}

func (f *fake) pingTime() <-chan time.Time {
	if f.ping == 0 {
		return nil
	}
	return time.After(f.ping)
}

func (f *fake) listen(s *fakeSocket, gone chan struct{}) {
	defer close(gone)
	for {
		_, data, err := s.conn.ReadMessage()
		if err != nil {
			return
		}
		if frame, err := wire.ParseClientFrame(data); err == nil && frame.Type == wire.FrameCancel && !f.deaf {
			f.mu.Lock()
			f.cancels++
			f.mu.Unlock()
			f.set(wire.StateCancelled)
		}
	}
}

func hangUp(conn *websocket.Conn, c closeWith) {
	if c.code != 0 {
		_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(c.code, c.reason), time.Now().Add(time.Second))
	}
	conn.Close()
}

func (f *fake) snapshot() wire.Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	return wire.Snapshot{
		Seq: f.seq, State: f.state, UserCode: f.code, VerificationURIComplete: f.link(f.code),
		CodeExpiresIn: f.codeLeft, ExpiresIn: f.lifetime,
	}
}

// set moves the grant and tells every socket.
func (f *fake) set(s wire.State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state, f.seq = s, f.seq+1
	f.tellAll()
}

// rotate replaces the code.
func (f *fake) rotate(code string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.code, f.seq = code, f.seq+1
	f.tellAll()
}

func (f *fake) tellAll() {
	for s := range f.sockets {
		select {
		case s.news <- struct{}{}:
		default:
		}
	}
}

// drop ends every push channel.
func (f *fake) drop(c closeWith) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.sockets {
		s.bye <- c
	}
}

func (f *fake) pollTimes() []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.polls)
}

func (f *fake) dialTimes() []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.dials)
}

func (f *fake) revocations() []url.Values {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.revoked)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, status int, code string) {
	answer(w, status, wire.Error{Code: code})
}

// serve puts the server on a real socket.
func (f *fake) serve(t testing.TB) *httptest.Server {
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	f.issuer = srv.URL
	return srv
}

// client is an SDK client of the server, over the transport.
func (f *fake) client(t testing.TB, transport http.RoundTripper) *desktop.Client {
	t.Helper()
	c, err := desktop.New(desktop.Config{
		Issuer: f.issuer, ClientID: fakeClient,
		Device:     desktop.Device{Name: "ALICE-PC", Platform: "Windows", AppVersion: "v1.2.3"},
		HTTPClient: &http.Client{Transport: transport},
	})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return c
}

// network is a wire in memory, for tests in a bubble of fake time. Cut it, and
// nothing gets through.
type network struct {
	conns  chan net.Conn
	closed chan struct{}
	server *http.Server

	mu    sync.Mutex // guards what follows
	cut   bool
	alive []net.Conn
}

var errCut = errors.New("network is unreachable")

// plug serves the fake on a network of its own. It ends with the test.
func (f *fake) plug(t testing.TB) *network { return f.plugHandler(t, f) }

func (f *fake) plugHandler(t testing.TB, h http.Handler) *network {
	if f.issuer == "" {
		f.issuer = "http://localhost:8080"
	}
	n := &network{conns: make(chan net.Conn), closed: make(chan struct{})}
	n.server = &http.Server{Handler: h}
	served := make(chan struct{})
	go func() { defer close(served); _ = n.server.Serve(n) }()
	t.Cleanup(func() { n.setCut(true); n.server.Close(); <-served })
	return n
}

// transport dials the network.
func (n *network) transport(t testing.TB) *http.Transport {
	tr := &http.Transport{DialContext: n.dial}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case <-n.closed:
	default:
		close(n.closed)
	}
	return nil
}

func (n *network) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

// setCut cuts the network, which kills what is connected, or mends it.
func (n *network) setCut(cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = cut
	if cut {
		for _, c := range n.alive {
			c.Close()
		}
		n.alive = nil
	}
}

func (n *network) dial(context.Context, string, string) (net.Conn, error) {
	n.mu.Lock()
	cut := n.cut
	n.mu.Unlock()
	if cut {
		return nil, errCut
	}
	near, far := net.Pipe()
	select {
	case n.conns <- far:
	case <-n.closed:
		return nil, errCut
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.alive = append(n.alive, near, far)
	return near, nil
}
