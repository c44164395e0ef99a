package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// stay connects and says hello with the access token.
func (s *server) stay(accessToken string) *desktop {
	s.t.Helper()
	d := s.connect()
	d.say(`{"type":"hello","access_token":"` + accessToken + `"}`)
	return d
}

// session is Ada's only one.
func (s *server) session() auth.Session {
	s.t.Helper()
	list := s.Sessions(s.ada())
	if len(list) != 1 {
		s.t.Fatalf("got %d sessions, want one", len(list))
	}
	return list[0]
}

func TestASignedInDesktopIsToldAtOnce(t *testing.T) {
	s := serve(t, budget.Limits{})
	tok := s.app(logintest.App).signIn(nil)
	desk := s.stay(tok.AccessToken)
	snap, err := desk.next()
	if err != nil {
		t.Fatal(err)
	}
	lasts := int(login.DefaultSessionIdle.Seconds())
	if left := snap.ExpiresIn; left > lasts || left < lasts-10 {
		t.Errorf("expires_in: got %d, want about %d", left, lasts)
	}
	snap.ExpiresIn = 0
	if want := (wire.Snapshot{Seq: 1, State: wire.StateSignedIn}); snap != want {
		t.Errorf("got %+v, want %+v", snap, want)
	}
	if n := s.Hub.Waiting(); n != 1 {
		t.Errorf("%d subscriptions, want one", n)
	}
}

// TestADesktopIsToldOfItsSignOut, whoever brought it about.
func TestADesktopIsToldOfItsSignOut(t *testing.T) {
	revoke := func(token func(wire.Token) string) func(*app, wire.Token) error {
		return func(a *app, tok wire.Token) error {
			if got := a.post(wire.PathRevoke, url.Values{"token": {token(tok)}}); got.StatusCode != http.StatusOK {
				return errors.New(got.Status)
			}
			return nil
		}
	}
	tests := []struct {
		name string
		end  func(*app, wire.Token) error
	}{
		{"the app revokes its refresh token", revoke(func(tok wire.Token) string { return tok.RefreshToken })},
		{"the app revokes its access token", revoke(func(tok wire.Token) string { return tok.AccessToken })},
		{"the person signs it out", func(a *app, _ wire.Token) error {
			return a.SignOutComputer(a.t.Context(), a.ada().Visitor(), a.session().ID)
		}},
		{"the person signs all out", func(a *app, _ wire.Token) error {
			_, err := a.SignOutComputers(a.t.Context(), a.ada().Visitor())
			return err
		}},
		{"the person reports it", func(a *app, _ wire.Token) error {
			return a.ReportComputer(a.t.Context(), a.ada().Visitor(), a.session().ID)
		}},
		{"a refresh token is used twice", func(a *app, tok wire.Token) error {
			a.tokens(a.refresh(tok.RefreshToken, nil))
			if got := a.refresh(tok.RefreshToken, nil); got.oauthError(a.t) != wire.CodeInvalidGrant {
				return errors.New(string(got.body))
			}
			return nil
		}},
		{"its time is over", func(a *app, _ wire.Token) error {
			const left = 100 * time.Millisecond
			session := a.session()
			a.Clock.Advance(session.ExpiresAt.Sub(a.Clock.Now()) - left)
			a.Hub.Publish(session.GrantID) // its timer runs on the real clock, and has to be set anew
			return nil
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, budget.Limits{})
			a := s.app(logintest.App)
			tok := a.signIn(nil)
			desks := []*desktop{s.stay(tok.AccessToken), s.stay(tok.AccessToken)}
			for _, desk := range desks {
				desk.until(wire.StateSignedIn)
			}
			ended := make(chan error, 1)
			go func() { ended <- tt.end(a, tok) }()
			for _, desk := range desks {
				last := desk.until(wire.StateSignedOut)
				if last.Seq < 2 || last.ExpiresIn != 0 {
					t.Errorf("got %+v, want a later one, with no time left", last)
				}
				if reason := desk.closed(wire.CloseDone); reason != string(wire.StateSignedOut) {
					t.Errorf("closed for %q, want %q", reason, wire.StateSignedOut)
				}
			}
			if err := <-ended; err != nil {
				t.Error(err)
			}
			s.stay(tok.AccessToken).closed(wire.CloseUnknown)
		})
	}
}

