package desktop_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestNonceRoundTrip(t *testing.T) {
	f := modern()
	f.noPush = true
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		began := time.Now()
		synctestUntil(t, 5*time.Second)
		if diff := cmp.Diff([]string{"good"}, f.proofsSeen()); diff != "" {
			t.Errorf("the start brought the nonce, yet (-want +got):\n%s", diff)
		}
		nonces := dpop.NewNonces([]byte(strings.Repeat("x", 32))) // a key of another day: all nonces are stale
		f.mu.Lock()
		f.nonces, f.proofs = &nonces, nil
		f.mu.Unlock()
		synctestUntil(t, 5*time.Second)
		if diff := cmp.Diff([]string{"no nonce", "good"}, f.proofsSeen()); diff != "" {
			t.Errorf("proofs (-want +got):\n%s", diff)
		}
		if got := since(began, f.pollTimes()); !slices.Equal(got, []time.Duration{5 * time.Second, 10 * time.Second, 10 * time.Second}) {
			t.Errorf("polls: got %v, want the one with the nonce at once", got)
		}
		synctestUntil(t, 5*time.Second)
		if got := since(began, f.pollTimes()); len(got) != 4 || got[3] != 15*time.Second {
			t.Errorf("polls: got %v, want the next one after the interval", got)
		}
		f.set(wire.StateApproved)
		signedIn(t, l)
	})
}

func TestAServerThatAlwaysWantsAnotherNonceIsAskedTwiceAPoll(t *testing.T) {
	f := modern()
	f.noPush = true
	f.onToken = func(n int, w httpWriter, _ *httpRequest) bool {
		if n <= 4 {
			w.Header().Set(wire.HeaderDPoPNonce, fmt.Sprint("another ", n))
			refuse(w, http.StatusBadRequest, wire.CodeUseDPoPNonce)
		}
		return n <= 4
	}
	bubble(t, f, func(t *testing.T, _ *network, l *desktop.Login) {
		synctestUntil(t, 5*time.Second)
		if got := len(f.pollTimes()); got != 2 {
			t.Errorf("asked %d times, want twice", got)
		}
		if u := l.Current(); u.State.Terminal() {
			t.Errorf("got %+v, want it to go on", u)
		}
		f.set(wire.StateApproved)
		signedIn(t, l)
	})
}

func TestAProofOnEveryRequestAndNeverTheSame(t *testing.T) {
	f := modern()
	sessionAt(t, f, func(t *testing.T, f *fake, _ *network, c *desktop.Client, s *desktop.Session, m *memory) {
		if jkt := f.starts[0].Get(wire.ParamDPoPKey); len(jkt) != 43 {
			t.Errorf("dpop_jkt: got %q, want a thumbprint", jkt)
		}
		for range 3 {
			if _, err := s.UserInfo(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		pass(fakeLife)
		if _, err := s.UserInfo(t.Context()); err != nil { // with a refresh before it
			t.Fatal(err)
		}
		if _, err := c.Restore(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		proofs := f.proofsSeen() // the server knows one that it has seen
		if n := len(proofs); n < 7 || slices.ContainsFunc(proofs, func(p string) bool { return p != "good" && p != "no nonce" }) {
			t.Errorf("proofs: got %q", proofs)
		}
		if tok, err := s.Token(); err != nil || tok.TokenType != "DPoP" || tok.RefreshToken != "" {
			t.Errorf("Token: got %+v, %v, want one of the type DPoP, and no refresh token", tok, err)
		}
	})
}

func TestNoDowngrade(t *testing.T) {
	for name, tc := range map[string]struct {
		bound bool   // the metadata know DPoP
		kind  string // what the tokens are
		off   bool   // DisableDPoP
		good  bool
	}{
		"bound tokens, as asked":                    {true, "DPoP", false, true},
		"bearer tokens of a server that knows DPoP": {true, "Bearer", false, false},
		"bearer tokens of one that does not":        {false, "Bearer", false, true},
		"bound tokens that nobody asked for":        {false, "DPoP", false, false},
		"bearer tokens, as asked":                   {true, "Bearer", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.family.kind = tc.kind
				f.metadata = func(m *wire.Metadata) {
					if tc.bound {
						m.DPoPAlgorithms = dpop.Algorithms()
					}
				}
				n := f.plug(t)
				c, err := desktop.New(desktop.Config{
					Issuer: f.issuer, ClientID: fakeClient, DisableDPoP: tc.off, HTTPClient: &http.Client{Transport: n.transport(t)},
				})
				if err != nil {
					t.Fatal(err)
				}
				l := start(t, c)
				f.set(wire.StateApproved)
				_, err = l.Wait(t.Context())
				<-l.Done()
				if (err == nil) != tc.good {
					t.Errorf("got %v, want it to be good: %v", err, tc.good)
				}
				if !tc.good {
					revokedTheCode(t, f)
				}
				if asked := f.starts[0].Has(wire.ParamDPoPKey); asked != (tc.bound && !tc.off) {
					t.Errorf("a key was announced: %v", asked)
				}
			})
		})
	}
}

