package desktop_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// lasting runs a test in a bubble with a session of a server of today.
func lasting(t *testing.T, test func(t *testing.T, f *fake, n *network, c *desktop.Client, s *desktop.Session, m *memory)) {
	t.Helper()
	sessionAt(t, modern(), test)
}

// onRefresh is a hook for the n-th refresh, from 1.
func (f *fake) onRefresh(hook func(n int, w httpWriter, r *httpRequest) bool) {
	n := 0
	f.onToken = func(_ int, w httpWriter, r *httpRequest) bool {
		if r.PostFormValue(wire.ParamGrantType) != wire.GrantTypeRefresh {
			return false
		}
		f.mu.Lock()
		n++
		now := n
		f.mu.Unlock()
		return hook(now, w, r)
	}
}

// loses answers the first refreshes by hanging up when they are done.
func (f *fake) loses(first int) {
	f.onRefresh(func(n int, _ httpWriter, r *httpRequest) bool {
		if n > first {
			return false
		}
		f.refresh(nowhere{http.Header{}}, r.PostFormValue(wire.ParamRefreshToken))
		panic(http.ErrAbortHandler)
	})
}

// nowhere is where a lost answer goes.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}

func access(t *testing.T, s *desktop.Session) string {
	t.Helper()
	tok, err := s.Token()
	if err != nil {
		t.Fatalf("Token: %v", err)
	}
	return tok.AccessToken
}

func TestATokenIsRenewedBeforeItsEnd(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
		first := s.IDToken()
		pass(fakeLife - 31*time.Second)
		if got := access(t, s); got != fakeToken {
			t.Errorf("31 seconds before its end: got %q, want the old one", got)
		}
		pass(2 * time.Second)
		if got := access(t, s); got != "access-2" {
			t.Errorf("29 seconds before its end: got %q, want a new one", got)
		}
		if diff := cmp.Diff([]string{"refresh-1"}, f.familySeen().refreshes); diff != "" {
			t.Errorf("refreshes (-want +got):\n%s", diff)
		}
		if got := s.IDToken(); first != "id-1" || got != "id-2" {
			t.Errorf("ID tokens: got %q and %q, want the first and the second", first, got)
		}
		for n := range 3 { // and on and on
			pass(fakeLife)
			access(t, s)
			if got := len(f.familySeen().refreshes); got != n+2 {
				t.Errorf("refreshed %d times, want %d", got, n+2)
			}
		}
	})
}

func TestOneRefreshForFiftyCallers(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
		pass(fakeLife)
		f.onRefresh(func(int, httpWriter, *httpRequest) bool { pass(time.Second); return false })
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				if tok, err := s.Token(); err != nil || tok.AccessToken != "access-2" {
					t.Errorf("got %v, %v", tok, err)
				}
			})
		}
		callers.Wait()
		if got := f.familySeen().refreshes; len(got) != 1 {
			t.Errorf("refreshed %d times, want once", len(got))
		}
	})
}

func TestALostRefreshAnswerIsAskedForAgain(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
		f.loses(3)
		pass(fakeLife)
		began := time.Now()
		access(t, s)
		if took := time.Since(began); took >= repeatable {
			t.Errorf("took %v, want less than the server allows for repetitions", took)
		}
		if diff := cmp.Diff([]string{"refresh-1", "refresh-1", "refresh-1", "refresh-1"}, f.familySeen().refreshes); diff != "" {
			t.Errorf("refreshes (-want +got):\n%s", diff)
		}
		f.onToken = nil
		pass(fakeLife)
		access(t, s)
		if f.familySeen().reused {
			t.Error("a refresh token was used when it was none anymore")
		}
	})
}

func TestARefreshIsNotRepeatedForLongerThanTheServerAllows(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
		f.loses(1000)
		pass(fakeLife)
		began := time.Now()
		if tok, err := s.Token(); !errors.Is(err, desktop.ErrOffline) {
			t.Fatalf("got %v, %v, want ErrOffline", tok, err)
		}
		if took := time.Since(began); took > 25*time.Second {
			t.Errorf("took %v", took)
		}
		if f.familySeen().reused {
			t.Error("the last repetition came too late")
		}
	})
}

