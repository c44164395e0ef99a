package desktop_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// visit is a sign-in in the browser, which the test plays.
type visit struct {
	t     *testing.T
	f     *fake
	login *desktop.Login
	asked url.Values // the authorization request
	web   *http.Client
}

// here begins one at a server on a real socket.
func here(t *testing.T, f *fake, change ...func(*desktop.Config)) *visit {
	t.Helper()
	f.serve(t)
	cfg := desktop.Config{
		Issuer: f.issuer, ClientID: fakeClient, AppName: "Acme <Studio>",
		Scopes: []string{"openid"}, Resources: []string{"https://a.example/", "https://b.example/"},
		Device:     desktop.Device{Name: "ALICE-PC", Platform: "Windows", AppVersion: "v1.2.3"},
		HTTPClient: &http.Client{Transport: transport(t)},
	}
	for _, c := range change {
		c(&cfg)
	}
	c, err := desktop.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := c.StartHere(t.Context())
	if err != nil {
		t.Fatalf("StartHere: %v", err)
	}
	t.Cleanup(func() { l.Cancel(); <-l.Done() })
	return open(t, f, l)
}

// open is the browser at the server's page.
func open(t *testing.T, f *fake, l *desktop.Login) *visit {
	t.Helper()
	u, err := url.Parse(l.Current().Link())
	if err != nil {
		t.Fatal(err)
	}
	v := &visit{t: t, f: f, login: l, asked: u.Query(), web: &http.Client{Transport: transport(t)}}
	f.mu.Lock()
	f.starts = append(f.starts, v.asked)
	f.family.challenge, f.family.redirect = v.asked.Get(wire.ParamCodeChallenge), v.asked.Get(wire.ParamRedirectURI)
	f.mu.Unlock()
	return v
}

// answer is what the server sends the browser back with.
func (v *visit) answer(change ...func(url.Values)) url.Values {
	q := url.Values{wire.ParamCode: {fakeCode}, wire.ParamState: {v.asked.Get(wire.ParamState)}, wire.ParamIssuer: {v.f.issuer}}
	for _, c := range change {
		c(q)
	}
	return q
}

// get brings something to the door.
func (v *visit) get(q url.Values) (*http.Response, string) {
	v.t.Helper()
	return v.do(http.MethodGet, v.asked.Get(wire.ParamRedirectURI)+"?"+q.Encode())
}

