package oauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/assertion"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/jws/jwstest"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
)

const (
	issuer   = "http://localhost:8080"
	callback = "https://app.acme.example/done"
	verifier = "a-verifier-of-the-length-that-RFC-7636-demands"
	password = "p:w d%+&=ü" // no letter of which survives every encoding as it is
)

// app is a client at the machine face: who it is, and how it proves it.
type app struct {
	*server
	id string
	// authenticate puts what the client proves itself with into a request to the path.
	authenticate func(path string, form url.Values) func(*http.Request)
	key          dpop.Key // zero: bearer tokens
	nonce        string   // the last one that came
}

// app is a public client, with tokens that are bound to no key.
func (s *server) app(id auth.ClientID) *app {
	return &app{server: s, id: string(id), authenticate: public}
}

// bound has its tokens bound to a key.
func (a *app) bound() *app {
	a.t.Helper()
	a.key = newKey(a.t)
	return a
}

func newKey(t testing.TB) dpop.Key {
	t.Helper()
	k, err := dpop.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func public(string, url.Values) func(*http.Request) { return func(*http.Request) {} }

// The clients that every test may add: one of each way to authenticate.
func (s *server) backend(change ...func(*auth.Client)) *app {
	s.t.Helper()
	c := auth.Client{
		ID: "back end", Name: "Backend", AuthMethod: auth.AuthSecret,
		Secrets: []auth.ClientSecret{{Hash: secret.From(password).Hash()}},
	}
	for _, f := range change {
		f(&c)
	}
	s.AddClient(c)
	a := s.app(c.ID)
	a.authenticate = byBasic(a.id, password)
	return a
}

func byBasic(id, sec string) func(string, url.Values) func(*http.Request) {
	return func(_ string, form url.Values) func(*http.Request) {
		form.Del(wire.ParamClientID)
		return basicAuth(id, sec)
	}
}

func byForm(sec string) func(string, url.Values) func(*http.Request) {
	return func(path string, form url.Values) func(*http.Request) {
		form.Set(wire.ParamClientSecret, sec)
		return public(path, form)
	}
}

// service is a client that signs assertions with the key.
func (s *server) service() (*app, *ecdsa.PrivateKey) {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	keys, err := assertion.ParseKeys([]byte(jwstest.JWK(s.t, key)))
	if err != nil {
		s.t.Fatal(err)
	}
	s.AddClient(auth.Client{ID: "service", Name: "Service", AuthMethod: auth.AuthPrivateKey, Keys: keys})
	a := s.app("service")
	a.authenticate = func(path string, form url.Values) func(*http.Request) {
		form.Del(wire.ParamClientID)
		a.assert(form, jwstest.Sign(s.t, "ES256", key, `{"alg":"ES256"}`, marshal(s.t, a.claims())))
		return public(path, form)
	}
	return a, key
}

func (a *app) assert(form url.Values, text string) {
	form.Set(wire.ParamClientAssertionType, wire.AssertionTypeJWT)
	form.Set(wire.ParamClientAssertion, text)
}

// claims are those of a good assertion.
func (a *app) claims() map[string]any {
	return map[string]any{
		"iss": a.id, "sub": a.id, "aud": issuer, "jti": rand.Text(), "exp": a.Clock.Now().Add(time.Minute).Unix(),
	}
}

func marshal(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// post sends a form as the client that it is, with a proof where there is a key.
func (a *app) post(path string, form url.Values, change ...func(*http.Request)) answer {
	a.t.Helper()
	form = maps.Clone(form)
	if form == nil {
		form = url.Values{}
	}
	form.Set(wire.ParamClientID, a.id)
	changes := []func(*http.Request){a.authenticate(path, form), a.proving(http.MethodPost, path, "")}
	return a.heard(a.server.post(path, form, append(changes, change...)...))
}

// heard remembers the nonce for the next proof.
func (a *app) heard(got answer) answer {
	if nonce := got.Header.Get(wire.HeaderDPoPNonce); nonce != "" {
		a.nonce = nonce
	}
	return got
}

// proving adds a fresh proof of the client's key, if it has one.
func (a *app) proving(method, path, accessToken string) func(*http.Request) {
	return func(r *http.Request) {
		if !a.key.IsZero() {
			r.Header.Set(wire.HeaderDPoP, a.proof(dpop.Request{
				Method: method, URL: issuer + path, AccessToken: accessToken, Nonce: a.nonce,
			}))
		}
	}
}

func (a *app) proof(r dpop.Request) string {
	a.t.Helper()
	p, err := a.key.Prove(a.Clock.Now(), r)
	if err != nil {
		a.t.Fatal(err)
	}
	return p
}

// ada is who signs in.
func (s *server) ada() *logintest.Person {
	s.t.Helper()
	if s.person == nil {
		s.person = s.Join("Ada")
	}
	return s.person
}

// approved is the device code of a grant that was begun with the form and approved.
func (a *app) approved(form url.Values) (deviceCode string) {
	a.t.Helper()
	got := a.post(wire.PathDeviceAuthorization, form)
	var d wire.DeviceAuthorization
	if err := json.Unmarshal(got.body, &d); err != nil || got.StatusCode != http.StatusOK {
		a.t.Fatalf("device authorization: %s %s", got.Status, got.body)
	}
	a.Approve(a.ada(), grantID(d.DeviceCode))
	return d.DeviceCode
}

// redeem asks for the tokens of a device code.
func (a *app) redeem(deviceCode string, change ...func(*http.Request)) answer {
	a.t.Helper()
	return a.post(wire.PathToken, url.Values{"grant_type": {wire.GrantTypeDeviceCode}, "device_code": {deviceCode}}, change...)
}

// signIn is a whole sign-in by the device grant, begun with the form.
func (a *app) signIn(form url.Values) wire.Token {
	a.t.Helper()
	return a.tokens(a.redeem(a.approved(form)))
}

func (a *app) tokens(got answer) (tok wire.Token) {
	a.t.Helper()
	if err := json.Unmarshal(got.body, &tok); err != nil || got.StatusCode != http.StatusOK {
		a.t.Fatalf("tokens: %s %s", got.Status, got.body)
	}
	return tok
}

// refresh asks for the next tokens. The form may have more in it.
func (a *app) refresh(refreshToken string, more url.Values, change ...func(*http.Request)) answer {
	a.t.Helper()
	form := url.Values{"grant_type": {wire.GrantTypeRefresh}, "refresh_token": {refreshToken}}
	maps.Copy(form, more)
	return a.post(wire.PathToken, form, change...)
}

// userInfo presents the access token by the scheme that its type names.
func (a *app) userInfo(tok wire.Token, change ...func(*http.Request)) answer {
	a.t.Helper()
	changes := []func(*http.Request){presenting(tok.TokenType, tok.AccessToken)}
	if tok.TokenType == wire.TokenTypeDPoP {
		changes = append(changes, a.proving(http.MethodGet, wire.PathUserInfo, tok.AccessToken))
	}
	return a.heard(a.send(http.MethodGet, wire.PathUserInfo, "", append(changes, change...)...))
}

func presenting(scheme, tok string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", scheme+" "+tok) }
}

// web adds a public client that asks by way of the browser.
func (s *server) web(change ...func(*auth.Client)) *app {
	s.t.Helper()
	c := auth.Client{ID: "web", Name: "Web", RedirectURIs: []string{callback, "http://127.0.0.1/done", "com.acme.app:/done"}}
	for _, f := range change {
		f(&c)
	}
	s.AddClient(c)
	return s.app(c.ID)
}

// query is a good authorization request, with some parameters set otherwise. One
// that is set to nothing is left out.
func (a *app) query(other ...string) url.Values {
	q := url.Values{
		"client_id": {a.id}, "redirect_uri": {callback}, "response_type": {"code"}, "state": {"s1 &<x>"},
		"code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(other); i += 2 {
		if q.Set(other[i], other[i+1]); other[i+1] == "" {
			q.Del(other[i])
		}
	}
	return q
}

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (s *server) authorize(query url.Values) answer {
	s.t.Helper()
	return s.send(http.MethodGet, wire.PathAuthorize+"?"+query.Encode(), "")
}

// code is the authorization code of a request that Ada approved.
func (a *app) code(query url.Values) string {
	a.t.Helper()
	got := a.authorize(query)
	id, _ := last(a.pages, asked)
	if got.StatusCode != http.StatusOK || id == "" {
		a.t.Fatalf("authorize: %s to %q", got.Status, got.Header.Get("Location"))
	}
	a.Approve(a.ada(), id)
	to, err := a.Service.Return(a.t.Context(), a.ada().Browser, id)
	if err != nil {
		a.t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil || u.Query().Get("code") == "" {
		a.t.Fatalf("back to %q, %v; want a code", to, err)
	}
	return u.Query().Get("code")
}

// exchangeForm is a good token request with the code, with some parameters set otherwise.
func exchangeForm(code string, other ...string) url.Values {
	form := url.Values{
		"grant_type": {wire.GrantTypeCode}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
	}
	for i := 0; i < len(other); i += 2 {
		if form.Set(other[i], other[i+1]); other[i+1] == "" {
			form.Del(other[i])
		}
	}
	return form
}

func (a *app) exchange(code string, other ...string) answer {
	a.t.Helper()
	return a.post(wire.PathToken, exchangeForm(code, other...))
}

// decodeSegment is the text of the part of a JWT before the next dot.
func decodeSegment(t testing.TB, text string) string {
	t.Helper()
	text, _, _ = strings.Cut(text, ".")
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
