package resource_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qrauthd/qrauthd/resource"
)

func introspecting(c *resource.Config) {
	c.Introspection = &resource.Introspection{ClientID: "files api", ClientSecret: "se:cr/et+"}
}

// says is the server's answer to every introspection.
func (f *issuer) says(status int, body any) {
	f.set(func() { f.active = func(string) (any, int) { return body, status } })
}

func TestAnIntrospectedTokenIsCachedForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newES256("k")
		f := newIssuer(key)
		v := f.verifier(t, introspecting)
		r := bearer(key.token(good(time.Now())))
		for range 10 {
			accepts(t, v, r)
			time.Sleep(900 * time.Millisecond)
		}
		if got := f.count("/introspect"); got != 1 {
			t.Errorf("asked %d times within 9 s, want once", got)
		}
		f.says(http.StatusOK, map[string]any{"active": false})
		accepts(t, v, r)
		time.Sleep(time.Second)
		refuses(t, v, r, http.StatusUnauthorized, "invalid_token")
		refuses(t, v, r, http.StatusUnauthorized, "invalid_token")
		if got := f.count("/introspect"); got != 2 {
			t.Errorf("asked %d times, want that a no is cached too", got)
		}
	})
}

func TestTheClientAuthenticates(t *testing.T) {
	key := newES256("k")
	f := newIssuer(key)
	token := key.token(good(time.Now()))
	f.set(func() {
		f.active = func(got string) (any, int) { return map[string]any{"active": got == token}, http.StatusOK }
	})
	accepts(t, f.verifier(t, introspecting), bearer(token))
	req := http.Request{Header: http.Header{"Authorization": {f.wasAuth}}}
	if id, secret, _ := req.BasicAuth(); id != "files+api" || secret != "se%3Acr%2Fet%2B" {
		t.Errorf("got %q, %q, want both form-encoded (RFC 6749 section 2.3.1)", id, secret)
	}
}

// TestIntrospectionFailsClosed: 503, and not remembered.
func TestIntrospectionFailsClosed(t *testing.T) {
	for name, breakIt := range map[string]func(*issuer){
		"no connection":             func(f *issuer) { f.down = true },
		"the client is not allowed": func(f *issuer) { f.active = says(http.StatusUnauthorized, map[string]any{"active": true}) },
		"over budget":               func(f *issuer) { f.active = says(http.StatusTooManyRequests, nil) },
		"a server error":            func(f *issuer) { f.active = says(http.StatusInternalServerError, nil) },
		"not JSON of ours":          func(f *issuer) { f.active = says(http.StatusOK, "active") },
		"no word of active":         func(f *issuer) { f.active = says(http.StatusOK, map[string]any{"sub": "user-1"}) },
		"active as a word":          func(f *issuer) { f.active = says(http.StatusOK, map[string]any{"active": "true"}) },
	} {
		t.Run(name, func(t *testing.T) {
			key := newES256("k")
			f := newIssuer(key)
			var log bytes.Buffer
			v := f.verifier(t, introspecting, func(c *resource.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			if err := v.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			f.set(func() { breakIt(f) })
			token := key.token(good(time.Now()))
			e := refuses(t, v, bearer(token), http.StatusServiceUnavailable, "")
			for _, secret := range []string{token, "se:cr/et+", "se%3Acr%2Fet%2B"} {
				if strings.Contains(e.Error()+log.String(), secret) {
					t.Error("a secret is in the error or the log")
				}
			}
			if !strings.Contains(log.String(), "could not be introspected") {
				t.Errorf("the log says %q", log.String())
			}
			f.set(func() { f.down = false })
			f.says(http.StatusOK, map[string]any{"active": true})
			accepts(t, v, bearer(token))
		})
	}
}

func says(status int, body any) func(string) (any, int) {
	return func(string) (any, int) { return body, status }
}

func TestAnIssuerWithoutIntrospectionFailsClosed(t *testing.T) {
	for name, endpoint := range map[string]string{"none": "", "in the clear": "http://login.example.com/introspect"} {
		t.Run(name, func(t *testing.T) {
			key := newES256("k")
			f := newIssuer(key)
			f.set(func() { f.meta.IntrospectionEndpoint = endpoint })
			refuses(t, f.verifier(t, introspecting), fresh(key), http.StatusServiceUnavailable, "")
			if got := f.count("/introspect"); got != 0 {
				t.Errorf("the secret was sent %d times", got)
			}
		})
	}
}

func TestMadeUpTokensAreNotAskedAbout(t *testing.T) {
	key := newES256("k")
	f := newIssuer(key)
	v := f.verifier(t, introspecting)
	refuses(t, v, fresh(newES256("k")), http.StatusUnauthorized, "invalid_token")
	refuses(t, v, bearer(key.token(good(time.Now().Add(-time.Hour)))), http.StatusUnauthorized, "invalid_token")
	if got := f.count("/introspect"); got != 0 {
		t.Errorf("asked %d times", got)
	}
}

func TestTheCacheOfAnswersIsAsConfigured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newES256("k")
		f := newIssuer(key)
		cached := func(d time.Duration) *resource.Verifier {
			return f.verifier(t, introspecting, func(c *resource.Config) { c.Introspection.CacheFor = d })
		}
		r := bearer(key.token(good(time.Now())))
		never := cached(-1)
		for range 5 {
			accepts(t, never, r)
		}
		if got := f.count("/introspect"); got != 5 {
			t.Errorf("asked %d times for 5 requests that are not to be cached", got)
		}
		minute := cached(time.Minute)
		accepts(t, minute, r)
		time.Sleep(59 * time.Second)
		accepts(t, minute, r)
		if got := f.count("/introspect"); got != 6 {
			t.Errorf("asked %d times, want once more", got)
		}
	})
}

func TestManyWhoWaitForAnAnswerAreOneQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newES256("k")
		f := newIssuer(key)
		v := f.verifier(t, introspecting)
		if err := v.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		gate := make(chan struct{})
		f.set(func() { f.gate = gate })
		token := key.token(good(time.Now()))
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { accepts(t, v, bearer(token)) })
		}
		synctest.Wait()
		close(gate)
		all.Wait()
		if got := f.count("/introspect"); got != 1 {
			t.Errorf("asked %d times, want once", got)
		}
	})
}

func TestTheCacheOfAnswersIsBounded(t *testing.T) {
	const bound = 100
	key := newES256("k")
	f := newIssuer(key)
	now := time.Now()
	v := f.verifier(t, introspecting, func(c *resource.Config) { c.Now = func() time.Time { return now } })
	v.Bound(bound)
	ask := func(n int) {
		accepts(t, v, bearer(key.token(good(now).with(claims{"jti": fmt.Sprint(n)}))))
	}
	for n := range bound + 20 {
		ask(n)
	}
	if got := v.Answers(); got != bound {
		t.Errorf("%d answers are remembered, want %d", got, bound)
	}
	now = now.Add(time.Minute)
	for n := range bound / 2 {
		ask(n)
	}
	if got := v.Answers(); got >= bound {
		t.Errorf("%d answers are remembered, want those that are over gone", got)
	}
	if got := f.count("/introspect"); got != bound+20+bound/2 {
		t.Errorf("asked %d times, want once for each", got)
	}
}
