package resource_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/wire"
	"github.com/qrauthd/qrauthd/resource"
)

const (
	issuerURL = "https://login.example.com"
	audience  = "https://files.example.com"
)

// issuer is a server as a resource sees it. It is its own transport, so that it can
// be asked within a bubble of synthetic time.
type issuer struct {
	mu      sync.Mutex // guards what follows
	meta    wire.Metadata
	keys    []any                         // as published
	header  http.Header                   // of the keys
	down    bool                          // the network is
	broken  int                           // the status of every answer, if any
	gate    chan struct{}                 // requests wait for it, if any
	active  func(token string) (any, int) // of introspection
	asked   map[string]int                // requests by path
	wasAuth string                        // Authorization of the last introspection
}

func newIssuer(keys ...signer) *issuer {
	f := &issuer{
		meta: wire.Metadata{
			Issuer: issuerURL, JWKSURI: issuerURL + "/jwks", IntrospectionEndpoint: issuerURL + "/introspect",
		},
		active: func(string) (any, int) { return map[string]any{"active": true}, http.StatusOK },
		asked:  make(map[string]int),
	}
	f.publish(keys...)
	return f
}

func (f *issuer) publish(keys ...signer) {
	set := make([]any, len(keys))
	for i, k := range keys {
		set[i] = k.public()
	}
	f.set(func() { f.keys = set })
}

func (f *issuer) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *issuer) count(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[path]
}

// RoundTrip answers without a network.
func (f *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	gate, down := f.gate, f.down
	f.asked[r.URL.Path]++
	f.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if down {
		return nil, fmt.Errorf("dial %s: connection refused", r.URL.Host)
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	res := w.Result()
	res.Request = r
	return res, nil
}

func (f *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var body any
	status := http.StatusOK
	switch r.URL.Path {
	case wire.WellKnownMetadata, wire.WellKnownMetadata + "/tenant":
		body = f.meta
	case "/" + path.Base(f.meta.JWKSURI):
		maps.Copy(w.Header(), f.header)
		body = map[string]any{"keys": f.keys}
	case "/introspect":
		f.wasAuth = r.Header.Get("Authorization")
		body, status = f.active(r.FormValue("token"))
	default:
		status = http.StatusNotFound
	}
	if f.broken != 0 {
		status = f.broken
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// verifier is one that trusts the issuer.
func (f *issuer) verifier(t testing.TB, change ...func(*resource.Config)) *resource.Verifier {
	t.Helper()
	cfg := resource.Config{Issuer: issuerURL, Audience: audience, HTTPClient: &http.Client{Transport: f}}
	for _, c := range change {
		c(&cfg)
	}
	v, err := resource.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// signer is a key of the server's.
type signer struct {
	kid     string
	alg     jose.SignatureAlgorithm
	private crypto.Signer
}

func (s signer) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: s.private.Public(), KeyID: s.kid, Algorithm: string(s.alg), Use: "sig"}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newES256(kid string) signer {
	return signer{kid, jose.ES256, must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
}

func newEdDSA(kid string) signer {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return signer{kid, jose.EdDSA, must(private, err)}
}

func newRS256(kid string, bits int) signer {
	return signer{kid, jose.RS256, must(rsa.GenerateKey(rand.Reader, bits))}
}

// kinds are the three algorithms of the server.
func kinds() map[string]signer {
	return map[string]signer{"ES256": newES256("k"), "EdDSA": newEdDSA("k"), "RS256": newRS256("k", 2048)}
}

type claims map[string]any

// good are the claims of a token that is fine.
func good(now time.Time) claims {
	return claims{
		"iss": issuerURL, "sub": "user-1", "aud": audience, "client_id": "acme-studio", "jti": "token-1", "sid": "session-1",
		"scope": "openid files.read", "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "auth_time": now.Add(-time.Hour).Unix(),
		"acr": "phr", "amr": []string{"pop", "user", "mfa"},
	}
}

// with is the claims with some of them changed; nil takes one away.
func (c claims) with(changes claims) claims {
	c = maps.Clone(c)
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// boundTo binds the token to the key.
func (c claims) boundTo(k dpop.Key) claims {
	return c.with(claims{"cnf": map[string]string{"jkt": k.Thumbprint()}})
}

// token signs an access token.
func (s signer) token(c claims) string { return s.sign("at+jwt", c) }

func (s signer) sign(typ string, c claims) string {
	opts := (&jose.SignerOptions{}).WithHeader("kid", s.kid)
	if typ != "" {
		opts = opts.WithType(jose.ContentType(typ))
	}
	return signWith(s.alg, s.private, opts, c)
}

func signWith(alg jose.SignatureAlgorithm, key any, opts *jose.SignerOptions, c claims) string {
	s := must(jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, opts))
	return must(jwt.Signed(s).Claims(map[string]any(c)).Serialize())
}

// request is one to this API.
func request(authorization ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/files?of=ada", nil)
	for _, value := range authorization {
		r.Header.Add("Authorization", value)
	}
	return r
}

func bearer(token string) *http.Request { return request("Bearer " + token) }

// proven is a request with a proof of the key.
func proven(now time.Time, k dpop.Key, token string, change ...func(*dpop.Request)) *http.Request {
	p := dpop.Request{Method: http.MethodGet, URL: audience + "/files", AccessToken: token}
	for _, c := range change {
		c(&p)
	}
	r := request("DPoP " + token)
	r.Header.Set("DPoP", must(k.Prove(now, p)))
	return r
}

// accepts fails the test if the request is refused.
func accepts(t testing.TB, v *resource.Verifier, r *http.Request, scopes ...string) *resource.Token {
	t.Helper()
	tok, err := v.Verify(r, scopes...)
	if err != nil {
		t.Fatalf("got %v, want the token accepted", err)
	}
	return tok
}

// refuses fails the test unless the request is refused in that way.
func refuses(t testing.TB, v *resource.Verifier, r *http.Request, status int, code string, scopes ...string) *resource.Error {
	t.Helper()
	tok, err := v.Verify(r, scopes...)
	if err == nil {
		t.Fatalf("got %+v, want %d %s", tok, status, code)
	}
	e, ok := err.(*resource.Error)
	if !ok {
		t.Fatalf("got a %T, want an *Error", err)
	}
	if e.Status != status || e.Code != code {
		t.Fatalf("got %v, want %d %s", err, status, code)
	}
	if challenges := len(e.Header.Values("WWW-Authenticate")); (challenges == 0) != (status == http.StatusServiceUnavailable) {
		t.Errorf("%d %s has %d challenges", status, code, challenges)
	}
	return e
}
