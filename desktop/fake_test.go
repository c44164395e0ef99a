package desktop_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
)

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
	bound    bool                 // it knows DPoP, and binds the tokens to the key that was announced
	lasting  bool                 // it gives refresh tokens
	number   string               // that its phone shows
	byFrame  bool                 // it takes the number by the push channel only
	ofOld    bool                 // it knows no sockets of sessions
	metadata func(*wire.Metadata) // changes the document

	// hooks answer a request in the server's place when they return true. n
	// counts the requests of that kind from 1.
	onStart  func(w http.ResponseWriter, r *http.Request) bool
	onToken  func(n int, w http.ResponseWriter, r *http.Request) bool
	onPush   func(n int, w http.ResponseWriter, r *http.Request) bool
	onNumber func(n int, w http.ResponseWriter, r *http.Request) bool
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
	tries    int // that are left
	numbers  []string
	hellos   []wire.ClientFrame
	codeLeft int
	nonces   *dpop.Nonces // it wants them in proofs
	family   family
	proofs   []string // that came, in the server's words
	seen     map[secret.Hash]bool
}

func newFake() *fake {
	return &fake{
		interval: 5, lifetime: 300, codeLeft: 45,
		state: wire.StatePending, seq: 1, code: "WDJB-MJHT", number: "47", tries: 3,
		sockets: map[*fakeSocket]bool{},
		seen:    map[secret.Hash]bool{},
	}
}

// modern is a server of today: bound tokens, nonces, refresh tokens.
func modern() *fake {
	f := newFake()
	nonces := dpop.NewNonces(make([]byte, 32))
	f.bound, f.lasting, f.nonces = true, true, &nonces
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/tenant")
	f.mu.Lock()
	nonces := f.nonces
	f.mu.Unlock()
	if nonces != nil {
		w.Header().Set(wire.HeaderDPoPNonce, nonces.Issue(time.Now()))
	}
	switch {
	case strings.HasPrefix(r.URL.Path, wire.WellKnownMetadata):
		f.serveMetadata(w, r)
	case path == wire.PathDeviceAuthorization:
		f.serveStart(w, r)
	case path == wire.PathToken:
		f.serveToken(w, r)
	case path == wire.PathPush:
		f.servePush(w, r)
	case path == wire.PathConfirmation:
		f.serveNumber(w, r)
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

// note adds to a list of what came, and says how many there are now.
func note[T any](f *fake, list *[]T, what T) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	*list = append(*list, what)
	return len(*list)
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
		AuthorizationEndpoint:       f.issuer + wire.PathAuthorize,
		ChallengeMethodsSupported:   []string{wire.ChallengeS256},
		ResponseIssParameter:        true,
	}
	if f.bound {
		m.DPoPAlgorithms = dpop.Algorithms()
	}
	if !f.byFrame {
		m.DeviceConfirmationEndpoint = f.issuer + wire.PathConfirmation
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
	note(f, &f.starts, r.PostForm)
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
	n := note(f, &f.polls, time.Now())
	if f.onToken != nil && f.onToken(n, w, r) {
		return
	}
	if !f.proved(w, r, wire.PathToken, "") {
		return
	}
	switch r.PostFormValue(wire.ParamGrantType) {
	case wire.GrantTypeRefresh:
		f.refresh(w, r.PostFormValue(wire.ParamRefreshToken))
	case wire.GrantTypeCode:
		f.exchange(w, r.PostForm)
	default:
		if r.PostFormValue(wire.ParamDeviceCode) != fakeDeviceCode {
			refuse(w, http.StatusBadRequest, wire.CodeInvalidGrant)
			return
		}
		f.redeem(w)
	}
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
		answer(w, http.StatusOK, f.begin())
	case wire.StateDenied:
		refuse(w, http.StatusBadRequest, wire.CodeAccessDenied)
	case wire.StateExpired:
		refuse(w, http.StatusBadRequest, wire.CodeExpiredToken)
	case wire.StateRedeemed, wire.StateCancelled:
		refuse(w, http.StatusBadRequest, wire.CodeInvalidGrant)
	case wire.StateVerifying:
		answer(w, http.StatusBadRequest, wire.Error{Code: wire.CodeAuthorizationPending, State: state})
	default:
		refuse(w, http.StatusBadRequest, wire.CodeAuthorizationPending)
	}
}

func (f *fake) serveRevoke(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	n := note(f, &f.revoked, r.PostForm)
	if f.onRevoke != nil && f.onRevoke(n, w, r) {
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (f *fake) serveUserInfo(w http.ResponseWriter, r *http.Request) {
	if f.onWho != nil && f.onWho(w, r) {
		return
	}
	access, ok := f.authorized(r)
	if !ok {
		w.Header().Set("WWW-Authenticate", f.kind()+` error="invalid_token"`)
		refuse(w, http.StatusUnauthorized, wire.CodeInvalidToken)
		return
	}
	if !f.proved(w, r, wire.PathUserInfo, access) {
		return
	}
	answer(w, http.StatusOK, wire.UserInfo{Subject: "u-1", Name: "Ada"})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, status int, code string) {
	answer(w, status, wire.Error{Code: code})
}

// set moves the grant and tells every socket.
func (f *fake) set(s wire.State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state, f.seq = s, f.seq+1
	f.tellAll()
}

// setUnheard moves the grant and tells nobody.
func (f *fake) setUnheard(s wire.State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = s
}

// rotate replaces the code.
func (f *fake) rotate(code string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.code, f.seq = code, f.seq+1
	f.tellAll()
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

// serve puts the server on a real socket.
func (f *fake) serve(t testing.TB) *httptest.Server {
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	f.issuer = srv.URL
	return srv
}

// transport is for a test on real sockets.
func transport(t *testing.T) *http.Transport {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
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
