package oauth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/jws/jwstest"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// withProof sets the header to these values.
func withProof(values ...string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Del(wire.HeaderDPoP)
		for _, v := range values {
			r.Header.Add(wire.HeaderDPoP, v)
		}
	}
}

func TestTokensForAProofAreBoundToItsKey(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web().bound()
	for name, tok := range map[string]wire.Token{
		"by a device code":         a.signIn(nil),
		"by an authorization code": a.tokens(a.exchange(a.code(a.query()))),
		"by a refresh token":       a.tokens(a.refresh(a.signIn(nil).RefreshToken, nil)),
	} {
		if tok.TokenType != "DPoP" {
			t.Errorf("%s: token_type %q, want DPoP", name, tok.TokenType)
		}
		cnf, _ := s.open(tok.AccessToken).claims["cnf"].(map[string]any)
		if cnf["jkt"] != a.key.Thumbprint() {
			t.Errorf("%s: cnf.jkt %v, want %s", name, cnf["jkt"], a.key.Thumbprint())
		}
		if got := a.userInfo(tok); got.StatusCode != http.StatusOK {
			t.Errorf("%s: userinfo: got %s %s, want 200", name, got.Status, got.body)
		}
	}
}

// TestEveryAdvertisedProofAlgorithmIsTaken: of those whose keys can be made here.
func TestEveryAdvertisedProofAlgorithmIsTaken(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	ec := func(c elliptic.Curve) crypto.Signer {
		k, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]crypto.Signer{
		"ES256": ec(elliptic.P256()), "ES384": ec(elliptic.P384()), "ES512": ec(elliptic.P521()), "EdDSA": ed,
		"RS256": rsaKey, "RS384": rsaKey, "RS512": rsaKey, "PS256": rsaKey, "PS384": rsaKey, "PS512": rsaKey,
	}
	for _, alg := range s.metadata().DPoPAlgorithms {
		key, ok := keys[alg]
		if !ok {
			t.Fatalf("%s is advertised, and no test knows it", alg)
		}
		proof := s.forge(alg, key, wire.PathDeviceAuthorization, nil)
		if got := a.post(wire.PathDeviceAuthorization, nil, withProof(proof)); got.StatusCode != http.StatusOK {
			t.Errorf("%s: got %s %s, want 200", alg, got.Status, got.body)
		}
	}
}

