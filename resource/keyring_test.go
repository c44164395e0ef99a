package resource_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/qrauthd/qrauthd/internal/wire"
	"github.com/qrauthd/qrauthd/resource"
)

// fresh is a token of that moment.
func fresh(key signer) *http.Request { return bearer(key.token(good(time.Now()))) }

// TestKeysRotateWithoutAFailure: a new key is published, then signs, then the old
// one goes. Not one token is refused meanwhile.
func TestKeysRotateWithoutAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		generations := []signer{newES256("k0"), newEdDSA("k1"), newES256("k2"), newES256("k3")}
		f := newIssuer(generations[0])
		f.header = http.Header{"Cache-Control": {"public, max-age=300"}}
		v := f.verifier(t)
		var mu sync.Mutex
		signs := generations[0]
		over := make(chan struct{})
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for verified := 0; ; verified++ {
					select {
					case <-over:
						if verified < 250 {
							t.Errorf("only %d verifications", verified)
						}
						return
					case <-time.After(10 * time.Second):
					}
					mu.Lock()
					key := signs
					mu.Unlock()
					if _, err := v.Verify(fresh(key)); err != nil {
						t.Errorf("a token of %s: %v", key.kid, err)
					}
				}
			})
		}
		for i, next := range generations[1:] {
			f.publish(generations[i], next)
			time.Sleep(10 * time.Minute) // published before it signs
			mu.Lock()
			signs = next
			mu.Unlock()
			time.Sleep(6 * time.Minute) // until the last token of the old key has ended
			f.publish(next)
		}
		close(over)
		all.Wait()
		if got := f.count("/jwks"); got > 16 {
			t.Errorf("%d fetches in 48 minutes, want one in about 4", got)
		}
		time.Sleep(5 * time.Minute)
		refuses(t, v, fresh(generations[0]), http.StatusUnauthorized, "invalid_token")
	})
}

// TestAKeyThatSignsAtOnceIsFetched: an operator may not have the time to publish
// it first.
func TestAKeyThatSignsAtOnceIsFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, next := newES256("old"), newES256("next")
		f := newIssuer(old)
		v := f.verifier(t)
		accepts(t, v, fresh(old))
		f.publish(next)
		time.Sleep(5 * time.Second)
		accepts(t, v, fresh(next))
		refuses(t, v, fresh(old), http.StatusUnauthorized, "invalid_token")
	})
}

func TestAFloodOfUnknownKeysIsNotPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newES256("k")
		f := newIssuer(key)
		v := f.verifier(t)
		accepts(t, v, fresh(key))
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				made := newES256("")
				for n := range 120 { // for a minute
					made.kid = fmt.Sprintf("made-up-%d-%d", i, n)
					refuses(t, v, fresh(made), http.StatusUnauthorized, "invalid_token")
					time.Sleep(500 * time.Millisecond)
				}
			})
		}
		all.Wait()
		if got := f.count("/jwks"); got > 13 {
			t.Errorf("960 made-up keys in a minute became %d fetches, want one in 5 seconds at most", got)
		}
		if got := f.count(wire.WellKnownMetadata); got != 1 {
			t.Errorf("the metadata was fetched %d times, want once", got)
		}
		accepts(t, v, fresh(key))
	})
}

func TestManyWhoWaitAreOneFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newES256("k")
		f := newIssuer(key)
		f.gate = make(chan struct{})
		v := f.verifier(t)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { accepts(t, v, fresh(key)) })
		}
		synctest.Wait()
		impatient, cancel := context.WithCancel(t.Context())
		cancel()
		refuses(t, v, fresh(key).WithContext(impatient), http.StatusServiceUnavailable, "")
		close(f.gate)
		all.Wait()
		if got := f.count("/jwks"); got != 1 {
			t.Errorf("got %d fetches, want one", got)
		}
	})
}

func TestWithoutKeysATokenIsNeitherGoodNorBad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newES256("k")
		f := newIssuer(key)
		f.set(func() { f.down = true })
		v := f.verifier(t)
		if err := v.Ready(t.Context()); err == nil {
			t.Error("ready without keys")
		}
		e := refuses(t, v, fresh(key), http.StatusServiceUnavailable, "")
		if e.Header.Get("Retry-After") == "" || errors.Unwrap(e) == nil {
			t.Errorf("got %+v, want a Retry-After and a cause", e)
		}
		for range 20 {
			refuses(t, v, fresh(key), http.StatusServiceUnavailable, "")
		}
		if got := f.count(wire.WellKnownMetadata); got != 1 {
			t.Errorf("asked %d times within a moment, want once", got)
		}
		f.set(func() { f.down = false })
		time.Sleep(5 * time.Second)
		accepts(t, v, fresh(key))
		if err := v.Ready(t.Context()); err != nil {
			t.Errorf("not ready with keys: %v", err)
		}
	})
}