// TestOnlyTheDesktopThatIsSignedOutIsTold: the person's other one stays.
func TestOnlyTheDesktopThatIsSignedOutIsTold(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.app(logintest.App)
	one := a.signIn(nil)
	id := s.session().ID
	other := s.stay(a.signIn(nil).AccessToken)
	other.until(wire.StateSignedIn)
	desk := s.stay(one.AccessToken)
	desk.until(wire.StateSignedIn)
	if err := s.SignOutComputer(t.Context(), s.ada().Visitor(), id); err != nil {
		t.Fatal(err)
	}
	desk.until(wire.StateSignedOut)
	s.Hub.PublishAll()
	drained := make(chan error, 1)
	go func() { drained <- s.face.Drain(t.Context()) }()
	other.closed(wire.CloseRestart) // and not 1000, as after a sign-out
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

// seesWrites is a store in which another process writes: this one learns of it when
// told to look.
type seesWrites struct {
	store.Store
	look chan struct{}
}

func (s seesWrites) Watch(ctx context.Context, changed func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.look:
			changed()
		}
	}
}

func TestADesktopIsToldOfWhatAnOperatorDid(t *testing.T) {
	for name, do := range map[string]func(store.Tx, auth.Session) error{
		"the account is disabled": func(tx store.Tx, session auth.Session) error {
			u, err := tx.User(session.UserID)
			u.Disabled = true
			return errors.Join(err, tx.SetUser(u))
		},
		"the session is removed": func(tx store.Tx, session auth.Session) error { return tx.RemoveSession(session.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, budget.Limits{})
			tok := s.app(logintest.App).signIn(nil)
			watched := seesWrites{s.Service.Store, make(chan struct{})}
			s.Service.Store = watched
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			go s.Heed(ctx)
			desk := s.stay(tok.AccessToken)
			desk.until(wire.StateSignedIn)
			session := s.session()
			s.Update(func(tx store.Tx) error { return do(tx, session) })
			watched.look <- struct{}{}
			desk.until(wire.StateSignedOut)
			desk.closed(wire.CloseDone)
		})
	}
}

// TestASessionThatEndsWhileItsDesktopConnects is not missed: the desktop was let in.
func TestASessionThatEndsWhileItsDesktopConnects(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.app(logintest.App)
	for range 20 {
		tok := a.signIn(nil)
		desk := s.connect()
		ended := make(chan answer, 1)
		go func() { ended <- a.post(wire.PathRevoke, url.Values{"token": {tok.AccessToken}}) }()
		desk.say(`{"type":"hello","access_token":"` + tok.AccessToken + `"}`)
		var closed *websocket.CloseError
		var last wire.Snapshot
		for closed == nil {
			snap, err := desk.next()
			if err == nil {
				last = snap
			} else if !errors.As(err, &closed) {
				t.Fatal(err)
			}
		}
		<-ended
		if told := last.State == wire.StateSignedOut; closed.Code != wire.CloseUnknown && !(told && closed.Code == wire.CloseDone) {
			t.Fatalf("got %+v and then close code %d; want signed_out or to be refused", last, closed.Code)
		}
	}
}

func TestARefreshMovesTheEnd(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.app(logintest.App)
	tok := a.signIn(nil)
	desk := s.stay(tok.AccessToken)
	first := desk.until(wire.StateSignedIn)
	s.Clock.Advance(time.Hour)
	a.tokens(a.refresh(tok.RefreshToken, nil))
	s.Hub.Publish(s.session().GrantID)
	second := desk.until(wire.StateSignedIn)
	if second.Seq <= first.Seq || second.ExpiresIn < first.ExpiresIn-10 {
		t.Errorf("got %+v after %+v, want the whole time again", second, first)
	}
}

func TestAWrongAccessTokenIsRefused(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.app(logintest.App)
	gone := a.signIn(nil)
	a.post(wire.PathRevoke, url.Values{"token": {gone.RefreshToken}})
	old := a.signIn(nil)
	s.Clock.Advance(login.DefaultAccessLifetime)
	tok := a.signIn(nil)
	header, rest, _ := strings.Cut(tok.AccessToken, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	_, _, otherSignature := cutToken(old.AccessToken)
	tests := []struct {
		name, frame string
		code        int
	}{
		{"an unknown one", ofSession("guess"), wire.CloseUnknown},
		{"one of a session that is over", ofSession(gone.AccessToken), wire.CloseUnknown},
		{"one that has expired", ofSession(old.AccessToken), wire.CloseUnknown},
		{"a refresh token in its place", ofSession(tok.RefreshToken), wire.CloseUnknown},
		{"an ID token in its place", ofSession(tok.IDToken), wire.CloseUnknown},
		{"a device code in its place", ofSession(s.begin(nil).DeviceCode), wire.CloseUnknown},
		{"one without a signature", ofSession(header + "." + payload + "."), wire.CloseUnknown},
		{"one with another's signature", ofSession(header + "." + payload + "." + otherSignature), wire.CloseUnknown},
		{"one with a newline in it", ofSession(header + `\n.` + payload + "." + signature), wire.CloseUnknown},
		{"one that is too large", ofSession(strings.Repeat("x", wire.MaxHello)), websocket.CloseMessageTooBig},
		{"with a client", `{"type":"hello","client_id":"x","access_token":"` + tok.AccessToken + `"}`, wire.CloseMalformed},
		{"an access token in a device code's place", `{"type":"hello","client_id":"` + a.id + `","device_code":"` + tok.AccessToken + `"}`, wire.CloseUnknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			desk := s.connect()
			desk.say(tt.frame)
			desk.closed(tt.code)
		})
	}
	s.stay(tok.AccessToken).until(wire.StateSignedIn)
	for _, tok := range []wire.Token{gone, old, tok} {
		if strings.Contains(s.log.String(), tok.AccessToken) {
			t.Error("an access token is in the log")
		}
	}
}

