package resource_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/resource"
)

const (
	algs       = `algs="ES256 ES384 ES512 EdDSA RS256 RS384 RS512 PS256 PS384 PS512"`
	bearerOnly = `Bearer realm="https://files.example.com"`
	dpopOnly   = `DPoP realm="https://files.example.com"`
)

// serve runs the request through the middleware and returns the answer.
func serve(v *resource.Verifier, r *http.Request, scopes ...string) *http.Response {
	w := httptest.NewRecorder()
	v.Require(scopes...)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, ok := resource.From(r.Context())
		if !ok {
			panic("no token in the context")
		}
		_, _ = io.WriteString(w, t.Subject)
	})).ServeHTTP(w, r)
	return w.Result()
}

func body(res *http.Response) string { return string(must(io.ReadAll(res.Body))) }

func TestTheHandlerKnowsWhoCalls(t *testing.T) {
	key := newES256("k")
	v := newIssuer(key).verifier(t)
	res := serve(v, bearer(key.token(good(time.Now()))), "files.read")
	if got := body(res); res.StatusCode != http.StatusOK || got != "user-1" {
		t.Errorf("got %d %q, want the subject", res.StatusCode, got)
	}
	if _, ok := resource.From(t.Context()); ok {
		t.Error("there is a token in a context that has seen no middleware")
	}
}

func TestRefusalsAreChallenges(t *testing.T) {
	now, key, proofKey := time.Now(), newES256("k"), must(dpop.NewKey())
	f := newIssuer(key)
	either := f.verifier(t)
	strict := f.verifier(t, func(c *resource.Config) { c.RequireDPoP = true })
	fine := key.token(good(now))
	expired := key.token(good(now).with(claims{"exp": now.Add(-time.Hour).Unix()}))
	bound := key.token(good(now).boundTo(proofKey))
	unproven := request("DPoP " + bound)
	tests := []struct {
		name   string
		v      *resource.Verifier
		r      *http.Request
		scopes []string
		status int
		want   []string
	}{
		{
			"no token: no error, and what is needed", either, request(),
			[]string{"files.read", "files.list"},
			401,
			[]string{bearerOnly + `, scope="files.read files.list"`, dpopOnly + `, scope="files.read files.list", ` + algs},
		},
		{
			"a scheme for others", either, request("Basic YTpi"), nil, 401,
			[]string{bearerOnly, dpopOnly + `, ` + algs},
		},
		{
			"expired", either, bearer(expired),
			[]string{"files.read"},
			401,
			[]string{bearerOnly + `, error="invalid_token", error_description="the token has expired"`, dpopOnly + `, ` + algs},
		},
		{
			"a scope is missing", either, bearer(fine),
			[]string{"files.write"},
			403,
			[]string{bearerOnly + `, scope="files.write", error="insufficient_scope", error_description="the token lacks a scope that this needs"`, dpopOnly + `, scope="files.write", ` + algs},
		},
		{
			"malformed", either, request("Bearer a b"), nil, 400,
			[]string{bearerOnly + `, error="invalid_request", error_description="the Authorization header has no well-formed token"`, dpopOnly + `, ` + algs},
		},
		{
			"no proof", either, unproven, nil, 401,
			[]string{bearerOnly, dpopOnly + `, error="invalid_dpop_proof", error_description="the DPoP proof is not valid: there must be exactly one DPoP header", ` + algs},
		},
		{
			"a bound token as a bearer token", either, bearer(bound), nil, 401,
			[]string{bearerOnly + `, error="invalid_token", error_description="the token is bound to a key: send it by the DPoP scheme, with a proof"`, dpopOnly + `, ` + algs},
		},
		{
			"a bearer token where none is taken", strict, bearer(fine), nil, 401,
			[]string{dpopOnly + `, error="invalid_token", error_description="this resource takes only tokens that are bound to a key", ` + algs},
		},
		{"no token where no bearer token is taken", strict, request(), nil, 401, []string{dpopOnly + `, ` + algs}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := serve(tt.v, tt.r, tt.scopes...)
			if res.StatusCode != tt.status {
				t.Errorf("got status %d, want %d", res.StatusCode, tt.status)
			}
			if diff := cmp.Diff(tt.want, res.Header.Values("WWW-Authenticate")); diff != "" {
				t.Errorf("WWW-Authenticate: want -, got +:\n%s", diff)
			}
			if got := res.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control: got %q, want no-store", got)
			}
			if got := res.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
				t.Errorf("Content-Type: got %q", got)
			}
			if text := body(res); strings.Contains(text, "eyJ") {
				t.Errorf("the body quotes a token: %s", text)
			}
		})
	}
}

func TestAChallengeCannotBeBrokenOutOf(t *testing.T) {
	f := newIssuer(newES256("k"))
	v := f.verifier(t, func(c *resource.Config) { c.Audience, c.BaseURL = "urn:\"a\\b\r\nX: ä", audience })
	e := refuses(t, v, request(), http.StatusUnauthorized, "")
	if got, want := e.Header.Get("WWW-Authenticate"), `Bearer realm="urn:'a'b''X: '"`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