func TestAnIssuerThatIsAwayIsSurvivedForADay(t *testing.T) {
	for name, away := range map[string]func(*issuer){
		"no connection": func(f *issuer) { f.down = true },
		"500":           func(f *issuer) { f.broken = http.StatusInternalServerError },
		"a captive portal": func(f *issuer) {
			f.broken = http.StatusFound
		},
		"an empty key set":          func(f *issuer) { f.keys = nil },
		"a set of other keys":       func(f *issuer) { f.keys = []any{map[string]string{"kty": "oct", "k": "AAAA", "kid": "k"}} },
		"it calls itself otherwise": func(f *issuer) { f.meta.Issuer, f.meta.JWKSURI = "https://evil.example.com", issuerURL+"/moved" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				key, next := newES256("k"), newES256("next")
				f := newIssuer(key)
				v := f.verifier(t)
				accepts(t, v, fresh(key))
				f.set(func() { away(f) })
				for range 23 {
					time.Sleep(time.Hour)
					accepts(t, v, fresh(key))
				}
				refuses(t, v, fresh(next), http.StatusServiceUnavailable, "") // it may be a new key
				time.Sleep(2 * time.Hour)
				refuses(t, v, fresh(key), http.StatusServiceUnavailable, "")
			})
		})
	}
}

func TestAServerThatHangsDelaysOneRoundOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newES256("k")
		f := newIssuer(key)
		v := f.verifier(t)
		accepts(t, v, fresh(key))
		f.set(func() { f.gate = make(chan struct{}) })
		time.Sleep(6 * time.Minute)
		began := time.Now()
		accepts(t, v, fresh(key)) // waits, for the keys are too old to be used unasked
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("the first took %s, want the bound of 10 s", took)
		}
		began = time.Now()
		for range 30 {
			accepts(t, v, fresh(key))
			time.Sleep(time.Second)
		}
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("thirty more, a second apart, took %s", took)
		}
		time.Sleep(15 * time.Second) // the fetch under way ends
	})
}

// TestAWithdrawnKeyEnds: also when nobody asked for a long time, and the last
// fetch before that had failed.
func TestAWithdrawnKeyEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, next := newES256("old"), newES256("next")
		f := newIssuer(old)
		v := f.verifier(t)
		accepts(t, v, fresh(old))
		f.set(func() { f.down = true })
		time.Sleep(10 * time.Minute)
		accepts(t, v, fresh(old))
		f.set(func() { f.down = false })
		f.publish(next)
		time.Sleep(10 * time.Hour)
		refuses(t, v, fresh(old), http.StatusUnauthorized, "invalid_token")
	})
}

func TestHowLongKeysAreBelieved(t *testing.T) {
	cached := func(control ...string) http.Header { return http.Header{"Cache-Control": control} }
	tests := []struct {
		name   string
		header http.Header
		want   time.Duration
	}{
		{"nothing said", nil, 5 * time.Minute},
		{"something else said", cached("private"), 5 * time.Minute},
		{"ten minutes", cached("max-age=600"), 10 * time.Minute},
		{"among other things", cached("public, max-age=600, immutable"), 10 * time.Minute},
		{"on two lines", cached("public", "max-age=600"), 10 * time.Minute},
		{"in capitals and quoted", cached(`MAX-AGE="600"`), 10 * time.Minute},
		{"not at all", cached("max-age=0"), time.Minute},
		{"no-store", cached("no-store"), time.Minute},
		{"no-cache", cached("no-cache, max-age=600"), time.Minute},
		{"longer than there are numbers", cached("max-age=99999999999999999999"), time.Hour},
		{"a negative number", cached("max-age=-5"), time.Minute},
		{"half of it spent elsewhere", http.Header{"Cache-Control": {"max-age=600"}, "Age": {"300"}}, 5 * time.Minute},
		{"more than all of it spent elsewhere", http.Header{"Cache-Control": {"max-age=600"}, "Age": {"9999"}}, time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				key, next := newES256("k"), newES256("next")
				f := newIssuer(key)
				f.header = tt.header
				v := f.verifier(t)
				accepts(t, v, fresh(key))
				f.publish(next) // the first is withdrawn
				time.Sleep(tt.want*4/5 - time.Second)
				accepts(t, v, fresh(key))
				if got := f.count("/jwks"); got != 1 {
					t.Errorf("fetched %d times within %s, want once", got, tt.want)
				}
				time.Sleep(tt.want/5 + time.Second)
				refuses(t, v, fresh(key), http.StatusUnauthorized, "invalid_token")
			})
		})
	}
}

func TestKeysThatMovedAreFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key, next := newES256("k"), newES256("next")
		f := newIssuer(key)
		v := f.verifier(t)
		accepts(t, v, fresh(key))
		f.set(func() { f.meta.JWKSURI = issuerURL + "/keys" })
		f.publish(key, next)
		time.Sleep(6 * time.Minute)
		accepts(t, v, fresh(key)) // by the old ones
		time.Sleep(10 * time.Second)
		accepts(t, v, fresh(next))
	})
}