func ofSession(accessToken string) string {
	return `{"type":"hello","access_token":"` + accessToken + `"}`
}

func cutToken(tok string) (header, payload, signature string) {
	parts := strings.SplitN(tok, ".", 3)
	return parts[0], parts[1], parts[2]
}

func TestWrongAccessTokensAreBudgetedLikeGuesses(t *testing.T) {
	s := serve(t, budget.Limits{DeviceCodes: ratelimit.Rate{Count: 2, Per: time.Hour}})
	tok := s.app(logintest.App).signIn(nil)
	for range 5 {
		s.stay(tok.AccessToken).until(wire.StateSignedIn) // right ones cost nothing
	}
	s.stay("guess").closed(wire.CloseUnknown)
	s.subscribe("guess").closed(wire.CloseUnknown) // the same budget
	s.stay("guess").closed(wire.CloseOverBudget)
	s.stay(tok.AccessToken).until(wire.StateSignedIn)
}

// TestABoundTokenNeedsNoProofToListen: there is nothing to be had but the news.
func TestABoundTokenNeedsNoProofToListen(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.app(logintest.App).bound()
	tok := a.signIn(nil)
	if tok.TokenType != wire.TokenTypeDPoP {
		t.Fatalf("the token is %s, want it bound", tok.TokenType)
	}
	desk := s.stay(tok.AccessToken)
	desk.until(wire.StateSignedIn)
	a.post(wire.PathRevoke, url.Values{"token": {tok.RefreshToken}})
	desk.until(wire.StateSignedOut)
}

func TestASignedInDesktopHasNothingToSay(t *testing.T) {
	s := serve(t, budget.Limits{})
	tok := s.app(logintest.App).signIn(nil)
	for name, frame := range map[string]string{
		"cancel":        `{"type":"cancel"}`,
		"a number":      `{"type":"confirm","number":"47"}`,
		"another hello": ofSession(tok.AccessToken),
		"a new type":    `{"type":"refresh"}`,
	} {
		t.Run(name, func(t *testing.T) {
			desk := s.stay(tok.AccessToken)
			desk.until(wire.StateSignedIn)
			desk.say(frame)
			desk.closed(wire.CloseMalformed)
		})
	}
	t.Run("a frame as large as a hello", func(t *testing.T) {
		desk := s.stay(tok.AccessToken)
		desk.until(wire.StateSignedIn)
		desk.say(`{"type":"cancel","more":"` + strings.Repeat("x", wire.MaxClientFrame) + `"}`)
		desk.closed(websocket.CloseMessageTooBig)
	})
	if len(s.Sessions(s.ada())) != 1 {
		t.Error("the session is over")
	}
}

func TestDrainTellsSignedInDesktopsWhenToComeBack(t *testing.T) {
	s := serve(t, budget.Limits{})
	tok := s.app(logintest.App).signIn(nil)
	desk := s.stay(tok.AccessToken)
	desk.until(wire.StateSignedIn)
	drained := make(chan error, 1)
	go func() { drained <- s.face.Drain(t.Context()) }()
	if after, ok := wire.ParseRetryAfter(desk.closed(wire.CloseRestart)); !ok || after < time.Second {
		t.Errorf("got retry_after %s, %t; want a second at least", after, ok)
	}
	if err := <-drained; err != nil {
		t.Errorf("drain: %v", err)
	}
	if n := s.Hub.Waiting(); n != 0 {
		t.Errorf("%d subscriptions are left", n)
	}
	if len(s.Sessions(s.ada())) != 1 {
		t.Error("the session is over")
	}
}