func TestNoProofsForAServerThatKnowsNone(t *testing.T) {
	session(t, func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, m *memory) {
		f.onWho = func(_ httpWriter, r *httpRequest) bool {
			if r.Header.Get(wire.HeaderDPoP) != "" {
				t.Error("a proof was sent")
			}
			return false
		}
		if _, err := s.UserInfo(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(m.data) != 1 {
			t.Errorf("the store holds %d entries, want no key", len(m.data))
		}
	})
}

func TestTheKeyIsKeptAcrossSignOuts(t *testing.T) {
	f := modern()
	sessionAt(t, f, func(t *testing.T, f *fake, n *network, c *desktop.Client, s *desktop.Session, m *memory) {
		if err := s.SignOut(t.Context()); err != nil {
			t.Fatal(err)
		}
		first := f.starts[0].Get(wire.ParamDPoPKey)
		again := f.client(t, n.transport(t)) // the next start of the app
		if _, err := again.Restore(t.Context(), m); !errors.Is(err, desktop.ErrNoSession) {
			t.Fatalf("Restore: got %v", err)
		}
		f.set(wire.StatePending)
		l := start(t, again)
		if second := f.starts[1].Get(wire.ParamDPoPKey); second != first {
			t.Errorf("the second sign-in is bound to %q, want %q as before", second, first)
		}
		f.set(wire.StateApproved)
		signedIn(t, l)
	})
}

func TestAKeptSessionWithoutItsKeyIsNone(t *testing.T) {
	for name, spoil := range map[string]func(record map[string]any){
		"gone":       func(record map[string]any) { delete(record, "key") },
		"unreadable": func(record map[string]any) { record["key"] = []byte("no key") },
	} {
		t.Run(name, func(t *testing.T) {
			sessionAt(t, modern(), func(t *testing.T, f *fake, n *network, _ *desktop.Client, _ *desktop.Session, m *memory) {
				for entry, data := range m.data {
					if record := map[string]any{}; json.Unmarshal(data, &record) == nil {
						spoil(record)
						m.data[entry], _ = json.Marshal(record)
					}
				}
				if _, err := f.client(t, n.transport(t)).Restore(t.Context(), m); !errors.Is(err, desktop.ErrNoSession) {
					t.Errorf("got %v, want ErrNoSession", err)
				}
				if len(m.sessions()) != 1 {
					t.Error("what can't be read was deleted")
				}
			})
		})
	}
}

func TestASessionOutlivesTheInstallationsKey(t *testing.T) {
	for name, spoil := range map[string]func(m *memory, entry string){
		"gone":       func(m *memory, entry string) { delete(m.data, entry) },
		"unreadable": func(m *memory, entry string) { m.data[entry] = []byte("no key") },
	} {
		t.Run(name, func(t *testing.T) {
			sessionAt(t, modern(), func(t *testing.T, f *fake, n *network, _ *desktop.Client, _ *desktop.Session, m *memory) {
				for entry := range m.data {
					if strings.HasSuffix(entry, "(key)") {
						spoil(m, entry)
					}
				}
				s, err := f.client(t, n.transport(t)).Restore(t.Context(), m)
				if err != nil {
					t.Fatal(err)
				}
				pass(fakeLife)
				access(t, s)
			})
		})
	}
}