// forge signs a proof for a POST to the path, with claims of one's choice. One that is nil is left out.
func (s *server) forge(alg string, key crypto.Signer, path string, claims map[string]any) string {
	s.t.Helper()
	nonce, err := s.Service.Nonce(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	c := map[string]any{"jti": rand.Text(), "htm": "POST", "htu": issuer + path, "iat": s.Clock.Now().Unix(), "nonce": nonce}
	for name, value := range claims {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	header := `{"typ":"dpop+jwt","alg":"` + alg + `","jwk":` + jwstest.JWK(s.t, key) + `}`
	return jwstest.Sign(s.t, alg, key, header, marshal(s.t, c))
}

// faults are proofs that nobody may take, for a POST to the path.
func (s *server) faults(path string) map[string][]string {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	jwk := jwstest.JWK(s.t, key)
	good := func() string { return s.forge("ES256", key, path, nil) }
	claims := func(kv ...any) []string {
		c := make(map[string]any)
		for i := 0; i < len(kv); i += 2 {
			c[kv[i].(string)] = kv[i+1]
		}
		return []string{s.forge("ES256", key, path, c)}
	}
	_, payload, _ := strings.Cut(good(), ".")
	body := decodeSegment(s.t, payload)
	header := func(alg string, with any, text string) []string {
		return []string{jwstest.Sign(s.t, alg, with, text, body)}
	}
	now := s.Clock.Now()
	return map[string][]string{
		"two headers":                  {good(), good()},
		"two in one header":            {good() + ", " + good()},
		"an empty header":              {""},
		"no JWT":                       {"x"},
		"a typ of JWT":                 header("ES256", key, `{"typ":"JWT","alg":"ES256","jwk":`+jwk+`}`),
		"no typ":                       header("ES256", key, `{"alg":"ES256","jwk":`+jwk+`}`),
		"alg none":                     header("none", nil, `{"typ":"dpop+jwt","alg":"none","jwk":`+jwk+`}`),
		"a MAC":                        header("HS256", []byte("key"), `{"typ":"dpop+jwt","alg":"HS256","jwk":{"kty":"oct","k":"a2V5"}}`),
		"no jwk":                       header("ES256", key, `{"typ":"dpop+jwt","alg":"ES256"}`),
		"a private jwk":                header("ES256", key, `{"typ":"dpop+jwt","alg":"ES256","jwk":`+strings.TrimSuffix(jwk, "}")+`,"d":"AAAA"}}`),
		"a crit":                       header("ES256", key, `{"typ":"dpop+jwt","alg":"ES256","crit":["x"],"x":1,"jwk":`+jwk+`}`),
		"another's signature":          header("ES256", stranger, `{"typ":"dpop+jwt","alg":"ES256","jwk":`+jwk+`}`),
		"another method":               claims("htm", "GET"),
		"a method in another case":     claims("htm", "post"),
		"no method":                    claims("htm", nil),
		"another path":                 claims("htu", issuer+"/elsewhere"),
		"another host":                 claims("htu", "http://evil.example"+path),
		"the address that was dialled": claims("htu", s.URL+path),
		"another scheme":               claims("htu", strings.Replace(issuer, "http:", "https:", 1)+path),
		"no htu":                       claims("htu", nil),
		"a htu that is a path":         claims("htu", path),
		"an iat of long ago":           claims("iat", now.Add(-dpop.MaxAge-5*time.Second).Unix()),
		"an iat in the future":         claims("iat", now.Add(dpop.Skew+5*time.Second).Unix()),
		"no iat":                       claims("iat", nil),
		"an iat that is text":          claims("iat", "now"),
		"no jti":                       claims("jti", nil),
		"an empty jti":                 claims("jti", ""),
		"a jti too long":               claims("jti", strings.Repeat("x", 257)),
		"a huge one":                   {good() + strings.Repeat("A", 9<<10)},
	}
}

func TestAFaultyProofIsRefused(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	for _, path := range []string{wire.PathToken, wire.PathDeviceAuthorization} {
		code := a.approved(nil)
		for name, proof := range s.faults(path) {
			t.Run(path+" "+name, func(t *testing.T) {
				form := url.Values{"client_id": {a.id}, "grant_type": {wire.GrantTypeDeviceCode}, "device_code": {code}}
				got := s.post(path, form, withProof(proof...))
				if got.StatusCode != http.StatusBadRequest || got.oauthError(t) != wire.CodeInvalidDPoPProof {
					t.Errorf("got %s %s, want 400 invalid_dpop_proof", got.Status, got.body)
				}
				if proof[0] != "" && len(proof[0]) > 10 && strings.Contains(string(got.body)+s.log.String(), proof[0]) {
					t.Error("the proof is told on")
				}
			})
		}
		if got := a.redeem(code); got.StatusCode != http.StatusOK { // none of them spent the code
			t.Errorf("afterwards: got %s %s, want 200", got.Status, got.body)
		}
	}
}

func TestAFaultyProofIsRefusedAtUserInfo(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web().bound()
	tok, other := a.signIn(nil), a.signIn(nil)
	prove := func(key dpop.Key, method, address, accessToken string) string {
		p, err := key.Prove(s.Clock.Now(), dpop.Request{Method: method, URL: address, AccessToken: accessToken, Nonce: a.nonce})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	const here = issuer + wire.PathUserInfo
	good := func() string { return prove(a.key, "GET", here, tok.AccessToken) }
	tests := []struct {
		name  string
		proof []string
		code  string
	}{
		{"no proof", nil, wire.CodeInvalidDPoPProof},
		{"two", []string{good(), good()}, wire.CodeInvalidDPoPProof},
		{"without ath", []string{prove(a.key, "GET", here, "")}, wire.CodeInvalidDPoPProof},
		{"the ath of another token", []string{prove(a.key, "GET", here, other.AccessToken)}, wire.CodeInvalidDPoPProof},
		{"another method", []string{prove(a.key, "POST", here, tok.AccessToken)}, wire.CodeInvalidDPoPProof},
		{"another host", []string{prove(a.key, "GET", "http://evil.example"+wire.PathUserInfo, tok.AccessToken)}, wire.CodeInvalidDPoPProof},
		{"for the token endpoint", []string{prove(a.key, "GET", issuer+wire.PathToken, tok.AccessToken)}, wire.CodeInvalidDPoPProof},
		{"another key", []string{prove(newKey(t), "GET", here, tok.AccessToken)}, wire.CodeInvalidToken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := a.userInfo(tok, withProof(tt.proof...))
			challenge := strings.Join(got.Header.Values("WWW-Authenticate"), "\n")
			if got.StatusCode != http.StatusUnauthorized || !strings.Contains(challenge, `error="`+tt.code+`"`) {
				t.Errorf("got %s %q, want 401 %s", got.Status, challenge, tt.code)
			}
			if !strings.Contains(challenge, `DPoP algs="`) {
				t.Errorf("no DPoP challenge with algs in %q", challenge)
			}
		})
	}
	if got := a.userInfo(tok); got.StatusCode != http.StatusOK {
		t.Errorf("the right one after all that: got %s %s, want 200", got.Status, got.body)
	}
}

func TestAProofNeedsTheNonceOfTheServer(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web().bound()
	code := a.approved(nil)
	a.nonce = ""
	got := a.redeem(code)
	if got.StatusCode != http.StatusBadRequest || got.oauthError(t) != wire.CodeUseDPoPNonce || a.nonce == "" {
		t.Fatalf("without one: got %s %s, DPoP-Nonce %q; want 400 use_dpop_nonce and one", got.Status, got.body, a.nonce)
	}
	tok := a.tokens(a.redeem(code))
	fresh := a.nonce
	for name, nonce := range map[string]string{"none": "", "a guess": "guess"} {
		a.nonce = nonce
		got := a.userInfo(tok)
		var challenge string
		for _, c := range got.Header.Values("WWW-Authenticate") {
			if strings.HasPrefix(c, "DPoP ") {
				challenge = c
			}
		}
		if got.StatusCode != http.StatusUnauthorized || !strings.Contains(challenge, `error="use_dpop_nonce"`) || got.Header.Get("DPoP-Nonce") == "" {
			t.Errorf("userinfo with %s: got %s %q, DPoP-Nonce %q", name, got.Status, challenge, got.Header.Get("DPoP-Nonce"))
		}
	}
	if a.nonce == "" || a.userInfo(tok).StatusCode != http.StatusOK {
		t.Error("userinfo with the nonce that it gave is refused")
	}
	s.Clock.Advance(5 * time.Minute)
	a.nonce = fresh
	if got := a.refresh(tok.RefreshToken, nil); got.oauthError(t) != wire.CodeUseDPoPNonce {
		t.Errorf("a nonce of five minutes ago: got %s, want use_dpop_nonce", got.body)
	}
	if got := a.refresh(tok.RefreshToken, nil); got.StatusCode != http.StatusOK {
		t.Errorf("the next try: got %s %s, want 200: a refusal spends nothing", got.Status, got.body)
	}
}

func TestAProofWorksOnce(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web().bound()
	code := a.approved(nil)
	start := a.proof(dpop.Request{Method: "POST", URL: issuer + wire.PathDeviceAuthorization, Nonce: a.nonce})
	if got := a.post(wire.PathDeviceAuthorization, nil, withProof(start)); got.StatusCode != http.StatusOK {
		t.Fatalf("device authorization: %s %s", got.Status, got.body)
	}
	if got := a.post(wire.PathDeviceAuthorization, nil, withProof(start)); got.oauthError(t) != wire.CodeInvalidDPoPProof {
		t.Errorf("device authorization again: got %s, want invalid_dpop_proof", got.body)
	}
	poll := a.proof(dpop.Request{Method: "POST", URL: issuer + wire.PathToken, Nonce: a.nonce})
	tok := a.tokens(a.redeem(code, withProof(poll)))
	waiting := s.begin(url.Values{"client_id": {a.id}}).DeviceCode
	pending := a.proof(dpop.Request{Method: "POST", URL: issuer + wire.PathToken, Nonce: a.nonce})
	for _, want := range []string{wire.CodeAuthorizationPending, wire.CodeInvalidDPoPProof} {
		if got := a.redeem(waiting, withProof(pending)); got.oauthError(t) != want {
			t.Errorf("a pending poll: got %s, want %s", got.body, want)
		}
	}
	if got := a.redeem(a.approved(nil), withProof(poll)); got.oauthError(t) != wire.CodeInvalidDPoPProof {
		t.Errorf("token again: got %s, want invalid_dpop_proof", got.body)
	}
	if got := a.refresh(tok.RefreshToken, nil, withProof(poll)); got.oauthError(t) != wire.CodeInvalidDPoPProof {
		t.Errorf("for a refresh: got %s, want invalid_dpop_proof", got.body)
	}
	info := a.proof(dpop.Request{Method: "GET", URL: issuer + wire.PathUserInfo, AccessToken: tok.AccessToken, Nonce: a.nonce})
	if got := a.userInfo(tok, withProof(info)); got.StatusCode != http.StatusOK {
		t.Fatalf("userinfo: %s %s", got.Status, got.body)
	}
	if got := a.userInfo(tok, withProof(info)); got.StatusCode != http.StatusUnauthorized || got.oauthError(t) != wire.CodeInvalidDPoPProof {
		t.Errorf("userinfo again: got %s %s, want 401 invalid_dpop_proof", got.Status, got.body)
	}
}

func TestABoundTokenIsNoBearerToken(t *testing.T) {
	s := serve(t, budget.Limits{})
	bound, loose := s.web().bound(), s.app("web")
	tok, free := bound.signIn(nil), loose.signIn(nil)
	proving := bound.proving(http.MethodGet, wire.PathUserInfo, tok.AccessToken)
	for name, got := range map[string]answer{
		"a bound token by Bearer":             s.send(http.MethodGet, wire.PathUserInfo, "", bearer(tok.AccessToken)),
		"a bound token by Bearer and a proof": s.send(http.MethodGet, wire.PathUserInfo, "", bearer(tok.AccessToken), proving),
		"a bearer token by DPoP and a proof":  bound.userInfo(wire.Token{AccessToken: free.AccessToken, TokenType: "DPoP"}),
		"a bearer token by DPoP, no proof":    s.send(http.MethodGet, wire.PathUserInfo, "", presenting("DPoP", free.AccessToken)),
	} {
		if got.StatusCode != http.StatusUnauthorized || strings.Contains(string(got.body), "Ada") {
			t.Errorf("%s: got %s %s, want 401", name, got.Status, got.body)
		}
	}
	if got := bound.userInfo(tok); got.StatusCode != http.StatusOK {
		t.Errorf("as it should be: got %s, want 200", got.Status)
	}
}

func TestARefreshTokenOfAPublicClientIsBoundToItsKey(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web().bound()
	tok := a.signIn(nil)
	thief, bare := *a, s.app("web")
	thief.bound()
	for name, got := range map[string]answer{"no proof": bare.refresh(tok.RefreshToken, nil), "another key": thief.refresh(tok.RefreshToken, nil)} {
		if got.StatusCode != http.StatusBadRequest || got.oauthError(t) != wire.CodeInvalidGrant {
			t.Errorf("%s: got %s %s, want invalid_grant", name, got.Status, got.body)
		}
	}
	next := a.tokens(a.refresh(tok.RefreshToken, nil))
	again := a.tokens(a.refresh(tok.RefreshToken, nil)) // whose first answer was lost
	if next.TokenType != "DPoP" || again.RefreshToken == next.RefreshToken {
		t.Errorf("got type %s, the same refresh token twice: %t", next.TokenType, again.RefreshToken == next.RefreshToken)
	}
	if got := thief.refresh(tok.RefreshToken, nil); got.oauthError(t) != wire.CodeInvalidGrant {
		t.Errorf("the thief repeats: got %s, want invalid_grant", got.body)
	}
}

func TestAConfidentialClientMayBringANewKeyAndNotNone(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.backend().bound()
	tok := a.signIn(nil)
	bare, other := *a, *a
	bare.key = dpop.Key{}
	other.bound()
	if got := bare.refresh(tok.RefreshToken, nil); got.oauthError(t) != wire.CodeInvalidGrant {
		t.Errorf("without a proof: got %s, want invalid_grant: no downgrade to Bearer", got.body)
	}
	next := other.tokens(other.refresh(tok.RefreshToken, nil))
	if cnf, _ := s.open(next.AccessToken).claims["cnf"].(map[string]any); cnf["jkt"] != other.key.Thumbprint() {
		t.Errorf("with a new key: got cnf %v, want that key's", cnf)
	}
}

func TestAGrantIsForTheKeyThatBeganIt(t *testing.T) {
	s := serve(t, budget.Limits{})
	web := s.web()
	key, thief := *web, *web
	key.bound()
	thief.bound()
	named := url.Values{"dpop_jkt": {key.key.Thumbprint()}}
	codes := map[string]string{
		"begun with a proof":    key.approved(nil),
		"begun with dpop_jkt":   web.approved(named),
		"begun with both":       key.approved(named),
		"by authorization code": "",
	}
	for name, code := range codes {
		redeem := func(a *app) answer { return a.redeem(code) }
		if code == "" {
			code = web.code(web.query("dpop_jkt", key.key.Thumbprint()))
			redeem = func(a *app) answer { return a.exchange(code) }
		}
		thief.nonce, key.nonce = "", ""
		redeem(&thief) // for a nonce
		for who, a := range map[string]*app{"without a proof": web, "with another key": &thief} {
			if got := redeem(a); got.StatusCode != http.StatusBadRequest || got.oauthError(t) != wire.CodeInvalidGrant {
				t.Errorf("%s, %s: got %s %s, want invalid_grant", name, who, got.Status, got.body)
			}
		}
		redeem(&key)
		if tok := key.tokens(redeem(&key)); tok.TokenType != "DPoP" {
			t.Errorf("%s: got type %s, want DPoP", name, tok.TokenType)
		}
	}
}

func TestProofAndThumbprintMustAgree(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web().bound()
	got := a.post(wire.PathDeviceAuthorization, url.Values{"dpop_jkt": {newKey(t).Thumbprint()}})
	if got.StatusCode != http.StatusBadRequest || got.oauthError(t) != wire.CodeInvalidDPoPProof {
		t.Errorf("got %s %s, want invalid_dpop_proof", got.Status, got.body)
	}
	a.key = dpop.Key{}
	for _, text := range []string{"x", strings.Repeat("A", 42), strings.Repeat("A", 44), strings.Repeat("=", 43), strings.Repeat("A", 42) + "B", "<script>"} {
		got := a.post(wire.PathDeviceAuthorization, url.Values{"dpop_jkt": {text}})
		if got.StatusCode != http.StatusBadRequest || got.oauthError(t) != wire.CodeInvalidRequest {
			t.Errorf("dpop_jkt %q: got %s %s, want invalid_request", text, got.Status, got.body)
		}
	}
}

func TestAClientThatMustProveAKey(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web(func(c *auth.Client) { c.RequireDPoP = true })
	code := a.approved(nil)
	for name, got := range map[string]answer{
		"a device code":         a.redeem(code),
		"an authorization code": a.exchange(a.code(a.query())),
	} {
		if got.StatusCode != http.StatusBadRequest || got.oauthError(t) != wire.CodeInvalidDPoPProof {
			t.Errorf("%s without a proof: got %s %s, want invalid_dpop_proof", name, got.Status, got.body)
		}
	}
	if tok := a.bound().tokens(a.redeem(code)); tok.TokenType != "DPoP" {
		t.Errorf("with one: got type %s, want DPoP", tok.TokenType)
	}
}

// TestAnEquivalentAddressInAProofIsTaken: RFC 9449 section 4.3 item 9.
func TestAnEquivalentAddressInAProofIsTaken(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, htu := range []string{
		"HTTP://LOCALHOST:8080" + wire.PathDeviceAuthorization, issuer + "/x/../device_authorization",
		issuer + "/%64evice_authorization", issuer + wire.PathDeviceAuthorization + "?x#y",
	} {
		proof := s.forge("ES256", key, wire.PathDeviceAuthorization, map[string]any{"htu": htu})
		if got := a.post(wire.PathDeviceAuthorization, nil, withProof(proof)); got.StatusCode != http.StatusOK {
			t.Errorf("%s: got %s %s, want 200", htu, got.Status, got.body)
		}
	}
}

// TestALostAnswerComesAgainForTheSameKey, and for nobody else.
func TestALostAnswerComesAgainForTheSameKey(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web().bound()
	thief := *a
	thief.bound()
	device, code := a.approved(nil), a.code(a.query())
	for name, ask := range map[string]func(*app) answer{
		"a device code":         func(a *app) answer { return a.redeem(device) },
		"an authorization code": func(a *app) answer { return a.exchange(code) },
	} {
		first := a.tokens(ask(a)) // and is lost
		second := a.tokens(ask(a))
		if got := a.userInfo(second); got.StatusCode != http.StatusOK || second.RefreshToken == first.RefreshToken {
			t.Errorf("%s: userinfo: got %s, the same refresh token: %t", name, got.Status, second.RefreshToken == first.RefreshToken)
		}
		s.Clock.Advance(grant.RepeatFor)
		if got := ask(a); got.oauthError(t) != wire.CodeInvalidGrant {
			t.Errorf("%s, too late: got %s, want invalid_grant", name, got.body)
		}
	}
	device = a.approved(nil)
	a.tokens(a.redeem(device))
	thief.nonce = a.nonce
	if got := thief.redeem(device); got.oauthError(t) != wire.CodeInvalidGrant {
		t.Errorf("by another key: got %s, want invalid_grant", got.body)
	}
}

func TestWhatANonceIsOfferedOn(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	for name, got := range map[string]answer{
		"tokens":                 a.redeem(a.approved(nil)),
		"an error":               a.redeem("x"),
		"a device authorization": a.post(wire.PathDeviceAuthorization, nil),
		"userinfo without token": s.send(http.MethodGet, wire.PathUserInfo, ""),
	} {
		if got.Header.Get("DPoP-Nonce") == "" {
			t.Errorf("%s: no DPoP-Nonce", name)
		}
	}
}
