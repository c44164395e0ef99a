package desktop_test

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// memory is a Store.
type memory struct {
	mu   sync.Mutex // guards data
	data map[string][]byte
	err  error // of every call
}

var _ desktop.Store = (*memory)(nil)

func newMemory() *memory { return &memory{data: map[string][]byte{}} }

func (m *memory) Load(key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.data[key]
	if m.err == nil && !ok {
		return nil, desktop.ErrNotFound
	}
	return data, m.err
}

func (m *memory) Save(key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data[key] = data
	return m.err
}

func (m *memory) Delete(key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.data, key)
	return m.err
}

// sessions are the records in it that are no keys.
func (m *memory) sessions() (records [][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for entry, data := range m.data {
		if !strings.HasSuffix(entry, "(key)") {
			records = append(records, data)
		}
	}
	return records
}

// session runs a test in a bubble with a session that is kept in a store.
func session(t *testing.T, test func(t *testing.T, f *fake, n *network, c *desktop.Client, s *desktop.Session, m *memory)) {
	t.Helper()
	sessionAt(t, newFake(), test)
}

// sessionAt is session at a server of the test's own.
func sessionAt(t *testing.T, f *fake, test func(t *testing.T, f *fake, n *network, c *desktop.Client, s *desktop.Session, m *memory)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		n := f.plug(t)
		c := f.client(t, n.transport(t))
		l := start(t, c)
		f.set(wire.StateApproved)
		s := signedIn(t, l)
		<-l.Done()
		if err := s.Save(m); err != nil {
			t.Fatalf("Save: %v", err)
		}
		test(t, f, n, c, s, m)
	})
}

