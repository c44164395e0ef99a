package oauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/jws/jwstest"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// TestNothingSecretIsLoggedOrToldOn: whatever is sent, wherever, well or badly,
// while the store works and while it does not.
func TestNothingSecretIsLoggedOrToldOn(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web().bound()
	back := s.backend()
	service, key := s.service()
	tok, code := a.signIn(nil), a.code(a.query())
	proof := a.proof(dpop.Request{Method: "POST", URL: issuer + wire.PathToken, Nonce: a.nonce})
	claims := service.claims()
	claims["aud"] = "https://other.example"
	assertion := jwstest.Sign(t, "ES256", key, `{"alg":"ES256"}`, marshal(t, claims))
	deviceCode := s.begin(nil).DeviceCode
	secrets := []string{tok.AccessToken, tok.RefreshToken, tok.IDToken, code, verifier, deviceCode, password, proof, assertion}
	paths := []string{wire.PathToken, wire.PathDeviceAuthorization, wire.PathConfirmation, wire.PathRevoke, wire.PathIntrospect, wire.PathUserInfo, wire.PathAuthorize}
	params := []string{
		"grant_type", "device_code", "code", "code_verifier", "refresh_token", "token", "client_secret", "client_assertion",
		"client_id", "redirect_uri", "scope", "resource", "dpop_jkt", "client_assertion_type", "nonce", "number",
	}
	told := func(got answer, what string) {
		t.Helper()
		for _, sensitive := range secrets {
			if strings.Contains(string(got.body), sensitive) {
				t.Errorf("%s: the answer has a secret: %s", what, got.body)
			}
			for name, values := range got.Header {
				if name != "Location" && strings.Contains(strings.Join(values, "\n"), sensitive) {
					t.Errorf("%s: the header %s has a secret: %q", what, name, values)
				}
			}
		}
	}
	attack := func() {
		for _, path := range paths {
			for i, sensitive := range secrets {
				form := url.Values{"client_id": {"web"}, "grant_type": {wire.GrantTypeRefresh}}
				for _, param := range params {
					with := url.Values{"client_id": {"web"}, "grant_type": {wire.GrantTypeCode}}
					with.Set(param, sensitive)
					told(s.post(path, with), path+" "+param)
				}
				told(s.post(path, form, bearer(sensitive), withProof(sensitive)), path+" as a bearer token")
				told(s.post(path, form, basicAuth(sensitive, sensitive)), path+" by Basic")
				told(s.post(path, form, presenting("DPoP", sensitive), withProof(secrets[len(secrets)-1-i])), path+" as a bound token")
				told(s.send(http.MethodGet, path+"?"+url.Values{"redirect_uri": {sensitive}, "client_id": {sensitive}}.Encode(), ""), path+" in the URL")
			}
		}
	}
	attack()
	whole := s.Service.Store
	s.Service.Store = failing{whole, store.ErrUnavailable}
	attack()
	s.Service.Store = whole
	told(back.post(wire.PathIntrospect, url.Values{"token": {tok.AccessToken}}), "an introspection")
	log := s.log.String()
	for i, sensitive := range secrets {
		if strings.Contains(log, sensitive) {
			t.Errorf("secret %d is in the log", i)
		}
		if escaped := url.QueryEscape(sensitive); strings.Contains(log, escaped) {
			t.Errorf("secret %d is in the log, escaped", i)
		}
	}
}