func (v *visit) do(method, address string, change ...func(*http.Request)) (*http.Response, string) {
	v.t.Helper()
	r, err := http.NewRequest(method, address, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, c := range change {
		c(r)
	}
	res, err := v.web.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res, string(body)
}

// closed wants nobody to listen anymore.
func (v *visit) closed() {
	v.t.Helper()
	<-v.login.Done()
	u, err := url.Parse(v.asked.Get(wire.ParamRedirectURI))
	if err != nil {
		v.t.Fatal(err)
	}
	if conn, err := net.Dial("tcp", u.Host); err == nil {
		conn.Close()
		v.t.Error("the port is still open")
	}
}

func TestSignInHere(t *testing.T) {
	v := here(t, modern())
	u := v.login.Current()
	if u.State != desktop.StatePending || !u.Here || u.UserCode != "" || u.VerificationURI != v.f.issuer+wire.PathAuthorize {
		t.Errorf("first update: got %+v", u)
	}
	if left := time.Until(u.Expires); left > 10*time.Minute || left < 9*time.Minute {
		t.Errorf("there are %v left, want ten minutes", left)
	}
	res, body := v.get(v.answer())
	if res.StatusCode != http.StatusOK || !strings.Contains(body, "You&#39;re signed in") && !strings.Contains(body, "You're signed in") {
		t.Errorf("got %s with %q", res.Status, body)
	}
	s := signedIn(t, v.login)
	if got := v.login.Current(); got.State != desktop.StateRedeemed {
		t.Errorf("last update: got %+v", got)
	}
	if who, err := s.UserInfo(t.Context()); err != nil || who.Name != "Ada" {
		t.Errorf("UserInfo: got %+v, %v", who, err)
	}
	v.closed()
}

func TestTheAuthorizationRequest(t *testing.T) {
	f := modern()
	f.metadata = func(m *wire.Metadata) { m.AuthorizationEndpoint += "?tenant=7" }
	v := here(t, f)
	for param, form := range map[string]string{
		wire.ParamState: `^[\w-]{43}$`, wire.ParamCodeChallenge: `^[\w-]{43}$`, wire.ParamDPoPKey: `^[\w-]{43}$`,
		wire.ParamRedirectURI: `^http://127\.0\.0\.1:\d+/callback$`,
	} {
		if got := v.asked.Get(param); !regexp.MustCompile(form).MatchString(got) {
			t.Errorf("%s: got %q", param, got)
		}
		v.asked.Del(param)
	}
	want := url.Values{
		"tenant": {"7"}, wire.ParamResponseType: {"code"}, wire.ParamClientID: {fakeClient}, wire.ParamScope: {"openid"},
		wire.ParamChallengeMethod: {"S256"}, wire.ParamResource: {"https://a.example/", "https://b.example/"},
		wire.ParamDeviceName: {"ALICE-PC"}, wire.ParamDevicePlatform: {"Windows"}, wire.ParamAppVersion: {"v1.2.3"},
	}
	if diff := cmp.Diff(want, v.asked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheCodeExchangeSendsTheVerifierAndAProof(t *testing.T) {
	v := here(t, modern())
	v.get(v.answer())
	signedIn(t, v.login)
	exchanges := v.f.familySeen().exchanges
	if len(exchanges) != 1 { // it was refused without a proof or a nonce
		t.Fatalf("exchanged %d times, want once", len(exchanges))
	}
	form := exchanges[0]
	sum := sha256.Sum256([]byte(form.Get(wire.ParamCodeVerifier)))
	if got := base64.RawURLEncoding.EncodeToString(sum[:]); got != v.asked.Get(wire.ParamCodeChallenge) {
		t.Errorf("the verifier is not that of the challenge: got %q", got)
	}
	if form.Get(wire.ParamRedirectURI) != v.asked.Get(wire.ParamRedirectURI) || form.Get(wire.ParamClientID) != fakeClient {
		t.Errorf("exchange: got %v", form)
	}
	if got := v.f.proofsSeen(); got[len(got)-1] != "good" {
		t.Errorf("proofs: got %q", got)
	}
}

func TestTheDoorsPageIsPlain(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(url.Values)
		status int
		title  string
	}{
		"signed in": {func(url.Values) {}, http.StatusOK, "signed in</h1>"},
		"denied":    {func(q url.Values) { q.Set(wire.ParamError, wire.CodeAccessDenied) }, http.StatusOK, "Not signed in"},
		"forged": {func(q url.Values) {
			q.Set(wire.ParamState, `"><script>alert(1)</script>`)
			q.Set(wire.ParamErrorDescription, "call 0900")
		}, http.StatusBadRequest, "Not signed in"},
	} {
		t.Run(name, func(t *testing.T) {
			v := here(t, modern())
			res, body := v.get(v.answer(tc.change))
			if res.StatusCode != tc.status || !strings.Contains(body, tc.title) || !strings.Contains(body, "Go back to Acme &lt;Studio&gt;") {
				t.Errorf("got %s with %s", res.Status, body)
			}
			for _, bad := range []string{"script", "0900", fakeCode, v.asked.Get(wire.ParamState), "http"} {
				if strings.Contains(body, bad) {
					t.Errorf("%q is on the page:\n%s", bad, body)
				}
			}
			h := res.Header
			if h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("headers: got %v", h)
			}
			_, style, _ := strings.Cut(body, "<style>")
			style, _, _ = strings.Cut(style, "</style>")
			sum := sha256.Sum256([]byte(style))
			policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
				"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
			if got := h.Get("Content-Security-Policy"); got != policy {
				t.Errorf("policy: got %s, want %s", got, policy)
			}
		})
	}
}

func TestWhatIsNotTheAnswerDoesNotEndTheWait(t *testing.T) {
	v := here(t, modern())
	redirect := v.asked.Get(wire.ParamRedirectURI)
	good := redirect + "?" + v.answer().Encode()
	elsewhere := func(r *http.Request) { r.Host = "evil.example" }
	for _, tc := range []struct {
		name, method, address string
		change                []func(*http.Request)
		status                int
	}{
		{"a wrong state", "GET", redirect + "?" + v.answer(func(q url.Values) { q.Set(wire.ParamState, "x") }).Encode(), nil, 400},
		{"no state", "GET", redirect + "?" + v.answer(func(q url.Values) { q.Del(wire.ParamState) }).Encode(), nil, 400},
		{"no query", "GET", redirect, nil, 400},
		{"a denial with a wrong state", "GET", redirect + "?error=access_denied&state=x", nil, 400},
		{"the state twice", "GET", good + "&state=x", nil, 400},
		{"the code twice", "GET", good + "&code=x", nil, 400},
		{"no code", "GET", redirect + "?" + v.answer(func(q url.Values) { q.Del(wire.ParamCode) }).Encode(), nil, 400},
		{"a query that does not read", "GET", good + "&x=%zz", nil, 400},
		{"a POST", "POST", good, nil, 405},
		{"a HEAD", "HEAD", good, nil, 405},
		{"another path", "GET", strings.Replace(good, "/callback", "/other", 1), nil, 404},
		{"a path below", "GET", strings.Replace(good, "/callback", "/callback/", 1), nil, 404},
		{"a name that points here", "GET", good, []func(*http.Request){elsewhere}, 404},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v.t = t
			if res, _ := v.do(tc.method, tc.address, tc.change...); res.StatusCode != tc.status {
				t.Errorf("got %s, want %d", res.Status, tc.status)
			}
			if u := v.login.Current(); u.State != desktop.StatePending {
				t.Fatalf("the wait ended: %+v", u)
			}
		})
	}
	v.t = t
	v.get(v.answer())
	signedIn(t, v.login)
}

