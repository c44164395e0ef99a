package login_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

func TestFiftyParallelPollsYieldOneToken(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	client, _ := w.Client(t.Context(), logintest.App)
	g, code := w.Start(logintest.App)
	w.Approve(ada, g.ID)
	var polls sync.WaitGroup
	var won, lost atomic.Int32
	for range 50 {
		polls.Go(func() {
			switch _, err := w.Redeem(t.Context(), login.TokenRequest{Client: client}, code); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, grant.ErrRedeemed):
				lost.Add(1)
			default:
				t.Errorf("got %v, want a token or ErrRedeemed", err)
			}
		})
	}
	polls.Wait()
	if won.Load() != 1 || lost.Load() != 49 {
		t.Errorf("%d polls got a token and %d ErrRedeemed, want 1 and 49", won.Load(), lost.Load())
	}
	var sessions []auth.Session
	w.Update(func(tx store.Tx) (err error) { sessions, err = tx.SessionsOf(ada.User.ID); return err })
	if len(sessions) != 1 {
		t.Errorf("got %d sessions, want 1", len(sessions))
	}
}

func TestRedeemIsRefused(t *testing.T) {
	tests := []struct {
		name string
		do   func(t *testing.T, w *logintest.World, ada *logintest.Person, id auth.GrantID)
		err  error
	}{
		{"while nobody has decided", func(*testing.T, *logintest.World, *logintest.Person, auth.GrantID) {}, grant.ErrPending},
		{"after a denial", func(t *testing.T, w *logintest.World, ada *logintest.Person, id auth.GrantID) {
			if err := w.Deny(t.Context(), ada.Visitor(), id); err != nil {
				t.Fatal(err)
			}
		}, grant.ErrDenied},
		{"after the desktop cancelled", func(t *testing.T, w *logintest.World, ada *logintest.Person, id auth.GrantID) {
			if err := w.Cancel(t.Context(), logintest.App, id, logintest.Home); err != nil {
				t.Fatal(err)
			}
		}, grant.ErrCancelled},
		{"when the approval came, but the poll too late", func(t *testing.T, w *logintest.World, ada *logintest.Person, id auth.GrantID) {
			w.Approve(ada, id)
			w.Clock.Advance(auth.DefaultLifetime)
		}, grant.ErrExpired},
		{"when the person was disabled after the approval", func(t *testing.T, w *logintest.World, ada *logintest.Person, id auth.GrantID) {
			w.Approve(ada, id)
			disable(w, ada.User)
		}, grant.ErrDenied},
		{"when the person was removed after the approval", func(t *testing.T, w *logintest.World, ada *logintest.Person, id auth.GrantID) {
			w.Approve(ada, id)
			w.Update(func(tx store.Tx) error { return tx.RemoveUser(ada.User.ID) })
		}, grant.ErrDenied},
		{"when the client was removed after the approval", func(t *testing.T, w *logintest.World, ada *logintest.Person, id auth.GrantID) {
			w.Approve(ada, id)
			w.Update(func(tx store.Tx) error { return tx.RemoveClient(logintest.App) })
		}, grant.ErrDenied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := logintest.New(t)
			ada := w.Join("Ada")
			client, _ := w.Client(t.Context(), logintest.App)
			g, code := w.Start(logintest.App)
			tt.do(t, w, ada, g.ID)
			for range 2 { // what was refused stays refused
				_, err := w.Redeem(t.Context(), login.TokenRequest{Client: client}, code)
				if !errors.Is(err, tt.err) && !(tt.err == grant.ErrPending && errors.Is(err, login.ErrSlowDown)) {
					t.Errorf("got %v, want %v", err, tt.err)
				}
			}
		})
	}
}

func TestAnotherClientsCodeYieldsNothing(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	other := w.AddClient(auth.Client{ID: "another-app", Name: "Another"})
	g, code := w.Start(logintest.App)
	w.Approve(ada, g.ID)
	if _, err := w.Redeem(t.Context(), login.TokenRequest{Client: other}, code); !errors.Is(err, grant.ErrForeign) {
		t.Errorf("got %v, want ErrForeign", err)
	}
	if err := w.Cancel(t.Context(), other.ID, g.ID, logintest.Home); !errors.Is(err, login.ErrUnknownCode) {
		t.Errorf("cancel: got %v, want ErrUnknownCode", err)
	}
}

