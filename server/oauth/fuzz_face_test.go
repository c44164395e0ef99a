package oauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/jws/jwstest"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// ask has the face answer a request without a socket.
func (s *server) ask(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.face.Handler().ServeHTTP(w, r)
	return w
}

// registeredReturn is where a browser may be led to: what the client web has registered.
var registeredReturn = regexp.MustCompile(`^(https://app\.acme\.example/done|http://127\.0\.0\.1(:[0-9]{1,5})?/done|com\.acme\.app:/done)\?[!-~]+$`)

// FuzzAuthorizationRequest: whatever the query says, the browser goes to a registered
// address with who answers, or nowhere.
func FuzzAuthorizationRequest(f *testing.F) {
	s := serve(f, budget.Limits{})
	a := s.web()
	for _, q := range []url.Values{
		a.query(), a.query("scope", "admin"), a.query("redirect_uri", "http://127.0.0.1:5000/done", "response_type", "token"),
		a.query("redirect_uri", "https://evil.example"), a.query("client_id", "nobody"), a.query("prompt", "none", "redirect_uri", "com.acme.app:/done"),
		a.query("state", "\x00\r\n\xff<>"), a.query("redirect_uri", "http://127.0.0.1:1@evil.example/done"), a.query("resource", "#"), a.query("nonce", "\xff\x00"),
	} {
		f.Add(q.Encode())
	}
	f.Add("client_id=web&client_id=web&redirect_uri=%")
	f.Add("client_id=web;redirect_uri=x")
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest(http.MethodGet, wire.PathAuthorize, nil)
		r.URL.RawQuery = query
		w := s.ask(r)
		to := w.Header().Get("Location")
		switch w.Code {
		case http.StatusOK, http.StatusBadRequest:
			if to != "" {
				t.Fatalf("%q: %d with Location %q", query, w.Code, to)
			}
		case http.StatusSeeOther:
			if !registeredReturn.MatchString(to) {
				t.Fatalf("%q leads to %q", query, to)
			}
			_, back, _ := strings.Cut(to, "?")
			if q, err := url.ParseQuery(back); err != nil || q.Get("iss") != issuer || q.Get("error") == "" || q.Get("error") == wire.CodeServerError || q.Has("code") {
				t.Fatalf("%q leads to %q", query, to)
			}
		default:
			t.Fatalf("%q: got %d %s", query, w.Code, w.Body)
		}
	})
}

// FuzzClientAssertion: no text but the one that the client signed is taken, and that once.
func FuzzClientAssertion(f *testing.F) {
	s := serve(f, budget.Limits{})
	a, key := s.service()
	good := jwstest.Sign(f, "ES256", key, `{"alg":"ES256"}`, marshal(f, a.claims()))
	parts := strings.Split(good, ".")
	for _, seed := range []string{
		good, good + "=", good + "\n", parts[0] + "." + parts[1] + ".", "." + parts[1] + ".", "..", "", "x",
		jwstest.Sign(f, "none", nil, `{"alg":"none"}`, marshal(f, a.claims())),
		jwstest.Sign(f, "ES256", key, `{"alg":"ES256","kid":"x","jwk":{}}`, `{"sub":"service","iss":"service","aud":[1]}`),
		jwstest.Sign(f, "ES256", key, `{"alg":"ES256"}`, `{"sub":"service","sub":"web"}`),
		jwstest.Sign(f, "ES256", key, `{"alg":"ES256"}`, `{"sub":{"a":1},"exp":1e400}`),
	} {
		f.Add(seed, wire.AssertionTypeJWT, "")
		f.Add(seed, wire.AssertionTypeJWT, "service")
	}
	f.Add(good, "x", "service")
	f.Add(good, wire.AssertionTypeJWT, "web")
	taken := false
	f.Fuzz(func(t *testing.T, text, kind, id string) {
		form := url.Values{"client_assertion": {text}, "client_assertion_type": {kind}, "client_id": {id}}
		r := httptest.NewRequest(http.MethodPost, wire.PathDeviceAuthorization, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := s.ask(r)
		switch {
		case w.Code == http.StatusOK && text == good && !taken:
			taken = true
		case w.Code != http.StatusUnauthorized && w.Code != http.StatusBadRequest:
			t.Fatalf("%q of type %q by %q: got %d %s", text, kind, id, w.Code, w.Body)
		}
		if len(text) > 20 && strings.Contains(w.Body.String(), text) {
			t.Fatalf("the assertion is told on: %s", w.Body)
		}
	})
}

// FuzzAuthorizationHeader: no header lets anybody in who has neither token nor secret.
func FuzzAuthorizationHeader(f *testing.F) {
	s := serve(f, budget.Limits{})
	s.backend()
	tok := s.web().signIn(nil).AccessToken
	for _, seed := range []string{
		"", "Bearer", "Bearer x", "Bearer " + tok[:len(tok)-2], "DPoP " + tok, "Basic", "Basic !", "Basic YmFjaytlbmQ6", "Basic YmFjaytlbmQ6JQ==", "Basic Og==",
		"Bearer x.y.z", "Bearer .." + strings.Repeat("A", 20<<10), "Bearer\x00x", "basic YTpi", "Basic YmFjaytlbmQ6AA==",
	} {
		f.Add(seed, "")
		f.Add(seed, "x.y.z")
	}
	f.Fuzz(func(t *testing.T, header, proof string) {
		if strings.Contains(header, tok) && !strings.HasPrefix(header, "DPoP") {
			return // the token itself lets anybody in
		}
		for method, path := range map[string]string{http.MethodGet: wire.PathUserInfo, http.MethodPost: wire.PathIntrospect} {
			r := httptest.NewRequest(method, path, strings.NewReader("token=x"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Authorization", header)
			if proof != "" {
				r.Header.Set(wire.HeaderDPoP, proof)
			}
			w := s.ask(r)
			if w.Code != http.StatusUnauthorized && w.Code != http.StatusBadRequest || strings.Contains(w.Body.String(), "Ada") {
				t.Fatalf("%q at %s: got %d %s", header, path, w.Code, w.Body)
			}
			if w.Code == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
				t.Fatalf("%q at %s: 401 without a challenge", header, path)
			}
		}
	})
}

// FuzzNumber: nothing that is sent for a number approves a sign-in but the number, and
// nothing that cannot be one costs a try.
func FuzzNumber(f *testing.F) {
	s := serve(f, budget.Limits{})
	deviceCode, number := s.verifying()
	for _, seed := range []string{"", "4", "470", " 4 7", "-1", "4\x00", "４７", "%", "4.", "0x", "\xff\xfe", strings.Repeat("7", 20<<10)} {
		f.Add(seed, deviceCode)
		f.Add(seed, "guess")
	}
	f.Add(number, "guess")
	f.Fuzz(func(t *testing.T, text, code string) {
		if digits, err := wire.ParseNumber(text); err == nil && code == deviceCode {
			t.Skip("a try: ", digits)
		}
		form := url.Values{"client_id": {string(logintest.App)}, "device_code": {code}, "number": {text}}
		r := httptest.NewRequest(http.MethodPost, wire.PathConfirmation, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if w := s.ask(r); w.Code != http.StatusBadRequest || strings.Contains(w.Body.String(), deviceCode) {
			t.Fatalf("%q for %q: got %d %s", text, code, w.Code, w.Body)
		}
		if g, err := s.Grant(t.Context(), grantID(deviceCode)); err != nil || g.TriesLeft() != grant.NumberTries {
			t.Fatalf("%q for %q cost a try: %d are left, %v", text, code, g.TriesLeft(), err)
		}
	})
}