func TestHowABrowsersAnswerEndsALogin(t *testing.T) {
	var refused *desktop.OAuthError
	unsaid := func(m *wire.Metadata) { m.ResponseIssParameter = false }
	for _, tc := range []struct {
		name     string
		metadata func(*wire.Metadata)
		change   func(url.Values)
		state    desktop.State
		good     func(error) bool
	}{
		{"denied", nil, func(q url.Values) { q.Set(wire.ParamError, wire.CodeAccessDenied) }, desktop.StateDenied, func(err error) bool {
			return errors.Is(err, desktop.ErrDenied)
		}},
		{"nobody answered in time", nil, func(q url.Values) {
			q.Set(wire.ParamError, wire.CodeAccessDenied)
			q.Set(wire.ParamErrorDescription, wire.DescriptionExpired)
		}, desktop.StateExpired, func(err error) bool {
			return errors.Is(err, desktop.ErrExpired) && !errors.Is(err, desktop.ErrDenied)
		}},
		{"denied, with a reason", nil, func(q url.Values) {
			q.Set(wire.ParamError, wire.CodeAccessDenied)
			q.Set(wire.ParamErrorDescription, wire.DescriptionExpired+"?")
		}, desktop.StateDenied, func(err error) bool {
			return errors.Is(err, desktop.ErrDenied)
		}},
		{"the server is in trouble", nil, func(q url.Values) { q.Set(wire.ParamError, wire.CodeUnavailable) }, desktop.StateFailed, func(err error) bool {
			return errors.Is(err, desktop.ErrOffline)
		}},
		{"another refusal", nil, func(q url.Values) {
			q.Set(wire.ParamError, wire.CodeInvalidScope)
			q.Set(wire.ParamErrorDescription, "no\x1b[31m "+strings.Repeat("x", 10000))
		}, desktop.StateFailed, func(err error) bool {
			return errors.As(err, &refused) && refused.Code == wire.CodeInvalidScope && len(refused.Description) == 200 && !strings.Contains(err.Error(), "\x1b")
		}},
		{"another issuer", nil, func(q url.Values) { q.Set(wire.ParamIssuer, "https://evil.example") }, desktop.StateFailed, func(err error) bool {
			return err != nil && strings.Contains(err.Error(), "another server")
		}},
		{"the issuer with a slash more", nil, func(q url.Values) { q.Set(wire.ParamIssuer, q.Get(wire.ParamIssuer)+"/") }, desktop.StateFailed, func(err error) bool {
			return err != nil && strings.Contains(err.Error(), "another server")
		}},
		{"no issuer, though the server says that it names itself", nil, func(q url.Values) { q.Del(wire.ParamIssuer) }, desktop.StateFailed, func(err error) bool {
			return err != nil && strings.Contains(err.Error(), "another server")
		}},
		{"no issuer of a server that does not", unsaid, func(q url.Values) { q.Del(wire.ParamIssuer) }, desktop.StateRedeemed, func(err error) bool {
			return err == nil
		}},
		{"another issuer there", unsaid, func(q url.Values) { q.Set(wire.ParamIssuer, "https://evil.example") }, desktop.StateFailed, func(err error) bool {
			return err != nil && strings.Contains(err.Error(), "another server")
		}},
		{"a code that is not good", nil, func(q url.Values) { q.Set(wire.ParamCode, "x") }, desktop.StateFailed, func(err error) bool {
			return errors.As(err, &refused) && refused.Code == wire.CodeInvalidGrant
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := modern()
			f.metadata = tc.metadata
			v := here(t, f)
			v.get(v.answer(tc.change))
			_, err := v.login.Wait(t.Context())
			if !tc.good(err) || v.login.Current().State != tc.state {
				t.Errorf("got %v in the state %s, want %s", err, v.login.Current().State, tc.state)
			}
			v.closed()
		})
	}
}