// interrupted is a store in which something else happens after the first entry is kept.
type interrupted struct {
	*memory
	once sync.Once
	by   func()
}

func (i *interrupted) Save(key string, data []byte) error {
	err := i.memory.Save(key, data)
	i.once.Do(i.by)
	return err
}

func TestTwoProcessesThatSaveAtOnceLoseNoSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, m := modern(), newMemory()
		n := f.plug(t)
		var sessions []*desktop.Session
		for range 2 { // each with a key of its own, for neither has found one
			f.set(wire.StatePending)
			l := start(t, f.client(t, n.transport(t)))
			f.set(wire.StateApproved)
			sessions = append(sessions, signedIn(t, l))
		}
		store := &interrupted{memory: m, by: func() {
			if err := sessions[0].Save(m); err != nil {
				t.Error(err)
			}
		}}
		if err := sessions[1].Save(store); err != nil {
			t.Fatal(err)
		}
		next := f.client(t, n.transport(t)) // the next start of the app
		s, err := next.Restore(t.Context(), m)
		if err != nil {
			t.Fatalf("Restore: %v", err)
		}
		if _, err := s.UserInfo(t.Context()); err != nil {
			t.Errorf("UserInfo: %v", err)
		}
		start(t, next)
		if got, first := f.starts[2].Get(wire.ParamDPoPKey), f.starts[1].Get(wire.ParamDPoPKey); got != first {
			t.Errorf("the next sign-in is bound to %q, want the key %q that was kept first", got, first)
		}
	})
}

func TestAClientTakesUpTheKeyThatIsThere(t *testing.T) {
	sessionAt(t, modern(), func(t *testing.T, f *fake, n *network, _ *desktop.Client, _ *desktop.Session, m *memory) {
		c := f.client(t, n.transport(t)) // it does not call Restore
		for range 2 {
			f.set(wire.StatePending)
			l := start(t, c)
			f.set(wire.StateApproved)
			if err := signedIn(t, l).Save(m); err != nil {
				t.Fatal(err)
			}
		}
		first, own, third := f.starts[0].Get(wire.ParamDPoPKey), f.starts[1].Get(wire.ParamDPoPKey), f.starts[2].Get(wire.ParamDPoPKey)
		if own == first || third != first {
			t.Errorf("keys: got %q, %q and %q, want the third to be the first", first, own, third)
		}
	})
}

func TestAWrongClockOnThisComputerIsMadeUpFor(t *testing.T) {
	for name, off := range map[string]time.Duration{"slow": -10 * time.Minute, "fast": 3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := modern()
				n := f.plug(t)
				c := f.client(t, n.transport(t))
				c.SetWall(func() time.Time { return time.Now().Add(off) })
				l := start(t, c)
				f.set(wire.StateApproved)
				s := signedIn(t, l)
				if _, err := s.UserInfo(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := f.proofsSeen(); len(got) != 3 || got[0] == "good" || got[2] != "good" {
					t.Errorf("proofs: got %q, want one that was refused", got)
				}
			})
		})
	}
}

