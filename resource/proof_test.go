package resource_test

import (
	"context"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/resource"
)

func TestAProvenTokenIsAccepted(t *testing.T) {
	now, key, proofKey := time.Now(), newES256("k"), must(dpop.NewKey())
	v := newIssuer(key).verifier(t, func(c *resource.Config) { c.RequireDPoP = true })
	token := key.token(good(now).boundTo(proofKey))
	got := accepts(t, v, proven(now, proofKey, token), "files.read")
	if got.KeyThumbprint != proofKey.Thumbprint() {
		t.Errorf("thumbprint: got %q, want %q", got.KeyThumbprint, proofKey.Thumbprint())
	}
	lower := proven(now, proofKey, token)
	lower.Header.Set("Authorization", "dpop "+token)
	accepts(t, v, lower)
}

func TestProofsThatAreRefused(t *testing.T) {
	now, key, proofKey := time.Now(), newES256("k"), must(dpop.NewKey())
	v := newIssuer(key).verifier(t)
	token := key.token(good(now).boundTo(proofKey))
	other := key.token(good(now).boundTo(proofKey).with(claims{"jti": "token-2"}))
	twice := proven(now, proofKey, token)
	twice.Header.Add("DPoP", twice.Header.Get("DPoP"))
	none := proven(now, proofKey, token)
	none.Header.Del("DPoP")
	garbage := proven(now, proofKey, token)
	garbage.Header.Set("DPoP", "garbage")
	for name, r := range map[string]*http.Request{
		"none":                 none,
		"garbage":              garbage,
		"two of them":          twice,
		"of another method":    proven(now, proofKey, token, func(p *dpop.Request) { p.Method = http.MethodPost }),
		"of another path":      proven(now, proofKey, token, func(p *dpop.Request) { p.URL = audience + "/other" }),
		"of another host":      proven(now, proofKey, token, func(p *dpop.Request) { p.URL = "https://evil.example.com/files" }),
		"of another token":     proven(now, proofKey, token, func(p *dpop.Request) { p.AccessToken = other }),
		"of no token":          proven(now, proofKey, token, func(p *dpop.Request) { p.AccessToken = "" }),
		"from too long ago":    proven(now.Add(-dpop.MaxAge-5*time.Second), proofKey, token),
		"from too far ahead":   proven(now.Add(dpop.Skew+5*time.Second), proofKey, token),
		"the token as a proof": proofIs(proven(now, proofKey, token), token),
	} {
		t.Run(name, func(t *testing.T) { refuses(t, v, r, http.StatusUnauthorized, "invalid_dpop_proof") })
	}
}

func proofIs(r *http.Request, proof string) *http.Request {
	r.Header.Set("DPoP", proof)
	return r
}

// TestTheSchemeIsThatOfTheToken: RFC 9449 section 7.2, both ways.
func TestTheSchemeIsThatOfTheToken(t *testing.T) {
	now, key, proofKey, thief := time.Now(), newES256("k"), must(dpop.NewKey()), must(dpop.NewKey())
	v := newIssuer(key).verifier(t)
	bound, free := key.token(good(now).boundTo(proofKey)), key.token(good(now))
	downgraded := proven(now, proofKey, bound)
	downgraded.Header.Set("Authorization", "Bearer "+bound)
	for name, r := range map[string]*http.Request{
		"a bound token as a bearer token":              bearer(bound),
		"a bound token as a bearer token with a proof": downgraded,
		"a bound token with a thief's proof":           proven(now, thief, bound),
		"a bearer token by the DPoP scheme":            proven(now, proofKey, free),
		"a bearer token by the DPoP scheme, unproven":  request("DPoP " + free),
	} {
		t.Run(name, func(t *testing.T) { refuses(t, v, r, http.StatusUnauthorized, "invalid_token") })
	}
	withProof := proven(now, proofKey, free)
	withProof.Header.Set("Authorization", "Bearer "+free)
	accepts(t, v, withProof) // the proof is of no meaning there
	strict := newIssuer(key).verifier(t, func(c *resource.Config) { c.RequireDPoP = true })
	refuses(t, strict, bearer(free), http.StatusUnauthorized, "invalid_token")
	accepts(t, strict, proven(now, proofKey, bound))
}

func TestAReplayedProofIsRefused(t *testing.T) {
	now, key, proofKey := time.Now(), newES256("k"), must(dpop.NewKey())
	v := newIssuer(key).verifier(t)
	token := key.token(good(now).boundTo(proofKey))
	r := proven(now, proofKey, token)
	accepts(t, v, r)
	refuses(t, v, r, http.StatusUnauthorized, "invalid_dpop_proof")
	accepts(t, v, proven(now, proofKey, token))
}