func TestWithoutANetworkATokenIsUsedToItsEnd(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, n *network, _ *desktop.Client, s *desktop.Session, m *memory) {
		n.setCut(true)
		pass(fakeLife - 20*time.Second)
		began := time.Now()
		if got := access(t, s); got != fakeToken {
			t.Errorf("got %q, want the old one while it is good", got)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("the caller waited %v for it", took)
		}
		pass(20 * time.Second)
		if _, err := s.Token(); !errors.Is(err, desktop.ErrOffline) {
			t.Errorf("after its end: got %v, want ErrOffline", err)
		}
		if _, err := s.UserInfo(t.Context()); !errors.Is(err, desktop.ErrOffline) {
			t.Errorf("UserInfo: got %v, want ErrOffline", err)
		}
		if len(m.sessions()) != 1 {
			t.Error("the session was forgotten")
		}
		n.setCut(false)
		if got := access(t, s); got == fakeToken {
			t.Error("with a network again: got the old one")
		}
		if len(f.familySeen().refreshes) == 0 {
			t.Error("nothing was refreshed")
		}
	})
}

func TestACallersCtxEndsItsWaitAndNotTheRefresh(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
		pass(fakeLife)
		f.onRefresh(func(int, httpWriter, *httpRequest) bool { pass(5 * time.Second); return false })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.UserInfo(ctx); !errors.Is(err, desktop.ErrOffline) {
			t.Errorf("got %v, want ErrOffline", err)
		}
		if got := access(t, s); got != "access-2" {
			t.Errorf("got %q", got)
		}
		if got := len(f.familySeen().refreshes); got != 1 {
			t.Errorf("refreshed %d times, want once", got)
		}
	})
}

func TestInvalidGrantEndsTheSession(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, _ *network, c *desktop.Client, s *desktop.Session, m *memory) {
		f.onRefresh(func(_ int, w httpWriter, _ *httpRequest) bool {
			refuse(w, http.StatusBadRequest, wire.CodeInvalidGrant)
			return true
		})
		pass(fakeLife)
		for range 2 { // it is sticky
			if _, err := s.Token(); !errors.Is(err, desktop.ErrSignedOut) {
				t.Errorf("got %v, want ErrSignedOut", err)
			}
		}
		if got := len(f.familySeen().refreshes) + len(f.pollTimes()); got > 3 {
			t.Errorf("asked %d times", got)
		}
		if len(m.sessions()) != 0 || len(m.data) != 1 {
			t.Errorf("the store holds %d entries, want the key only", len(m.data))
		}
		if _, err := c.Restore(t.Context(), m); !errors.Is(err, desktop.ErrNoSession) {
			t.Errorf("Restore: got %v", err)
		}
	})
}

// refusing makes the server refuse each refresh until the returned func is called.
func (f *fake) refusing(status int, code string) (mend func()) {
	var mended atomic.Bool
	f.onRefresh(func(_ int, w httpWriter, _ *httpRequest) bool {
		if !mended.Load() {
			refuse(w, status, code)
		}
		return !mended.Load()
	})
	return func() { mended.Store(true) }
}

func TestARefusalOfARefreshIsReportedAndEndsNothing(t *testing.T) {
	for _, code := range []string{
		wire.CodeUnauthorizedClient, wire.CodeInvalidScope, wire.CodeUnsupportedGrantType, wire.CodeInvalidDPoPProof,
		wire.CodeInvalidTarget, wire.CodeAuthorizationPending, wire.CodeAccessDenied, "something_new",
	} {
		t.Run(code, func(t *testing.T) {
			lasting(t, func(t *testing.T, f *fake, n *network, _ *desktop.Client, s *desktop.Session, m *memory) {
				mend := f.refusing(http.StatusBadRequest, code)
				pass(fakeLife - 10*time.Second)
				if got := access(t, s); got != fakeToken {
					t.Errorf("got %q, want the old one while it is good", got)
				}
				pass(10 * time.Second)
				var refused *desktop.OAuthError
				_, err := s.Token()
				if !errors.As(err, &refused) || refused.Code != code || errors.Is(err, desktop.ErrOffline) || errors.Is(err, desktop.ErrSignedOut) {
					t.Errorf("got %v, want an OAuthError and nothing else", err)
				}
				if _, err := s.UserInfo(t.Context()); !errors.As(err, &refused) {
					t.Errorf("UserInfo: got %v", err)
				}
				again, err := f.client(t, n.transport(t)).Restore(t.Context(), m)
				if err != nil {
					t.Fatalf("Restore: got %v, want the session that can be renewed later", err)
				}
				mend()
				access(t, s)
				access(t, again)
			})
		})
	}
}