func TestTheDoorIsShutAfterEveryEnding(t *testing.T) {
	t.Run("cancelled", func(t *testing.T) {
		v := here(t, modern())
		v.login.Cancel()
		endsWith(t, v.login, desktop.ErrCancelled)
		v.closed()
	})
	t.Run("when the ctx of StartHere ends", func(t *testing.T) {
		f := modern()
		f.serve(t)
		ctx, cancel := context.WithCancel(t.Context())
		l, err := f.client(t, transport(t)).StartHere(ctx)
		if err != nil {
			t.Fatal(err)
		}
		v := open(t, f, l)
		cancel()
		endsWith(t, l, desktop.ErrCancelled)
		v.closed()
	})
	t.Run("expired, by the clock on the wall", func(t *testing.T) {
		f := modern()
		f.serve(t)
		c, clock := f.client(t, transport(t)), &sleeper{}
		c.SetWall(clock.now)
		l, err := c.StartHere(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		v := open(t, f, l)
		clock.sleep(11 * time.Minute)
		endsWith(t, l, desktop.ErrExpired)
		v.closed()
	})
	t.Run("while somebody holds a connection", func(t *testing.T) {
		v := here(t, modern())
		u, err := url.Parse(v.asked.Get(wire.ParamRedirectURI))
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		v.login.Cancel()
		v.closed()
	})
}

// doorway puts the client's door on a network in memory, and returns a browser there.
func doorway(t *testing.T, c *desktop.Client) *http.Client {
	t.Helper()
	n := &network{conns: make(chan net.Conn), closed: make(chan struct{})}
	c.SetListen(func(context.Context) (net.Listener, error) { return n, nil })
	return &http.Client{Transport: n.transport(t)}
}

func TestAReloadOfTheTabThatWaitsChangesNothing(t *testing.T) {
	for name, change := range map[string]func(url.Values){
		"the same again": func(url.Values) {},
		"a denial": func(q url.Values) {
			q.Del(wire.ParamCode)
			q.Set(wire.ParamError, wire.CodeAccessDenied)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := modern()
				release := make(chan struct{})
				f.onToken = func(int, httpWriter, *httpRequest) bool { <-release; return false }
				c := f.client(t, f.plug(t).transport(t))
				web := doorway(t, c)
				l, err := c.StartHere(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				v := open(t, f, l)
				v.web = web
				pages := make(chan string, 2)
				for _, q := range []url.Values{v.answer(), v.answer(change)} {
					go func() { _, body := v.get(q); pages <- body }()
					synctest.Wait()
				}
				if u := l.Current(); u.State != desktop.StateApproved {
					t.Errorf("while the code is being exchanged: got %+v", u)
				}
				close(release)
				signedIn(t, l)
				if n := len(f.familySeen().exchanges); n != 1 {
					t.Errorf("exchanged %d times, want once", n)
				}
				if a, b := <-pages, <-pages; a != b || !strings.Contains(a, "signed in</h1>") {
					t.Errorf("pages: got %q and %q", a, b)
				}
				<-l.Done()
			})
		})
	}
}

func TestTokensThatArriveAfterACancelHereAreRevoked(t *testing.T) {
	f := modern()
	entered, release := make(chan struct{}), make(chan struct{})
	f.onToken = func(n int, _ httpWriter, _ *httpRequest) bool {
		if n == 1 {
			close(entered)
			<-release
		}
		return false
	}
	v := here(t, f)
	went := make(chan struct{})
	go func() {
		defer close(went)
		if res, err := v.web.Get(v.asked.Get(wire.ParamRedirectURI) + "?" + v.answer().Encode()); err == nil {
			res.Body.Close()
		}
	}()
	<-entered
	v.login.Cancel()
	endsWith(t, v.login, desktop.ErrCancelled)
	close(release)
	v.closed()
	<-went
	revoked(t, f, fakeCode, "refresh-1")
}

// revoked wants these revocations, in this order.
func revoked(t *testing.T, f *fake, want ...string) {
	t.Helper()
	var got []string
	for _, form := range f.revocations() {
		got = append(got, form.Get(wire.ParamToken))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("revocations (-want +got):\n%s", diff)
	}
}