// api is a resource server of the app's own, which wants nonces of its own.
func api(t *testing.T, f *fake, nonce string, bodies *[]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*bodies = append(*bodies, string(body))
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "DPoP ")
		proof, err := dpop.Verify(time.Now(), r.Header.Values(wire.HeaderDPoP), dpop.Expect{
			Method: r.Method, URL: "http://api.localhost:8080/things", AccessToken: token,
		})
		if !ok || err != nil || proof.Thumbprint != f.starts[0].Get(wire.ParamDPoPKey) {
			t.Errorf("got %q with a proof that is %v", r.Header.Get("Authorization"), err)
		}
		if nonce != "" && proof.Nonce != nonce {
			w.Header().Set(wire.HeaderDPoPNonce, nonce)
			w.Header().Set("WWW-Authenticate", `DPoP error="use_dpop_nonce", error_description="one of mine"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
}

func TestTheHTTPClientProvesTheKeyToTheAppsOwnServer(t *testing.T) {
	once := func(r io.Reader) io.Reader { return struct{ io.Reader }{r} }
	for _, tc := range []struct {
		name   string
		nonce  string
		method string
		body   io.Reader
		status int
		bodies []string
	}{
		{"without a nonce", "", http.MethodGet, nil, 200, []string{""}},
		{"with a nonce", "theirs", http.MethodGet, nil, 200, []string{"", ""}},
		{"with a body that can be sent again", "theirs", http.MethodPost, strings.NewReader("x"), 200, []string{"x", "x"}},
		{"with a body that can't", "theirs", http.MethodPost, once(strings.NewReader("x")), 401, []string{"x"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sessionAt(t, modern(), func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
				var bodies []string
				f.onOther = api(t, f, tc.nonce, &bodies)
				f.nonces = nil
				r, err := http.NewRequest(tc.method, "http://api.localhost:8080/things?page=2", tc.body)
				if err != nil {
					t.Fatal(err)
				}
				res, err := s.HTTPClient().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
				if res.StatusCode != tc.status {
					t.Errorf("got %s, want %d", res.Status, tc.status)
				}
				if diff := cmp.Diff(tc.bodies, bodies); diff != "" {
					t.Errorf("bodies (-want +got):\n%s", diff)
				}
				if r.Header.Get("Authorization") != "" || r.Header.Get(wire.HeaderDPoP) != "" {
					t.Error("the app's request was changed")
				}
			})
		})
	}
}

func TestAResourcesNonceIsNotTheServers(t *testing.T) {
	sessionAt(t, modern(), func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
		var bodies []string
		f.onOther = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Del(wire.HeaderDPoPNonce)
			api(t, f, "theirs", &bodies)(w, r)
		}
		for range 2 {
			res, err := s.HTTPClient().Get("http://api.localhost:8080/things")
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if _, err := s.UserInfo(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if len(bodies) != 3 {
			t.Errorf("the resource was asked %d times, want once for its nonce and twice with it", len(bodies))
		}
		if got := f.proofsSeen(); slices.Contains(got, "no nonce") {
			t.Errorf("proofs at the server: got %q", got)
		}
	})
}

func TestParallelRequestsWithANonceEach(t *testing.T) {
	const requests = 20
	sessionAt(t, modern(), func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
		var mu sync.Mutex // guards what follows
		good, given := map[string]bool{}, 0
		all := make(chan struct{})
		f.onOther = func(w http.ResponseWriter, r *http.Request) {
			proof, err := dpop.Verify(time.Now(), r.Header.Values(wire.HeaderDPoP), dpop.Expect{
				Method: r.Method, URL: "http://api.localhost:8080/things", AccessToken: strings.TrimPrefix(r.Header.Get("Authorization"), "DPoP "),
			})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			ok := good[proof.Nonce]
			delete(good, proof.Nonce) // each is good for once
			given++
			nonce := fmt.Sprint("nonce ", given)
			good[nonce] = true
			if given == requests {
				close(all) // each has come without one
			}
			mu.Unlock()
			<-all
			w.Header().Set(wire.HeaderDPoPNonce, nonce)
			if !ok {
				w.Header().Set("WWW-Authenticate", `DPoP error="use_dpop_nonce"`)
				w.WriteHeader(http.StatusUnauthorized)
			}
		}
		var callers sync.WaitGroup
		for range requests {
			callers.Go(func() {
				res, err := s.HTTPClient().Get("http://api.localhost:8080/things")
				if err != nil {
					t.Error(err)
					return
				}
				res.Body.Close()
				if res.StatusCode != http.StatusOK {
					t.Errorf("got %s", res.Status)
				}
			})
		}
		callers.Wait()
	})
}

func TestStartAsksForResources(t *testing.T) {
	f := newFake()
	f.serve(t)
	resources := []string{"https://api.acme.example/", "urn:acme:files"}
	c, err := desktop.New(desktop.Config{
		Issuer: f.issuer, ClientID: fakeClient, Resources: resources, HTTPClient: &http.Client{Transport: transport(t)},
	})
	if err != nil {
		t.Fatal(err)
	}
	l := start(t, c)
	l.Cancel()
	<-l.Done()
	if diff := cmp.Diff(resources, []string(url.Values(f.starts[0])[wire.ParamResource])); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