func TestPassingTroubleWithARefreshEndsNothing(t *testing.T) {
	for _, tc := range []struct {
		status int
		code   string
	}{
		{400, wire.CodeServerError},
		{400, wire.CodeUnavailable},
		{400, wire.CodeUseDPoPNonce},
		{429, "too_many"},
		{500, wire.CodeInvalidClient},
		{503, wire.CodeInvalidGrant},
		{403, ""}, // of something else than the server
	} {
		t.Run(fmt.Sprint(tc.status, " ", tc.code), func(t *testing.T) {
			lasting(t, func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, m *memory) {
				mend := f.refusing(tc.status, tc.code)
				pass(fakeLife)
				var refused *desktop.OAuthError
				if _, err := s.Token(); !errors.Is(err, desktop.ErrOffline) || errors.As(err, &refused) {
					t.Errorf("got %v, want ErrOffline", err)
				}
				if len(m.sessions()) != 1 {
					t.Error("the session was forgotten")
				}
				mend()
				access(t, s)
			})
		})
	}
}

func TestAnAppThatWasRemovedAtTheServerIsSignedOut(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, n *network, _ *desktop.Client, s *desktop.Session, m *memory) {
		other, err := f.client(t, n.transport(t)).Restore(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		kept := maps.Clone(m.data)
		f.refusing(http.StatusUnauthorized, wire.CodeInvalidClient)
		pass(fakeLife)
		var refused *desktop.OAuthError
		if _, err := s.Token(); !errors.Is(err, desktop.ErrSignedOut) || !errors.As(err, &refused) || refused.Code != wire.CodeInvalidClient {
			t.Errorf("got %v, want ErrSignedOut, and why", err)
		}
		if len(m.sessions()) != 0 {
			t.Error("the session is still kept")
		}
		if _, err := s.Token(); !errors.Is(err, desktop.ErrSignedOut) {
			t.Errorf("again: got %v", err)
		}
		if _, err := other.Token(); !errors.Is(err, desktop.ErrSignedOut) {
			t.Errorf("another process: got %v", err)
		}
		m.data = kept
		if _, err := f.client(t, n.transport(t)).Restore(t.Context(), m); !errors.Is(err, desktop.ErrNoSession) || len(m.sessions()) != 0 {
			t.Errorf("Restore: got %v, and %d records are left", err, len(m.sessions()))
		}
	})
}

func TestARefreshThatBringsBearerTokensIsNone(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
		f.mu.Lock()
		f.family.kind = wire.TokenTypeBearer
		f.mu.Unlock()
		pass(fakeLife)
		if tok, err := s.Token(); err == nil {
			t.Errorf("got %+v, want an error", tok)
		}
	})
}

func TestAnotherProcessRotated(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, n *network, _ *desktop.Client, s *desktop.Session, m *memory) {
		other, err := f.client(t, n.transport(t)).Restore(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		for round := range 4 {
			pass(fakeLife)
			one, two := s, other
			if round%2 == 1 {
				one, two = two, one
			}
			if first, second := access(t, one), access(t, two); first != second {
				t.Errorf("round %d: got %q and %q, want the second process to take the first one's", round, first, second)
			}
		}
		if fam := f.familySeen(); fam.reused || len(fam.refreshes) != 4 {
			t.Errorf("refreshes: got %q, reused %v, want one a round", fam.refreshes, fam.reused)
		}
	})
}

func TestAnotherProcessIsFaster(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, n *network, _ *desktop.Client, s *desktop.Session, m *memory) {
		other, err := f.client(t, n.transport(t)).Restore(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		f.onRefresh(func(n int, w httpWriter, _ *httpRequest) bool {
			if n == 1 { // ours is on its way while theirs is answered
				access(t, other)
				refuse(w, http.StatusBadRequest, wire.CodeInvalidGrant)
			}
			return n == 1
		})
		pass(fakeLife)
		if ours, theirs := access(t, s), access(t, other); ours != theirs {
			t.Errorf("got %q, want %q from the store", ours, theirs)
		}
		if len(m.sessions()) != 1 {
			t.Error("the session was forgotten")
		}
	})
}

