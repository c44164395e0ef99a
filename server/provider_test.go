package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/passkey/passkeytest"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// appURI is where the app of these tests takes its answers.
const appURI = "http://127.0.0.1/done"

// addApp registers the app, which asks by way of the browser.
func addApp(t *testing.T, s *Server) {
	t.Helper()
	err := s.store.Update(t.Context(), func(tx store.Tx) error {
		return tx.AddClient(auth.Client{
			ID: "app", Name: "Acme Studio", AuthMethod: auth.AuthNone, RedirectURIs: []string{appURI}, Scopes: auth.DefaultScopes(),
			Lifetime: auth.DefaultLifetime, Interval: auth.DefaultInterval, CreatedAt: time.Now().UTC().Truncate(time.Microsecond),
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// person is somebody at the browser of their computer, with a passkey.
type person struct {
	*passkeytest.Phone
	http   *http.Client
	issuer string
	t      *testing.T
}

func newPerson(t *testing.T, c *http.Client, issuer string) *person {
	t.Helper()
	u, err := url.Parse(issuer)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{
		Phone: passkeytest.NewPhone(t, u), issuer: issuer, t: t,
		http: &http.Client{Transport: c.Transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// call sends what a page's script sends, and reads the answer.
func (p *person) call(path string, in any, out any) []byte {
	p.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.issuer+path, bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := p.http.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && out != nil {
		err = json.Unmarshal(text, out)
	}
	if err != nil || resp.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: %s %s, %v", path, resp.Status, text, err)
	}
	return text
}

// answers follows the app's link, makes an account, approves, and returns where the
// browser goes back to.
func (p *person) answers(link string) *url.URL {
	p.t.Helper()
	resp, err := p.http.Get(link)
	if err != nil {
		p.t.Fatal(err)
	}
	resp.Body.Close()
	base, err := url.Parse(p.issuer)
	if err != nil {
		p.t.Fatal(err)
	}
	question := resp.Header.Get("Location")
	opening, ok := strings.CutPrefix(question, base.Path+"/confirm/")
	if resp.StatusCode != http.StatusSeeOther || !ok {
		p.t.Fatalf("the link: got %s to %q, want 303 to the question", resp.Status, question)
	}
	if status, page := get(p.t, p.http, p.issuer+"/confirm/"+opening); status != http.StatusOK || !strings.Contains(page, "Acme Studio") {
		p.t.Fatalf("the question: got %d\n%s", status, page)
	}
	var ceremony struct {
		Ceremony string `json:"ceremony"`
	}
	options := p.call("/join/begin", map[string]string{"name": "Ada", "for": opening}, &ceremony)
	p.call("/join/finish", map[string]any{
		"ceremony": ceremony.Ceremony, "for": opening, "credential": json.RawMessage(p.Create(options)),
	}, nil)
	var approved struct {
		Return string `json:"return"`
	}
	p.call("/confirm/"+opening+"/finish", json.RawMessage(p.Get(p.call("/confirm/"+opening+"/begin", struct{}{}, nil))), &approved)
	to, err := url.Parse(approved.Return)
	if err != nil || approved.Return == "" {
		p.t.Fatalf("the way back is %q, %v", approved.Return, err)
	}
	return to
}

// below is a server whose issuer has a path, and a client that finds its host.
func below(t *testing.T) (*Server, *http.Client) {
	t.Helper()
	c := demoConfig(t)
	c.Listen, c.Issuer = "", "https://example.com/auth"
	s, err := New(t.Context(), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	ts := httptest.NewTLSServer(s.Handler()) // whose certificate is for example.com
	t.Cleanup(ts.Close)
	trusted := ts.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	client := newClient(t, &tls.Config{RootCAs: trusted})
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, ts.Listener.Addr().String())
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s, client
}

// TestAStandardClientSignsIn: one that knows nothing but the issuer, and no code of
// ours, from discovery to UserInfo and a refresh.
func TestAStandardClientSignsIn(t *testing.T) {
	plain := run(t, demoConfig(t), nil)
	under, underClient := below(t)
	for name, tt := range map[string]struct {
		server *Server
		client *http.Client
	}{
		"an issuer at the root": {plain.Server, newClient(t, nil)},
		"an issuer with a path": {under, underClient},
	} {
		t.Run(name, func(t *testing.T) {
			addApp(t, tt.server)
			issuer := tt.server.Issuer()
			ctx := oidc.ClientContext(t.Context(), tt.client)
			provider, err := oidc.NewProvider(ctx, issuer)
			if err != nil {
				t.Fatalf("discovery: %v", err)
			}
			app := oauth2.Config{ClientID: "app", Endpoint: provider.Endpoint(), RedirectURL: "http://127.0.0.1:49152/done", Scopes: []string{"openid", "profile", "offline_access"}}
			verifier := oauth2.GenerateVerifier()
			back := newPerson(t, tt.client, issuer).answers(app.AuthCodeURL("s1", oauth2.S256ChallengeOption(verifier), oidc.Nonce("n1")))
			q := back.Query()
			if back.Host != "127.0.0.1:49152" || back.Path != "/done" || q.Get("state") != "s1" || q.Get("iss") != issuer || q.Has("error") {
				t.Errorf("back to %s, want the app with state and iss", back.Redacted())
			}
			tok, err := app.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(verifier))
			if err != nil {
				t.Fatalf("exchange: %v", err)
			}
			checkIDToken(t, ctx, provider, tok)
			info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(tok))
			var claims wire.UserInfo
			if err == nil {
				err = info.Claims(&claims)
			}
			if err != nil || claims.Name != "Ada" || claims.Subject == "" {
				t.Errorf("userinfo: got %+v, %v; want Ada", claims, err)
			}
			next, err := app.TokenSource(ctx, &oauth2.Token{RefreshToken: tok.RefreshToken}).Token()
			if err != nil || next.RefreshToken == tok.RefreshToken || next.AccessToken == tok.AccessToken {
				t.Errorf("refresh: %v; want new tokens", err)
			}
		})
	}
}

// TestNothingSecretReachesTheRealLog: not from a sign-in that succeeds, nor from the
// requests at its edge.
func TestNothingSecretReachesTheRealLog(t *testing.T) {
	s := run(t, demoConfig(t), nil)
	addApp(t, s.Server)
	c := newClient(t, nil)
	issuer := s.Issuer()
	endpoint := oauth2.Endpoint{AuthURL: issuer + wire.PathAuthorize, TokenURL: issuer + wire.PathToken, AuthStyle: oauth2.AuthStyleInParams}
	app := oauth2.Config{ClientID: "app", Endpoint: endpoint, RedirectURL: appURI}
	verifier := oauth2.GenerateVerifier()
	ada := newPerson(t, c, issuer)
	code := ada.answers(app.AuthCodeURL("a-state-of-its-own", oauth2.S256ChallengeOption(verifier))).Query().Get("code")
	tok, err := app.Exchange(oidc.ClientContext(t.Context(), c), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	id, _ := tok.Extra("id_token").(string)
	d := start(t, c, issuer)
	secrets := map[string]string{
		"code": code, "verifier": verifier, "access token": tok.AccessToken, "refresh token": tok.RefreshToken, "ID token": id,
		"device code": d.DeviceCode, "user code": d.UserCode, "state": "a-state-of-its-own",
	}
	for _, sensitive := range secrets {
		for _, path := range machinePaths {
			fetch(t, c, issuer+path+"?"+url.Values{"token": {sensitive}}.Encode())
			fetch(t, c, issuer+"/nothing/"+url.PathEscape(sensitive))
			post(t, c, issuer+path, url.Values{"client_id": {"app"}, "client_secret": {sensitive}, "token": {sensitive}}, func(r *http.Request) {
				r.Header.Set("Authorization", "Bearer "+sensitive)
				r.Header.Set(wire.HeaderDPoP, sensitive)
			})
		}
	}
	u, err := url.Parse(issuer)
	if err != nil {
		t.Fatal(err)
	}
	cookies := ada.http.Jar.Cookies(u)
	if len(cookies) != 1 {
		t.Fatalf("the browser has %d cookies, want 1", len(cookies))
	}
	secrets["cookie"] = cookies[0].Value
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	for name, sensitive := range secrets {
		if strings.Contains(s.log.String(), sensitive) {
			t.Errorf("the %s is in the log", name)
		}
	}
	if !strings.Contains(s.log.String(), wire.PathToken) {
		t.Error("the log has nothing of these requests: it was not looked at")
	}
}

func checkIDToken(t *testing.T, ctx context.Context, provider *oidc.Provider, tok *oauth2.Token) {
	t.Helper()
	raw, _ := tok.Extra("id_token").(string)
	id, err := provider.VerifierContext(ctx, &oidc.Config{ClientID: "app"}).Verify(ctx, raw)
	if err != nil {
		t.Fatalf("the ID token: %v", err)
	}
	if err := id.VerifyAccessToken(tok.AccessToken); err != nil {
		t.Errorf("at_hash: %v", err)
	}
	if id.Nonce != "n1" {
		t.Errorf("nonce: got %q, want n1", id.Nonce)
	}
	if _, err := provider.VerifierContext(ctx, &oidc.Config{ClientID: "another"}).Verify(ctx, raw); err == nil {
		t.Error("the ID token is good for another client")
	}
}

func document(t *testing.T, c *http.Client, address string) (m wire.Metadata, text string) {
	t.Helper()
	status, text := get(t, c, address)
	if err := json.Unmarshal([]byte(text), &m); status != http.StatusOK || err != nil {
		t.Fatalf("%s: got %d %s, %v", address, status, text, err)
	}
	return m, text
}

// TestTheDocumentIsFoundByEveryPathForm: RFC 8414 section 3.1 puts the name before
// the issuer's path, OpenID Connect Discovery section 4 after it.
func TestTheDocumentIsFoundByEveryPathForm(t *testing.T) {
	plain := run(t, demoConfig(t), nil)
	s, c := below(t)
	root := newClient(t, nil)
	var first string
	for _, address := range []string{
		"https://example.com" + wire.WellKnownOpenID + "/auth", "https://example.com/auth" + wire.WellKnownOpenID,
		"https://example.com" + wire.WellKnownMetadata + "/auth", "https://example.com/auth" + wire.WellKnownMetadata,
	} {
		m, text := document(t, c, address)
		if first == "" {
			first = text
		}
		if m.Issuer != s.Issuer() || text != first {
			t.Errorf("%s: issuer %q, the same document: %t", address, m.Issuer, text == first)
		}
	}
	for _, path := range []string{wire.WellKnownOpenID, wire.WellKnownMetadata, wire.WellKnownOpenID + "/other", "/other" + wire.WellKnownOpenID} {
		if status, _ := get(t, c, "https://example.com"+path); status != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404: no such issuer is here", path, status)
		}
	}
	for _, name := range []string{wire.WellKnownOpenID, wire.WellKnownMetadata} {
		if m, _ := document(t, root, plain.Issuer()+name); m.Issuer != plain.Issuer() {
			t.Errorf("%s at the root: issuer %q, want %q", name, m.Issuer, plain.Issuer())
		}
	}
}

func TestEveryAdvertisedEndpointIsThere(t *testing.T) {
	plain := run(t, demoConfig(t), nil)
	under, underClient := below(t)
	for s, c := range map[*Server]*http.Client{plain.Server: newClient(t, nil), under: underClient} {
		_, text := document(t, c, s.Issuer()+wire.WellKnownOpenID)
		var members map[string]any
		if err := json.Unmarshal([]byte(text), &members); err != nil {
			t.Fatal(err)
		}
		posts := []string{
			"token_endpoint", "device_authorization_endpoint", "revocation_endpoint", "introspection_endpoint", "device_confirmation_endpoint",
		}
		found := 0
		for name, value := range members {
			address, ok := value.(string)
			if !ok || name == "issuer" {
				continue
			}
			found++
			if !strings.HasPrefix(strings.Replace(address, "ws", "http", 1), s.Issuer()+"/") {
				t.Errorf("%s: %s is not below the issuer %s", name, address, s.Issuer())
			}
			address = strings.Replace(address, "ws", "http", 1)
			status, _ := get(t, c, address)
			if slices.Contains(posts, name) {
				status = post(t, c, address, nil).StatusCode
			}
			if status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status >= http.StatusInternalServerError {
				t.Errorf("%s: %s answers %d", name, address, status)
			}
		}
		if found != 9 {
			t.Errorf("%d endpoints are advertised, want 9", found)
		}
	}
}

// reply is an answer with its body read.
type reply struct {
	*http.Response
	body string
}

func post(t *testing.T, c *http.Client, address string, form url.Values, change ...func(*http.Request)) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, f := range change {
		f(r)
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp, string(text)}
}

// TestAProofIsForTheIssuersAddress: with its path, and whatever the Host header says.
func TestAProofIsForTheIssuersAddress(t *testing.T) {
	s, c := below(t)
	key, err := dpop.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	for htu, good := range map[string]bool{
		s.Issuer() + wire.PathDeviceAuthorization:                      true,
		"https://EXAMPLE.com:443/auth" + wire.PathDeviceAuthorization:  true,
		"https://example.com" + wire.PathDeviceAuthorization:           false,
		"http://example.com/auth" + wire.PathDeviceAuthorization:       false,
		"https://evil.example/auth" + wire.PathDeviceAuthorization:     false,
		"https://example.com/auth/auth" + wire.PathDeviceAuthorization: false,
	} {
		for _, host := range []string{"example.com", "evil.example"} {
			proof, err := key.Prove(time.Now(), dpop.Request{Method: http.MethodPost, URL: htu})
			if err != nil {
				t.Fatal(err)
			}
			got := post(t, c, s.Issuer()+wire.PathDeviceAuthorization, url.Values{"client_id": {DemoClientID}}, func(r *http.Request) {
				r.Host = host
				r.Header.Set("X-Forwarded-Host", host)
				r.Header.Set(wire.HeaderDPoP, proof)
			})
			if taken := got.StatusCode == http.StatusOK; taken != good || !good && !strings.Contains(got.body, wire.CodeInvalidDPoPProof) {
				t.Errorf("htu %s, Host %s: got %s %s, want it taken: %t", htu, host, got.Status, got.body, good)
			}
		}
	}
}

// TestTheHostHeaderNamesNothing: addresses in answers are the issuer's.
func TestTheHostHeaderNamesNothing(t *testing.T) {
	s, c := below(t)
	addApp(t, s)
	evil := func(r *http.Request) {
		r.Host = "evil.example"
		r.Header.Set("X-Forwarded-Host", "evil.example")
		r.Header.Set("Forwarded", "host=evil.example")
		r.Header.Set("X-Forwarded-Prefix", "/evil.example")
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Issuer()+wire.WellKnownOpenID, nil)
	if err != nil {
		t.Fatal(err)
	}
	evil(r)
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || strings.Contains(string(text), "evil") {
		t.Errorf("metadata: %s, %v", text, err)
	}
	if got := post(t, c, s.Issuer()+wire.PathDeviceAuthorization, url.Values{"client_id": {DemoClientID}}, evil); strings.Contains(got.body, "evil") {
		t.Errorf("device authorization: %s", got.body)
	}
	got := post(t, c, s.Issuer()+wire.PathAuthorize, url.Values{"client_id": {"app"}, "redirect_uri": {"https://evil.example"}}, evil)
	if to := got.Header.Get("Location"); got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, s.Issuer()+wire.PathAuthorize+"?") {
		t.Errorf("a posted authorization request: got %s to %q, want 303 to our own address", got.Status, to)
	}
}

// TestABrokenLinkIsAPageThatLeadsNowhere: with real pages, and nothing of the request in them.
func TestABrokenLinkIsAPageThatLeadsNowhere(t *testing.T) {
	s, c := below(t)
	addApp(t, s)
	for name, q := range map[string]url.Values{
		"an unknown client":            {"client_id": {"<script>alert(1)</script>"}, "redirect_uri": {"https://evil.example"}},
		"an unregistered redirect_uri": {"client_id": {"app"}, "redirect_uri": {"https://evil.example/<script>"}, "response_type": {"code"}},
		"a registered one and another": {"client_id": {"app"}, "redirect_uri": {appURI, "https://evil.example"}},
		"a script":                     {"client_id": {"app"}, "redirect_uri": {"javascript:alert(1)//evil.example"}},
	} {
		resp, err := c.Get(s.Issuer() + wire.PathAuthorize + "?" + q.Encode())
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusBadRequest || resp.Header.Get("Location") != "" {
			t.Errorf("%s: got %s to %q, %v; want a page with 400", name, resp.Status, resp.Header.Get("Location"), err)
		}
		if strings.Contains(string(text), "evil") || strings.Contains(string(text), "alert(1)") {
			t.Errorf("%s: the page has something of the request:\n%s", name, text)
		}
		if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: the policy is %q", name, csp)
		}
	}
}

// TestNoAnswerHasTheBrowserRepeatAForm: a 307 or 308 would send what was posted, such
// as a secret, once more to another address (RFC 9700 section 4.12).
func TestNoAnswerHasTheBrowserRepeatAForm(t *testing.T) {
	s, c := below(t)
	addApp(t, s)
	good := url.Values{
		"client_id": {"app"}, "redirect_uri": {appURI}, "response_type": {"code"}, "code_challenge_method": {"S256"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier("x")}, "client_secret": {"s3cret"}, "token": {"s3cret"}, "user_code": {"BBBB-BBBB"},
	}
	bad := url.Values{"client_id": {"app"}, "redirect_uri": {appURI}, "response_type": {"token"}}
	paths := append([]string{
		"/", "/device", "/join", "/account", "/signin", "/confirm/x", "/confirm/x/deny", "/confirm/x/return", "/account/sign-out", "/signout-here", "/nothing",
		"", "//token", "/./token", "/x/../token", "//device", "/assets", "/assets/",
	}, machinePaths[:]...)
	for _, path := range paths {
		for name, form := range map[string]url.Values{"a good form": good, "a bad one": bad, "none": nil} {
			for where, got := range map[string]reply{
				"posted":     post(t, c, s.Issuer()+path, form),
				"in the URL": fetch(t, c, s.Issuer()+path+"?"+form.Encode()),
			} {
				if got.StatusCode == http.StatusTemporaryRedirect || got.StatusCode == http.StatusPermanentRedirect {
					t.Errorf("%s at %s, %s: got %s", name, path, where, got.Status)
				}
				if strings.Contains(got.Header.Get("Location"), "s3cret") {
					t.Errorf("%s at %s, %s: to %q, with the secret", name, path, where, got.Header.Get("Location"))
				}
			}
		}
	}
}

func fetch(t *testing.T, c *http.Client, address string) reply {
	t.Helper()
	resp, err := c.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp, string(text)}
}