func TestAClockThatIsSetBackDoesNotStopTheFetching(t *testing.T) {
	now, key, next := time.Now(), newES256("k"), newES256("next")
	f := newIssuer(key)
	v := f.verifier(t, func(c *resource.Config) { c.Now = func() time.Time { return now } })
	accepts(t, v, fresh(key))
	now = now.Add(-10 * time.Hour)
	f.publish(next)
	then := func(k signer) *http.Request { return bearer(k.token(good(now))) }
	refuses(t, v, then(key), http.StatusUnauthorized, "invalid_token")
	accepts(t, v, then(next))
}

func TestKeysThatAreNotForTokens(t *testing.T) {
	key := newES256("good")
	weak := newRS256("weak", 1024)
	encrypts := newES256("enc")
	forEncryption := encrypts.public()
	forEncryption.Use = "enc"
	unnamed := newES256("")
	private := newES256("private")
	halved, misnamed := newES256("halved"), newRS256("misnamed", 2048)
	withNull := string(must(json.Marshal(halved.public())))
	forAnother := misnamed.public()
	forAnother.Algorithm = "ES256"
	f := newIssuer(key)
	f.set(func() {
		f.keys = []any{
			json.RawMessage(strings.Replace(withNull, "{", `{"d":null,`, 1)), forAnother,
			weak.public(), forEncryption, unnamed.public(),
			jose.JSONWebKey{Key: private.private, KeyID: "private", Algorithm: "ES256"},
			jose.JSONWebKey{Key: []byte(strings.Repeat("s", 32)), KeyID: "shared", Algorithm: "HS256"},
			map[string]string{"kty": "of the future", "kid": "future"},
			"nonsense", nil, key.public(),
		}
	})
	v := f.verifier(t)
	for name, k := range map[string]signer{"weak": weak, "for encryption": encrypts, "private": private, "with a private half that is null": halved, "for another algorithm": misnamed} {
		t.Run(name, func(t *testing.T) { refuses(t, v, fresh(k), http.StatusUnauthorized, "invalid_token") })
	}
	shared := signWith(jose.HS256, []byte(strings.Repeat("s", 32)), typed("shared"), good(time.Now()))
	refuses(t, v, bearer(shared), http.StatusUnauthorized, "invalid_token")
	accepts(t, v, fresh(key))
}

// TestMetadataThatIsNotBelieved: RFC 8414 section 3.3.
func TestMetadataThatIsNotBelieved(t *testing.T) {
	for name, change := range map[string]func(*wire.Metadata){
		"of another issuer":         func(m *wire.Metadata) { m.Issuer = "https://evil.example.com" },
		"of the issuer and a slash": func(m *wire.Metadata) { m.Issuer += "/" },
		"of nobody":                 func(m *wire.Metadata) { m.Issuer = "" },
		"without keys":              func(m *wire.Metadata) { m.JWKSURI = "" },
		"with keys in the clear":    func(m *wire.Metadata) { m.JWKSURI = "http://login.example.com/jwks" },
		"with keys in a file":       func(m *wire.Metadata) { m.JWKSURI = "file:///jwks" },
	} {
		t.Run(name, func(t *testing.T) {
			key := newES256("k")
			f := newIssuer(key)
			f.set(func() { change(&f.meta) })
			v := f.verifier(t)
			refuses(t, v, fresh(key), http.StatusServiceUnavailable, "")
			if err := v.Ready(t.Context()); err == nil {
				t.Error("ready")
			}
			if got := f.count("/jwks"); got != 0 {
				t.Errorf("the keys were fetched %d times, want never", got)
			}
		})
	}
}

// TestOverTheNetwork: an issuer with a path, by a real connection, and redirects
// that are not followed.
func TestOverTheNetwork(t *testing.T) {
	key, thief := newES256("k"), newES256("k")
	f := newIssuer(key)
	evil := newIssuer(thief)
	elsewhere := httptest.NewServer(evil)
	defer elsewhere.Close()
	redirects := false
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if redirects && r.URL.Path == "/jwks" {
			http.Redirect(w, r, elsewhere.URL+"/jwks", http.StatusFound)
			return
		}
		f.ServeHTTP(w, r)
	}))
	defer s.Close()
	at := s.URL + "/tenant"
	f.meta.Issuer, f.meta.JWKSURI = at, s.URL+"/jwks"
	v := f.verifier(t, func(c *resource.Config) { c.Issuer, c.HTTPClient = at, s.Client() })
	accepts(t, v, bearer(key.token(good(time.Now()).with(claims{"iss": at}))))

	redirects = true
	misled := f.verifier(t, func(c *resource.Config) { c.Issuer, c.HTTPClient = at, s.Client() })
	refuses(t, misled, bearer(thief.token(good(time.Now()).with(claims{"iss": at}))), http.StatusServiceUnavailable, "")
	if got := evil.count("/jwks"); got != 0 {
		t.Errorf("the redirect was followed %d times", got)
	}
}

func TestAnEndlessAnswerIsCut(t *testing.T) {
	endless := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 2 << 10 {
			_, _ = w.Write([]byte(strings.Repeat(" ", 1<<10)))
		}
	})
	s := httptest.NewServer(endless)
	defer s.Close()
	v, err := resource.New(resource.Config{Issuer: s.URL, Audience: audience, HTTPClient: s.Client()})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("got %v, want that the answer is too long", err)
	}
}