func TestASignOutInAnotherProcessEndsTheSession(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, n *network, _ *desktop.Client, s *desktop.Session, m *memory) {
		other, err := f.client(t, n.transport(t)).Restore(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		n.setCut(true)
		if err := other.SignOut(t.Context()); !errors.Is(err, desktop.ErrOffline) {
			t.Fatal(err)
		}
		n.setCut(false)
		pass(fakeLife)
		if _, err := s.Token(); !errors.Is(err, desktop.ErrSignedOut) {
			t.Errorf("got %v, want ErrSignedOut", err)
		}
		if len(m.sessions()) != 0 {
			t.Error("the record came back")
		}
	})
}

func TestAnotherSignInTakesTheStoreOver(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, n *network, _ *desktop.Client, s *desktop.Session, m *memory) {
		f.set(wire.StatePending)
		l := start(t, f.client(t, n.transport(t)))
		f.set(wire.StateApproved)
		second := signedIn(t, l)
		if err := second.Save(m); err != nil {
			t.Fatal(err)
		}
		kept := m.sessions()
		pass(fakeLife)
		if _, err := s.Token(); err == nil { // its key is none of the server's anymore
			t.Error("the first one can be renewed")
		}
		if err := s.SignOut(t.Context()); err != nil && !errors.Is(err, desktop.ErrOffline) {
			t.Fatal(err)
		}
		if diff := cmp.Diff(kept, m.sessions()); diff != "" {
			t.Errorf("the first session changed the record of the second (-want +got):\n%s", diff)
		}
	})
}

func TestRenewedTokensAreKeptAtOnce(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, n *network, _ *desktop.Client, s *desktop.Session, m *memory) {
		pass(fakeLife)
		want := access(t, s)
		again, err := f.client(t, n.transport(t)).Restore(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		if got := access(t, again); got != want {
			t.Errorf("restored %q, want %q", got, want)
		}
	})
}

func TestAStoreThatFailsIsReportedAndEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, m := modern(), newMemory()
		n := f.plug(t)
		reported := make(chan error, 10)
		c, err := desktop.New(desktop.Config{
			Issuer: f.issuer, ClientID: fakeClient, HTTPClient: &http.Client{Transport: n.transport(t)},
			OnNotKept: func(err error) { reported <- err },
		})
		if err != nil {
			t.Fatal(err)
		}
		l := start(t, c)
		f.set(wire.StateApproved)
		s := signedIn(t, l)
		if err := s.Save(m); err != nil {
			t.Fatal(err)
		}
		m.err = errors.New("the keychain is locked")
		pass(fakeLife)
		want := access(t, s)
		if err := <-reported; !errors.Is(err, m.err) {
			t.Errorf("reported %v, want the store's error", err)
		}
		m.err = nil
		pass(fakeLife)
		if got := access(t, s); got == want { // what is in the store is older than what we have
			t.Errorf("got %q again", got)
		}
		if f.familySeen().reused {
			t.Error("an old refresh token was taken from the store")
		}
		if len(reported) != 0 {
			t.Errorf("reported %v too", <-reported)
		}
	})
}

func TestRestoreRenewsWhatHasRunOut(t *testing.T) {
	cases := []struct {
		name   string
		before func(f *fake, n *network)
		want   error // of Restore
		token  error // afterwards
	}{
		{"by the server", func(*fake, *network) {}, nil, nil},
		{"not without a network, and stays", func(_ *fake, n *network) { n.setCut(true) }, nil, desktop.ErrOffline},
		{"not when it was ended elsewhere", func(f *fake, _ *network) { f.family.over = true }, desktop.ErrNoSession, nil},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			lasting(t, func(t *testing.T, f *fake, n *network, _ *desktop.Client, _ *desktop.Session, m *memory) {
				pass(24 * time.Hour)
				tc.before(f, n)
				s, err := f.client(t, n.transport(t)).Restore(t.Context(), m)
				if !errors.Is(err, tc.want) || (s == nil) != (tc.want != nil) {
					t.Fatalf("got %v, %v, want %v", s, err, tc.want)
				}
				if kept := len(m.sessions()) == 1; kept != (tc.want == nil) {
					t.Errorf("kept: got %v", kept)
				}
				if s == nil {
					return
				}
				if _, err := s.Token(); !errors.Is(err, tc.token) {
					t.Errorf("Token: got %v, want %v", err, tc.token)
				}
			})
		})
	}
}