func TestACodeThatBroughtNoTokensIsRevoked(t *testing.T) {
	bearer := wire.Token{AccessToken: "a", TokenType: wire.TokenTypeBearer, ExpiresIn: 60}
	silent := func(n int, w httpWriter, r *httpRequest) bool {
		_ = r.ParseForm()
		return swallow(n, w, r)
	}
	for name, tc := range map[string]struct {
		onToken func(int, httpWriter, *httpRequest) bool
		cancel  bool
		want    []string
	}{
		"the tokens came":                {nil, false, nil},
		"the server refused":             {func(_ int, w httpWriter, _ *httpRequest) bool { refuse(w, 400, wire.CodeInvalidScope); return true }, false, []string{fakeCode}},
		"the server stayed away":         {func(_ int, w httpWriter, _ *httpRequest) bool { w.WriteHeader(502); return true }, false, []string{fakeCode}},
		"cancelled before an answer":     {silent, true, []string{fakeCode}},
		"bearer tokens for a bound code": {func(_ int, w httpWriter, _ *httpRequest) bool { answer(w, 200, bearer); return true }, false, []string{fakeCode}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := modern()
				f.onToken = tc.onToken
				c := f.client(t, f.plug(t).transport(t))
				web := doorway(t, c)
				l, err := c.StartHere(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				v := open(t, f, l)
				v.web = web
				went := make(chan struct{})
				go func() { defer close(went); v.get(v.answer()) }()
				synctest.Wait()
				if tc.cancel {
					l.Cancel()
				}
				<-l.Done()
				<-went
				revoked(t, f, tc.want...)
			})
		})
	}
	t.Run("cancelled before it came", func(t *testing.T) {
		v := here(t, modern())
		v.login.Cancel()
		v.closed()
		revoked(t, v.f)
	})
}

func TestALostExchangeIsToldApart(t *testing.T) {
	f := modern()
	f.onToken = func(n int, _ httpWriter, r *httpRequest) bool {
		if n > 1 {
			return false
		}
		_ = r.ParseForm()
		f.exchange(nowhere{http.Header{}}, r.PostForm)
		panic(http.ErrAbortHandler)
	}
	v := here(t, f)
	v.get(v.answer())
	endsWith(t, v.login, desktop.ErrInterrupted)
	<-v.login.Done()
	revoked(t, f, fakeCode)
}

func TestStartHereIsForServersThatOfferIt(t *testing.T) {
	for name, tc := range map[string]struct {
		doc   func(*wire.Metadata)
		offer bool
	}{
		"by default": {nil, true},
		"said in full": {func(m *wire.Metadata) {
			m.ResponseTypesSupported, m.GrantTypesSupported = []string{"code"}, []string{wire.GrantTypeCode}
		}, true},
		"no endpoint":          {func(m *wire.Metadata) { m.AuthorizationEndpoint = "" }, false},
		"no S256":              {func(m *wire.Metadata) { m.ChallengeMethodsSupported = []string{"plain"} }, false},
		"no word on PKCE":      {func(m *wire.Metadata) { m.ChallengeMethodsSupported = nil }, false},
		"by device codes only": {func(m *wire.Metadata) { m.GrantTypesSupported = []string{wire.GrantTypeDeviceCode} }, false},
		"no codes":             {func(m *wire.Metadata) { m.ResponseTypesSupported = []string{"id_token"} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			f.serve(t)
			f.metadata = tc.doc
			c := f.client(t, transport(t))
			if got, err := c.OffersHere(t.Context()); got != tc.offer || err != nil {
				t.Errorf("OffersHere: got %v, %v", got, err)
			}
			l, err := c.StartHere(t.Context())
			if errors.Is(err, desktop.ErrNotOffered) == tc.offer {
				t.Errorf("StartHere: got %v", err)
			}
			if err == nil {
				l.Cancel()
				<-l.Done()
			}
		})
	}
	t.Run("an endpoint in the clear", func(t *testing.T) {
		f := newFake()
		f.serve(t)
		f.metadata = func(m *wire.Metadata) { m.AuthorizationEndpoint = "http://login.example.com/authorize" }
		if _, err := f.client(t, transport(t)).StartHere(t.Context()); err == nil {
			t.Error("got a login")
		}
	})
}

func TestASessionAndItsUpdatesPrintNoSecret(t *testing.T) {
	v := here(t, modern())
	v.get(v.answer())
	s := signedIn(t, v.login)
	<-v.login.Done()
	for _, print := range []string{sprint("%v", s), sprint("%+v", s), sprint("%#v", s), sprint("%+v", v.login.Current().Err)} {
		for _, secret := range []string{fakeToken, "refresh-1", "id-1", fakeCode} {
			if strings.Contains(print, secret) {
				t.Errorf("%q is in %s", secret, print)
			}
		}
	}
}