func TestPace(t *testing.T) {
	w := logintest.New(t)
	client, _ := w.Client(t.Context(), logintest.App)
	_, code := w.Start(logintest.App)
	steps := []struct {
		wait time.Duration
		slow bool
		why  string
	}{
		{0, false, "the first poll is never slowed"},
		{5 * time.Second, false, "the interval was kept"},
		{time.Second, true, "one second is too soon; ten from here on"},
		{5 * time.Second, true, "six seconds are too soon now; fifteen from here on"},
		{9 * time.Second, false, "fifteen seconds after the last poll in time"},
		{10 * time.Second, true, "the longer interval stays; twenty from here on"},
		{60 * time.Second, false, "waiting long enough always helps"},
	}
	for _, s := range steps {
		w.Clock.Advance(s.wait)
		_, err := w.Redeem(t.Context(), login.TokenRequest{Client: client}, code)
		want := grant.ErrPending
		if s.slow {
			want = login.ErrSlowDown
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", s.why, err, want)
		}
	}
}

func TestAPollRightAfterTheApprovalIsNeverSlowed(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	client, _ := w.Client(t.Context(), logintest.App)
	g, code := w.Start(logintest.App)
	for range 3 {
		_, _ = w.Redeem(t.Context(), login.TokenRequest{Client: client}, code)
	}
	w.Approve(ada, g.ID)
	if _, err := w.Redeem(t.Context(), login.TokenRequest{Client: client}, code); err != nil {
		t.Errorf("got %v, want tokens whatever the pace was", err)
	}
}

func TestAStubbornPollerIsLetOutAfterAMinute(t *testing.T) {
	w := logintest.New(t)
	client, _ := w.Client(t.Context(), logintest.App)
	_, code := w.Start(logintest.App)
	out := 0
	for range 120 { // one poll a second for two minutes
		if _, err := w.Redeem(t.Context(), login.TokenRequest{Client: client}, code); errors.Is(err, grant.ErrPending) {
			out++
		}
		w.Clock.Advance(time.Second)
	}
	if out < 2 {
		t.Errorf("%d polls were answered, want one more than the first", out)
	}
}

func TestStartScopes(t *testing.T) {
	w := logintest.New(t)
	client, _ := w.Client(t.Context(), logintest.App)
	tests := []struct {
		name      string
		ask, want auth.Scopes
		err       error
	}{
		{"what is asked for is what is granted", auth.Scopes{"openid"}, auth.Scopes{"openid"}, nil},
		{"nothing asked for means all that the client has", nil, auth.DefaultScopes(), nil},
		{"a scope that the client has not is refused, not dropped", auth.Scopes{"openid", "admin"}, nil, login.ErrScope},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, _, err := w.Service.Start(t.Context(), login.StartRequest{Client: client, Origin: logintest.Home, Scopes: tt.ask})
			if !errors.Is(err, tt.err) || g.Scopes.String() != tt.want.String() {
				t.Errorf("got %q, %v; want %q, %v", g.Scopes, err, tt.want, tt.err)
			}
		})
	}
}

func TestAUserCodeThatCollidesIsDrawnAgain(t *testing.T) {
	w := logintest.New(t)
	client, _ := w.Client(t.Context(), logintest.App)
	// The same letters twice, then others: the second grant has to draw again.
	same, others := make([]byte, 8), []byte{1, 2, 3, 4, 5, 6, 7, 8}
	start := func(random ...[]byte) (grant.Grant, error) {
		c := w.Config
		c.Random = &script{reads: random}
		g, _, err := login.New(c).Start(t.Context(), login.StartRequest{Client: client, Origin: logintest.Home})
		return g, err
	}
	first, err := start(make([]byte, secret.Size), same)
	if err != nil {
		t.Fatal(err)
	}
	deviceCode := make([]byte, secret.Size)
	deviceCode[0] = 1
	second, err := start(deviceCode, same, others)
	if err != nil || second.Code == first.Code {
		t.Errorf("got %s after %s, %v; want another code", second.Code, first.Code, err)
	}
}