func TestAnOldRecordStillReads(t *testing.T) {
	session(t, func(t *testing.T, f *fake, n *network, _ *desktop.Client, _ *desktop.Session, m *memory) {
		for entry := range m.data {
			old, err := json.Marshal(map[string]any{
				"issuer": f.issuer, "client_id": fakeClient, "access_token": fakeToken, "expiry": time.Now().Add(time.Hour),
			})
			if err != nil {
				t.Fatal(err)
			}
			m.data[entry] = old
		}
		s, err := f.client(t, n.transport(t)).Restore(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		if tok, err := s.Token(); err != nil || tok.AccessToken != fakeToken || tok.TokenType != "Bearer" {
			t.Errorf("got %+v, %v", tok, err)
		}
		if err := s.SignOut(t.Context()); err != nil || len(m.data) != 0 {
			t.Errorf("SignOut: got %v, and %d records are left", err, len(m.data))
		}
	})
}

func TestAnAccessTokenThatTheServerForgotIsReplaced(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
		f.mu.Lock()
		clear(f.family.access)
		f.mu.Unlock()
		if _, err := s.UserInfo(t.Context()); err != nil {
			t.Errorf("got %v, want it to be renewed", err)
		}
		if got := access(t, s); got == fakeToken {
			t.Error("the old token stayed")
		}
	})
}

func TestSignOutRevokesTheRefreshToken(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, m *memory) {
		pass(2 * fakeLife) // the access token is none anymore
		if err := s.SignOut(t.Context()); err != nil {
			t.Fatal(err)
		}
		rs := f.revocations()
		if len(rs) != 1 || rs[0].Get(wire.ParamToken) != "refresh-1" || rs[0].Get(wire.ParamTokenTypeHint) != "refresh_token" {
			t.Errorf("revocations: got %v", rs)
		}
		if len(m.sessions()) != 0 {
			t.Error("the session is still kept")
		}
		if n := len(f.familySeen().refreshes); n != 0 {
			t.Errorf("refreshed %d times on the way out", n)
		}
	})
}

func TestASignOutDuringARefreshLeavesNothingInTheStore(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, m *memory) {
		entered, release := make(chan struct{}), make(chan struct{})
		f.onRefresh(func(int, httpWriter, *httpRequest) bool {
			close(entered)
			<-release
			return false
		})
		pass(fakeLife)
		waiting := make(chan error, 1)
		go func() { _, err := s.Token(); waiting <- err }()
		<-entered
		if err := s.SignOut(t.Context()); err != nil {
			t.Fatal(err)
		}
		close(release)
		if err := <-waiting; !errors.Is(err, desktop.ErrSignedOut) {
			t.Errorf("got %v, want ErrSignedOut", err)
		}
		if len(m.sessions()) != 0 {
			t.Error("the session came back")
		}
		if err := s.Save(m); !errors.Is(err, desktop.ErrSignedOut) || len(m.sessions()) != 0 {
			t.Errorf("Save: got %v", err)
		}
	})
}

func TestNoOfflineAccessEndsWithTheAccessToken(t *testing.T) {
	f := modern()
	f.lasting = false
	sessionAt(t, f, func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
		pass(fakeLife - time.Second)
		if got := access(t, s); got != fakeToken {
			t.Errorf("a second before its end: got %q", got)
		}
		pass(time.Second)
		if _, err := s.Token(); !errors.Is(err, desktop.ErrNoSession) {
			t.Errorf("got %v, want ErrNoSession", err)
		}
		if slices.ContainsFunc(f.familySeen().refreshes, func(string) bool { return true }) {
			t.Error("something was refreshed")
		}
	})
}

func TestALostRefreshAnswerIsAskedForWhenTheServerIsBack(t *testing.T) {
	lasting(t, func(t *testing.T, f *fake, n *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
		f.loses(1)
		pass(fakeLife)
		renewed := make(chan error, 1)
		go func() { _, err := s.Token(); renewed <- err }()
		synctest.Wait() // the answer is lost: the server was killed
		n.refuse()
		pass(3 * time.Second)
		n.setCut(false)
		if err := <-renewed; err != nil {
			t.Errorf("the server was back after 3 seconds: got %v, want the session renewed", err)
		}
		if f.familySeen().reused {
			t.Error("a refresh token was used when it was none anymore")
		}
	})
}