// TestOneSocketTooManyOfASessionIsRefused, so that whoever stole the access token pushes
// nobody out. Those of the grant that it came from are not among them: a spent device
// code must not keep anybody out.
func TestOneSocketTooManyOfASessionIsRefused(t *testing.T) {
	s := serve(t, budget.Limits{SocketsPerGrant: 2})
	a := s.app(logintest.App).bound()
	deviceCode := a.approved(nil)
	tok := a.tokens(a.redeem(deviceCode))
	for range 3 {
		s.subscribe(deviceCode).closed(wire.CloseDone)
	}
	desk := s.stay(tok.AccessToken)
	desk.until(wire.StateSignedIn)
	thief := s.stay(tok.AccessToken)
	thief.until(wire.StateSignedIn)
	for range 3 {
		s.stay(tok.AccessToken).closed(wire.CloseOverBudget)
	}
	s.stay(s.app(logintest.App).signIn(nil).AccessToken).until(wire.StateSignedIn) // another session
	thief.UnderlyingConn().Close()
	eventually(t, "there is room for one more", func() bool {
		_, err := s.stay(tok.AccessToken).next()
		return err == nil
	})
	a.post(wire.PathRevoke, url.Values{"token": {tok.RefreshToken}})
	desk.until(wire.StateSignedOut)
	desk.closed(wire.CloseDone)
}

// TestSignedInDesktopsLeaveRoomForSignIns: an office may have hundreds of them behind
// one address.
func TestSignedInDesktopsLeaveRoomForSignIns(t *testing.T) {
	s := serve(t, budget.Limits{Sockets: 2, SessionSockets: 3})
	a := s.app(logintest.App)
	tok := a.signIn(nil)
	last := a.signIn(nil)
	for _, accessToken := range []string{tok.AccessToken, tok.AccessToken, last.AccessToken} {
		s.stay(accessToken).until(wire.StateSignedIn)
	}
	s.stay(tok.AccessToken).closed(wire.CloseOverBudget)
	d := s.begin(nil)
	var signIns []*desktop
	eventually(t, "there is room for two sign-ins", func() bool { // once the refused one is gone
		desk := s.subscribe(d.DeviceCode)
		if _, err := desk.next(); err == nil {
			signIns = append(signIns, desk)
		}
		return len(signIns) == 2
	})
	s.connect().closed(wire.CloseOverBudget)
	signIns[0].say(`{"type":"cancel"}`)
	signIns[0].closed(wire.CloseDone)
	a.post(wire.PathRevoke, url.Values{"token": {last.RefreshToken}})
	eventually(t, "the place of the one that is signed out is free", func() bool {
		_, err := s.stay(tok.AccessToken).next()
		return err == nil
	})
}

// TestATokenThatIsOverIsNoGuess: after a restart a whole office may come back with such,
// and has to be told to refresh.
func TestATokenThatIsOverIsNoGuess(t *testing.T) {
	s := serve(t, budget.Limits{DeviceCodes: ratelimit.Rate{Count: 1, Per: time.Hour}})
	a := s.app(logintest.App)
	expired := a.signIn(nil)
	s.Clock.Advance(login.DefaultAccessLifetime)
	revoked := a.signIn(nil)
	a.post(wire.PathRevoke, url.Values{"token": {revoked.RefreshToken}})
	for range 5 {
		s.stay(expired.AccessToken).closed(wire.CloseUnknown)
		s.stay(revoked.AccessToken).closed(wire.CloseUnknown)
	}
	s.stay("guess").closed(wire.CloseUnknown)
	s.stay("guess").closed(wire.CloseOverBudget)
	if reason := s.stay(expired.AccessToken).closed(wire.CloseUnknown); reason != "unknown access token" {
		t.Errorf("closed for %q, want that it is unknown", reason)
	}
}

func TestASignedInDesktopThatVanishesLeavesNothingBehind(t *testing.T) {
	s := serve(t, budget.Limits{})
	desk := s.stay(s.app(logintest.App).signIn(nil).AccessToken)
	desk.until(wire.StateSignedIn)
	desk.UnderlyingConn().Close()
	eventually(t, "the subscription is gone", func() bool { return s.Hub.Waiting() == 0 })
}

func TestASessionThatCannotBeReadIsNoSignOut(t *testing.T) {
	s := serve(t, budget.Limits{})
	tok := s.app(logintest.App).signIn(nil)
	desk := s.stay(tok.AccessToken)
	desk.until(wire.StateSignedIn)
	session := s.session()
	s.Service.Store = blind{s.Service.Store}
	s.Hub.Publish(session.GrantID)
	desk.closed(wire.CloseServerError)
	s.stay(tok.AccessToken).closed(wire.CloseServerError)
}