func TestASessionKnowsThePerson(t *testing.T) {
	session(t, func(t *testing.T, _ *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
		got, err := s.UserInfo(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(desktop.UserInfo{Subject: "u-1", Name: "Ada"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestTheHTTPClientSendsTheToken(t *testing.T) {
	session(t, func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
		res, err := s.HTTPClient().Get(f.issuer + wire.PathUserInfo)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("got %s", res.Status)
		}
		if err := s.SignOut(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.HTTPClient().Get(f.issuer + wire.PathUserInfo); !errors.Is(err, desktop.ErrSignedOut) {
			t.Errorf("after the sign-out: got %v", err)
		}
	})
}

func TestSignOutTellsTheServerAndForgets(t *testing.T) {
	session(t, func(t *testing.T, f *fake, _ *network, c *desktop.Client, s *desktop.Session, m *memory) {
		if err := s.SignOut(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rs := f.revocations(); len(rs) != 1 || rs[0].Get(wire.ParamToken) != fakeToken {
			t.Errorf("revocations: got %v", rs)
		}
		if len(m.data) != 0 {
			t.Errorf("the store still holds %v", m.data)
		}
		if _, err := s.Token(); !errors.Is(err, desktop.ErrSignedOut) {
			t.Errorf("Token: got %v", err)
		}
		if _, err := c.Restore(t.Context(), m); !errors.Is(err, desktop.ErrNoSession) {
			t.Errorf("Restore: got %v", err)
		}
		if err := s.SignOut(t.Context()); err != nil {
			t.Errorf("a second sign-out: got %v", err)
		}
	})
}

func TestSignOutWithoutANetworkForgetsAllTheSame(t *testing.T) {
	session(t, func(t *testing.T, _ *fake, n *network, _ *desktop.Client, s *desktop.Session, m *memory) {
		n.setCut(true)
		if err := s.SignOut(t.Context()); !errors.Is(err, desktop.ErrOffline) {
			t.Errorf("got %v, want ErrOffline", err)
		}
		if len(m.data) != 0 {
			t.Errorf("the store still holds %v", m.data)
		}
	})
}

func TestRestore(t *testing.T) {
	broken := errors.New("the keychain is locked")
	cases := []struct {
		name   string
		before func(f *fake, n *network, m *memory)
		want   error // nil: a session
		kept   bool  // in the store afterwards
	}{
		{"a good session", func(*fake, *network, *memory) {}, nil, true},
		{"without a network", func(_ *fake, n *network, _ *memory) { n.setCut(true) }, nil, true},
		{"signed out from the phone", func(f *fake, _ *network, _ *memory) {
			f.revoked = append(f.revoked, map[string][]string{wire.ParamToken: {fakeToken}})
		}, desktop.ErrNoSession, false},
		{"past its time", func(*fake, *network, *memory) {
			timer := time.NewTimer(2 * time.Hour)
			<-timer.C
		}, desktop.ErrNoSession, false},
		{"nothing kept", func(_ *fake, _ *network, m *memory) { clear(m.data) }, desktop.ErrNoSession, false},
		{"something else kept", func(_ *fake, _ *network, m *memory) {
			for key := range maps.Clone(m.data) {
				m.data[key] = []byte("{}")
			}
		}, desktop.ErrNoSession, true},
		{"a broken store", func(_ *fake, _ *network, m *memory) { m.err = broken }, broken, true},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			session(t, func(t *testing.T, f *fake, n *network, c *desktop.Client, _ *desktop.Session, m *memory) {
				tc.before(f, n, m)
				s, err := c.Restore(t.Context(), m)
				if !errors.Is(err, tc.want) || (s == nil) != (tc.want != nil) {
					t.Fatalf("got %v, %v, want %v", s, err, tc.want)
				}
				if kept := len(m.data) > 0; kept != tc.kept {
					t.Errorf("kept: got %v, want %v", kept, tc.kept)
				}
				if s == nil {
					return
				}
				if tok, err := s.Token(); err != nil || tok.AccessToken != fakeToken {
					t.Errorf("Token: got %v, %v", tok, err)
				}
			})
		})
	}
}

func TestOnlyTheServersOwnWordEndsASession(t *testing.T) {
	cases := []struct {
		name      string
		challenge string
		body      string
		over      bool
	}{
		{"a proxy's page", "", "<html>401 Authorization Required", false},
		{"a proxy's password", `Basic realm="staff only"`, "", false},
		{"a gateway's sign-on", "Negotiate", `{"error":"login_required"}`, false},
		{"a gateway that wants a token of its own", "Bearer", "", false},
		{"a proxy whose realm quotes the server", `Basic realm="Bearer error=invalid_token"`, "", false},
		{"invalid_token in the challenge", `Bearer error="invalid_token"`, "", true},
		{"invalid_token beside a proxy's challenge", `Negotiate, Bearer realm="a", error="invalid_token"`, "", true},
		{"invalid_token in the body", "", `{"error":"invalid_token"}`, true},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			session(t, func(t *testing.T, f *fake, _ *network, c *desktop.Client, s *desktop.Session, m *memory) {
				f.onWho = func(w httpWriter, _ *httpRequest) bool {
					if tc.challenge != "" {
						w.Header().Set("WWW-Authenticate", tc.challenge)
					}
					w.WriteHeader(http.StatusUnauthorized)
					_, _ = w.Write([]byte(tc.body))
					return true
				}
				restored, err := c.Restore(t.Context(), m)
				if (restored == nil) != tc.over || errors.Is(err, desktop.ErrNoSession) != tc.over {
					t.Errorf("Restore: got %v, %v", restored, err)
				}
				if kept := len(m.data) > 0; kept == tc.over {
					t.Errorf("kept: got %v, want %v", kept, !tc.over)
				}
				want := desktop.ErrOffline
				if tc.over {
					want = desktop.ErrSignedOut
				}
				if _, err := s.UserInfo(t.Context()); !errors.Is(err, want) || !tc.over && !strings.Contains(err.Error(), "401") {
					t.Errorf("UserInfo: got %v, want %v that says what was answered", err, want)
				}
				if _, err := s.Token(); (err != nil) != tc.over {
					t.Errorf("Token: got %v", err)
				}
			})
		})
	}
}

func TestAStoreThatFailsAtASignOutLosesNoOthersSession(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, n *network, _ *desktop.Client, s *desktop.Session, m *memory) {
		f.set(wire.StatePending)
		l := start(t, f.client(t, n.transport(t)))
		f.set(wire.StateApproved)
		if err := signedIn(t, l).Save(m); err != nil {
			t.Fatal(err)
		}
		kept := m.sessions()
		m.err = errors.New("the keychain is locked")
		if err := s.SignOut(t.Context()); !errors.Is(err, m.err) {
			t.Errorf("got %v, want the store's error", err)
		}
		m.err = nil
		if err := s.SignOut(t.Context()); err != nil {
			t.Errorf("the second time: got %v", err)
		}
		if diff := cmp.Diff(kept, m.sessions()); diff != "" {
			t.Errorf("the record of the newer session changed (-want +got):\n%s", diff)
		}
	})
}

func TestASignOutIsRepeatedAfterAStoresError(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, m *memory) {
		m.err = errors.New("the keychain is locked")
		if err := s.SignOut(t.Context()); !errors.Is(err, m.err) {
			t.Errorf("got %v, want the store's error", err)
		}
		if len(m.sessions()) != 1 {
			t.Error("a record that could not be read was deleted")
		}
		m.err = nil
		if err := s.SignOut(t.Context()); err != nil || len(m.sessions()) != 0 {
			t.Errorf("the second time: got %v, and %d records are left", err, len(m.sessions()))
		}
		if n := len(f.revocations()); n != 1 {
			t.Errorf("revoked %d times, want once", n)
		}
	})
}

func TestARecordThatDoesNotReadIsForgottenAtASignOut(t *testing.T) {
	session(t, func(t *testing.T, _ *fake, _ *network, _ *desktop.Client, s *desktop.Session, m *memory) {
		for entry := range m.data {
			m.data[entry] = []byte("{}")
		}
		if err := s.SignOut(t.Context()); err != nil || len(m.data) != 0 {
			t.Errorf("got %v, and %d records are left", err, len(m.data))
		}
	})
}