// script is a source of chance without chance.
type script struct {
	reads [][]byte
	rest  []byte
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		if len(s.reads) == 0 {
			return 0, errors.New("no more chance")
		}
		s.rest, s.reads = s.reads[0], s.reads[1:]
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func TestSecretsAreStoredHashed(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	client, _ := w.Client(t.Context(), logintest.App)
	g, code := w.Start(logintest.App)
	w.Approve(ada, g.ID)
	tokens, err := w.Redeem(t.Context(), login.TokenRequest{Client: client}, code)
	if err != nil {
		t.Fatal(err)
	}
	if string(g.ID) == code.Reveal() {
		t.Error("the grant is named by its device code itself")
	}
	var sessions []auth.Session
	w.Update(func(tx store.Tx) (err error) { sessions, err = tx.SessionsOf(ada.User.ID); return err })
	family, _, _ := strings.Cut(tokens.Refresh.Reveal(), ".")
	if sessions[0].Family != secret.From(family).Hash() {
		t.Error("the session is not kept by the hash of its tokens' family")
	}
	w.Update(func(tx store.Tx) error { _, err := tx.Refresh(tokens.Refresh.Hash()); return err })
}

func TestRevoke(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	client, _ := w.Client(t.Context(), logintest.App)
	other := w.AddClient(auth.Client{ID: "another-app", Name: "Another"})
	g, code := w.Start(logintest.App)
	w.Approve(ada, g.ID)
	tokens, err := w.Redeem(t.Context(), login.TokenRequest{Client: client}, code)
	if err != nil {
		t.Fatal(err)
	}
	live := func() bool { _, err := w.UserInfo(t.Context(), login.Access{Token: tokens.Access}); return err == nil }
	if err := w.Revoke(t.Context(), other.ID, tokens.Access, logintest.Home); err != nil || !live() {
		t.Errorf("another client's revocation: got %v, live %t; want no error and no effect", err, live())
	}
	if err := w.Revoke(t.Context(), client.ID, secret.Must(), logintest.Home); err != nil {
		t.Errorf("an unknown token: got %v, want no error", err)
	}
	if err := w.Revoke(t.Context(), client.ID, tokens.Access, logintest.Home); err != nil || live() {
		t.Errorf("one's own token: got %v, live %t; want it gone", err, live())
	}
	lost, code := w.Start(logintest.App)
	w.Approve(ada, lost.ID)
	tokens, err = w.Redeem(t.Context(), login.TokenRequest{Client: client}, code)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Revoke(t.Context(), other.ID, code, logintest.Home); err != nil || !live() {
		t.Errorf("another client's revocation of the device code: got %v, live %t; want no effect", err, live())
	}
	if err := w.Revoke(t.Context(), client.ID, code, logintest.Home); err != nil || live() {
		t.Errorf("the device code of tokens that never arrived: got %v, live %t; want the session gone", err, live())
	}
	pending, code := w.Start(logintest.App)
	if err := w.Revoke(t.Context(), client.ID, code, logintest.Home); err != nil {
		t.Fatal(err)
	}
	if g, _ := w.Grant(t.Context(), pending.ID); g.State != grant.Cancelled {
		t.Errorf("a revoked device code: its grant is %s, want cancelled", g.State)
	}
}

func TestARedeemWhoseSessionCannotBeKeptLeavesNoHalfState(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	client, _ := w.Client(t.Context(), logintest.App)
	g, code := w.Start(logintest.App)
	w.Approve(ada, g.ID)
	sound := w.Service.Store
	w.Service.Store = sessionless{sound}
	if _, err := w.Redeem(t.Context(), login.TokenRequest{Client: client}, code); !errors.Is(err, errSessionless) {
		t.Fatalf("got %v, want the store's failure", err)
	}
	w.Service.Store = sound
	if g, _ := w.Grant(t.Context(), g.ID); g.State != grant.Approved {
		t.Errorf("the grant is %s, want it still approved", g.State)
	}
	if _, err := w.Redeem(t.Context(), login.TokenRequest{Client: client}, code); err != nil {
		t.Errorf("the next poll: got %v, want tokens", err)
	}
}

var errSessionless = errors.New("no room for a session")

// sessionless is a store that fails to keep sessions, and nothing else.
type sessionless struct{ store.Store }

func (s sessionless) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.Store.Update(ctx, func(tx store.Tx) error { return fn(sessionlessTx{tx}) })
}

type sessionlessTx struct{ store.Tx }

func (sessionlessTx) AddSession(auth.Session) error { return errSessionless }