// TestAProofThatIsSpeltAnotherWayIsTheSame: of each ECDSA signature there are two,
// and anybody can make the one of the other.
func TestAProofThatIsSpeltAnotherWayIsTheSame(t *testing.T) {
	now, key, proofKey := time.Now(), newES256("k"), must(dpop.NewKey())
	v := newIssuer(key).verifier(t)
	token := key.token(good(now).boundTo(proofKey))
	respelt := func(r *http.Request) *http.Request {
		proof := r.Header.Get("DPoP")
		head := proof[:strings.LastIndexByte(proof, '.')+1]
		sig := must(base64.RawURLEncoding.DecodeString(proof[len(head):]))
		s := new(big.Int).SetBytes(sig[32:])
		s.Sub(elliptic.P256().Params().N, s).FillBytes(sig[32:])
		return proofIs(r.Clone(r.Context()), head+base64.RawURLEncoding.EncodeToString(sig))
	}
	accepts(t, v, respelt(proven(now, proofKey, token)))
	r := proven(now, proofKey, token)
	accepts(t, v, r)
	refuses(t, v, respelt(r), http.StatusUnauthorized, "invalid_dpop_proof")
}

func TestOfFiftyUsesOfOneProofOneWins(t *testing.T) {
	now, key, proofKey := time.Now(), newES256("k"), must(dpop.NewKey())
	v := newIssuer(key).verifier(t)
	r := proven(now, proofKey, key.token(good(now).boundTo(proofKey)))
	var all sync.WaitGroup
	var wins atomic.Int32
	for range 50 {
		all.Go(func() {
			if _, err := v.Verify(r.Clone(context.Background())); err == nil {
				wins.Add(1)
			}
		})
	}
	all.Wait()
	if got := wins.Load(); got != 1 {
		t.Errorf("%d of 50 were let through, want one", got)
	}
}

// TestAProofIsRememberedAsLongAsItIsGood: whatever its time of issue, it is let
// through once in its life.
func TestAProofIsRememberedAsLongAsItIsGood(t *testing.T) {
	key, proofKey := newES256("k"), must(dpop.NewKey())
	for name, ahead := range map[string]time.Duration{"by a slow clock": -time.Minute, "by the right clock": 0, "by a fast clock": dpop.Skew} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newIssuer(key).verifier(t)
				token := key.token(good(time.Now()).with(claims{"exp": time.Now().Add(time.Hour).Unix()}).boundTo(proofKey))
				r := proven(time.Now().Add(ahead), proofKey, token)
				accepts(t, v, r)
				for range 60 {
					time.Sleep(5 * time.Second)
					refuses(t, v, r, http.StatusUnauthorized, "invalid_dpop_proof")
					accepts(t, v, proven(time.Now(), proofKey, token))
				}
			})
		})
	}
}

// TestMoreProofsThanCanBeRememberedAreNotLetThrough: a proof that is forgotten
// could be used again.
func TestMoreProofsThanCanBeRememberedAreNotLetThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key, proofKey := newES256("k"), must(dpop.NewKey())
		v := newIssuer(key).verifier(t)
		v.Bound(3)
		token := key.token(good(time.Now()).with(claims{"exp": time.Now().Add(time.Hour).Unix()}).boundTo(proofKey))
		for range 3 {
			accepts(t, v, proven(time.Now(), proofKey, token))
		}
		refuses(t, v, proven(time.Now(), proofKey, token), http.StatusServiceUnavailable, "")
		time.Sleep(dpop.MaxAge + dpop.Skew)
		accepts(t, v, proven(time.Now(), proofKey, token))
	})
}

// sharedReplays is what two nodes share, or fail to reach.
type sharedReplays struct {
	seen  sync.Map
	until time.Time
	err   error
}

func (s *sharedReplays) First(_ context.Context, key string, until time.Time) (bool, error) {
	_, seen := s.seen.LoadOrStore(key, true)
	s.until = until
	return !seen, s.err
}

func TestNodesShareWhatTheyHaveSeen(t *testing.T) {
	now, key, proofKey, shared := time.Now(), newES256("k"), must(dpop.NewKey()), &sharedReplays{}
	f := newIssuer(key)
	share := func(c *resource.Config) { c.Replays = shared }
	a, b := f.verifier(t, share), f.verifier(t, share)
	token := key.token(good(now).boundTo(proofKey))
	r := proven(now, proofKey, token)
	accepts(t, a, r)
	refuses(t, b, r, http.StatusUnauthorized, "invalid_dpop_proof")
	if left := shared.until.Sub(now); left < dpop.MaxAge-time.Second || left > dpop.MaxAge+dpop.Skew {
		t.Errorf("the proof is to be remembered for %s, want as long as it is good", left)
	}
	shared.err = errors.New("no connection")
	refuses(t, a, proven(now, proofKey, token), http.StatusServiceUnavailable, "")
}

