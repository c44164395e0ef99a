package desktop_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
)

const (
	fakeLife   = time.Hour
	repeatable = 30 * time.Second // how long the holder of the key may repeat a refresh
	fakeCode   = "the-authorization-code"
)

// family is what came of one sign-in at the fake, which rotates refresh tokens and
// ends everything when one is used again.
type family struct {
	jkt        string // that was announced; empty: bearer tokens
	kind       string // forced upon the answers; empty: the right one
	access     map[string]time.Time
	refresh    map[string]int // each token's generation
	generation int
	rotatedAt  time.Time
	issued     int
	refreshes  []string // that came
	over       bool     // revoked, or a refresh token was used again
	reused     bool
	challenge  string // of the authorization code
	redirect   string
	exchanges  []url.Values
}

func (f *fake) kind() string {
	if f.bound {
		return wire.TokenTypeDPoP
	}
	return wire.TokenTypeBearer
}

// begin is the answer to a grant that was approved.
func (f *fake) begin() wire.Token {
	f.mu.Lock()
	defer f.mu.Unlock()
	challenge, redirect, kind, exchanges := f.family.challenge, f.family.redirect, f.family.kind, f.family.exchanges
	f.family = family{
		challenge: challenge, redirect: redirect, kind: kind, exchanges: exchanges,
		access: map[string]time.Time{}, refresh: map[string]int{},
	}
	if f.bound && len(f.starts) > 0 {
		f.family.jkt = f.starts[len(f.starts)-1].Get(wire.ParamDPoPKey)
	}
	t := f.issue()
	t.AccessToken = fakeToken
	f.family.access[fakeToken] = time.Now().Add(fakeLife)
	return t
}

// issue makes tokens of the present generation. The caller holds the mutex.
func (f *fake) issue() wire.Token {
	fam := &f.family
	fam.issued++
	t := wire.Token{
		AccessToken: fmt.Sprintf("access-%d", fam.issued), TokenType: strings.ToLower(f.kind()),
		ExpiresIn: int(fakeLife.Seconds()), IDToken: fmt.Sprintf("id-%d", fam.issued),
	}
	if fam.kind != "" {
		t.TokenType = fam.kind
	}
	fam.access[t.AccessToken] = time.Now().Add(fakeLife)
	if f.lasting {
		t.RefreshToken = fmt.Sprintf("refresh-%d", fam.issued)
		fam.refresh[t.RefreshToken] = fam.generation
	}
	return t
}

// refresh rotates.
func (f *fake) refresh(w http.ResponseWriter, token string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fam := &f.family
	fam.refreshes = append(fam.refreshes, token)
	generation, known := fam.refresh[token]
	switch {
	case !known || fam.over:
		refuse(w, http.StatusBadRequest, wire.CodeInvalidGrant)
		return
	case generation == fam.generation:
		fam.generation++
		fam.rotatedAt = time.Now()
	case generation == fam.generation-1 && time.Since(fam.rotatedAt) <= repeatable:
	default:
		fam.over, fam.reused = true, true
		refuse(w, http.StatusBadRequest, wire.CodeInvalidGrant)
		return
	}
	answer(w, http.StatusOK, f.issue())
}

// exchange redeems the authorization code, once and for the verifier only.
func (f *fake) exchange(w http.ResponseWriter, form url.Values) {
	f.mu.Lock()
	first := len(f.family.exchanges) == 0
	f.family.exchanges = append(f.family.exchanges, form)
	good := first && form.Get(wire.ParamCode) == fakeCode && form.Get(wire.ParamRedirectURI) == f.family.redirect &&
		secret.From(form.Get(wire.ParamCodeVerifier)).Hash().String() == f.family.challenge
	f.mu.Unlock()
	if !good {
		refuse(w, http.StatusBadRequest, wire.CodeInvalidGrant)
		return
	}
	answer(w, http.StatusOK, f.begin())
}

// authorized reports whether a request has a living access token.
func (f *fake) authorized(r *http.Request) (access string, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kind, access, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	for _, v := range f.revoked {
		_, ours := f.family.refresh[v.Get(wire.ParamToken)]
		f.family.over = f.family.over || ours || v.Get(wire.ParamToken) == fakeToken
	}
	return access, kind == f.kind() && !f.family.over && time.Now().Before(f.family.access[access])
}

// proved verifies the proof of a request, and answers when it is not good: each is
// for one request only, by the key that was announced.
func (f *fake) proved(w http.ResponseWriter, r *http.Request, path, access string) bool {
	if !f.bound {
		return true
	}
	proof, err := dpop.Verify(time.Now(), r.Header.Values(wire.HeaderDPoP), dpop.Expect{
		Method: r.Method, URL: f.issuer + path, AccessToken: access,
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	code, said := "", "good"
	switch {
	case err != nil:
		code, said = wire.CodeInvalidDPoPProof, err.Error()
	case f.seen[proof.ReplayKey()]:
		code, said = wire.CodeInvalidDPoPProof, "replayed"
	case len(f.starts) > 0 && proof.Thumbprint != f.starts[len(f.starts)-1].Get(wire.ParamDPoPKey):
		code, said = wire.CodeInvalidDPoPProof, "another key"
	case f.nonces != nil && !f.nonces.Fresh(time.Now(), proof.Nonce):
		code, said = wire.CodeUseDPoPNonce, "no nonce"
	}
	f.proofs = append(f.proofs, said)
	if err == nil {
		f.seen[proof.ReplayKey()] = true
	}
	if code == "" {
		return true
	}
	status := http.StatusBadRequest
	if access != "" {
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `DPoP error="`+code+`", algs="ES256"`)
	}
	refuse(w, status, code)
	return false
}

func (f *fake) proofsSeen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.proofs...)
}

// familySeen is a look at the tokens.
func (f *fake) familySeen() family {
	f.mu.Lock()
	defer f.mu.Unlock()
	fam := f.family
	fam.refreshes = append([]string(nil), fam.refreshes...)
	return fam
}