// TestMarkupComesBackNowhere: answers to machines are no HTML, and hold none.
func TestMarkupComesBackNowhere(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	const markup = `<script>alert(1)</script>`
	params := []string{
		"grant_type", "device_code", "code", "refresh_token", "token", "client_secret", "client_assertion", "client_id", "scope",
		"resource", "dpop_jkt", "client_assertion_type", "nonce", "state", "redirect_uri", "response_type", "prompt", "device_name", "number",
		"device_platform", "app_version", markup,
	}
	for _, path := range []string{wire.PathToken, wire.PathDeviceAuthorization, wire.PathConfirmation, wire.PathRevoke, wire.PathIntrospect, wire.PathUserInfo, wire.PathAuthorize} {
		for _, param := range params {
			form := a.query("grant_type", wire.GrantTypeDeviceCode, "token", "x", "device_code", "x", "number", "47")
			form.Set(param, markup)
			twice := url.Values{"client_id": {"web"}, param: {markup, markup}}
			for name, got := range map[string]answer{
				"sent":         s.post(path, form),
				"sent twice":   s.post(path, twice),
				"in the URL":   s.send(http.MethodGet, path+"?"+form.Encode(), ""),
				"as a proof":   s.post(path, form, withProof(markup)),
				"as a token":   s.post(path, form, bearer(markup)),
				"by Basic":     s.post(path, form, basicAuth(markup, markup)),
				"twice in URL": s.send(http.MethodGet, path+"?"+twice.Encode(), ""),
			} {
				all := string(got.body)
				for _, values := range got.Header {
					all += strings.Join(values, "\n")
				}
				if strings.Contains(all, "<script") {
					t.Errorf("%s %s at %s: %s", param, name, path, all)
				}
				if strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
					t.Errorf("%s %s at %s: HTML", param, name, path)
				}
			}
		}
	}
}

// TestAnErrorTellsWhichRuleWasBroken: whoever makes proofs and assertions needs to know.
func TestAnErrorTellsWhichRuleWasBroken(t *testing.T) {
	s := serve(t, budget.Limits{})
	service, key := s.service()
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	claims := service.claims()
	claims["aud"] = "https://other.example"
	far := service.claims()
	delete(far, "exp")
	sign := func(claims map[string]any) url.Values {
		return asserted(jwstest.Sign(t, "ES256", key, `{"alg":"ES256"}`, marshal(t, claims)))
	}
	authenticated := func() url.Values { return sign(service.claims()) }
	for want, got := range map[string]answer{
		"its aud is not this server":              s.post(wire.PathToken, sign(claims)),
		"it has no exp":                           s.post(wire.PathToken, sign(far)),
		"its htu is not the address":              s.post(wire.PathToken, authenticated(), withProof(s.forge("ES256", other, "/elsewhere", nil))),
		"exactly one DPoP header":                 s.post(wire.PathToken, authenticated(), withProof("x", "y")),
		"a parameter is missing: client_id":       s.post(wire.PathToken, url.Values{"grant_type": {"x"}}),
		"a parameter is repeated: scope":          s.post(wire.PathToken, url.Values{"scope": {"x", "y"}}),
		"must be application/x-www-form-urlencod": s.send(http.MethodPost, wire.PathToken, "{}"),
	} {
		if !strings.Contains(string(got.body), want) {
			t.Errorf("got %s, want that %s", got.body, want)
		}
	}
}

// TestAForeignCodeLooksLikeOneThatNeverWas: or the answers would tell what exists.
func TestAForeignCodeLooksLikeOneThatNeverWas(t *testing.T) {
	s := serve(t, budget.Limits{})
	a, b := s.web(), s.backend(func(c *auth.Client) { c.RedirectURIs = []string{callback} })
	tok := a.signIn(nil)
	bodies := func(answers ...answer) (list []string) {
		for _, got := range answers {
			list = append(list, got.Status+string(got.body))
		}
		slices.Sort(list)
		return slices.Compact(list)
	}
	for name, list := range map[string][]string{
		"device codes":        bodies(b.redeem(a.approved(nil)), b.redeem("x")),
		"authorization codes": bodies(b.exchange(a.code(a.query())), b.exchange("x.y")),
		"refresh tokens":      bodies(b.refresh(tok.RefreshToken, nil), b.refresh("x.y", nil)),
		"revocations":         bodies(b.post(wire.PathRevoke, url.Values{"token": {tok.AccessToken}}), b.post(wire.PathRevoke, url.Values{"token": {"x"}})),
	} {
		if len(list) != 1 {
			t.Errorf("%s: the answers differ: %q", name, list)
		}
	}
}