// TestTheAddressIsTheConfiguredOne: neither Host nor forwarded headers count.
func TestTheAddressIsTheConfiguredOne(t *testing.T) {
	now, key, proofKey := time.Now(), newES256("k"), must(dpop.NewKey())
	f := newIssuer(key)
	token := key.token(good(now).boundTo(proofKey))
	prove := func(address string) *http.Request {
		r := proven(now, proofKey, token, func(p *dpop.Request) { p.URL = address })
		r.Host = "evil.example.com"
		r.Header.Set("X-Forwarded-Host", "evil.example.com")
		r.Header.Set("Forwarded", "host=evil.example.com;proto=https")
		return r
	}
	plain := f.verifier(t)
	refuses(t, plain, prove("https://evil.example.com/files"), http.StatusUnauthorized, "invalid_dpop_proof")
	refuses(t, plain, prove("http://files.example.com/files"), http.StatusUnauthorized, "invalid_dpop_proof")
	accepts(t, plain, prove("https://files.example.com/files"))
	accepts(t, plain, prove("https://FILES.example.com:443/files?of=ada"))

	behind := f.verifier(t, func(c *resource.Config) { c.BaseURL = "https://example.com/api/" })
	refuses(t, behind, prove("https://example.com/files"), http.StatusUnauthorized, "invalid_dpop_proof")
	accepts(t, behind, prove("https://example.com/api/files"))
}

func TestAPathThatAnotherHandlerCutIsStillKnown(t *testing.T) {
	now, key, proofKey := time.Now(), newES256("k"), must(dpop.NewKey())
	v := newIssuer(key).verifier(t)
	token := key.token(good(now).boundTo(proofKey))
	r := proven(now, proofKey, token, func(p *dpop.Request) { p.URL = audience + "/v1/a%2Fb" })
	r.RequestURI, r.URL.Path, r.URL.RawPath = "/v1/a%2Fb?of=ada", "/v1/a/b", "/v1/a%2Fb"
	w := httptest.NewRecorder()
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	http.StripPrefix("/v1", v.Require()(ok)).ServeHTTP(w, r)
	if w.Code != http.StatusNoContent {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestNonceRoundTrip: RFC 9449 section 9.
func TestNonceRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key, proofKey := newES256("k"), must(dpop.NewKey())
		f := newIssuer(key)
		nonces := func(c *resource.Config) { c.NonceKey = []byte(strings.Repeat("k", 32)) }
		v, otherNode := f.verifier(t, nonces), f.verifier(t, nonces)
		token := key.token(good(time.Now()).with(claims{"exp": time.Now().Add(time.Hour).Unix()}).boundTo(proofKey))
		try := func(v *resource.Verifier, nonce string) *http.Response {
			return serve(v, proven(time.Now(), proofKey, token, func(p *dpop.Request) { p.Nonce = nonce }))
		}
		res := try(v, "")
		nonce := res.Header.Get("DPoP-Nonce")
		if res.StatusCode != 401 || nonce == "" || !strings.Contains(res.Header.Values("WWW-Authenticate")[1], `error="use_dpop_nonce"`) {
			t.Fatalf("without a nonce: got %d, %v", res.StatusCode, res.Header)
		}
		if res := try(v, nonce); res.StatusCode != http.StatusOK || res.Header.Get("DPoP-Nonce") != "" {
			t.Errorf("with the nonce: got %d, %v", res.StatusCode, res.Header)
		}
		if res := try(otherNode, nonce); res.StatusCode != http.StatusOK {
			t.Errorf("at another node: got %d", res.StatusCode)
		}
		if res := try(v, nonce+"x"); res.StatusCode != 401 {
			t.Errorf("with a made-up nonce: got %d", res.StatusCode)
		}
		time.Sleep(2 * time.Minute)
		res = try(v, nonce)
		next := res.Header.Get("DPoP-Nonce")
		if res.StatusCode != http.StatusOK || next == "" || next == nonce {
			t.Errorf("with a nonce that grows old: got %d and the next %q", res.StatusCode, next)
		}
		time.Sleep(2 * time.Minute)
		if res := try(v, nonce); res.StatusCode != 401 {
			t.Errorf("with an old nonce: got %d", res.StatusCode)
		}
		if res := try(v, next); res.StatusCode != http.StatusOK {
			t.Errorf("with the one that came with an answer: got %d", res.StatusCode)
		}
	})
}
