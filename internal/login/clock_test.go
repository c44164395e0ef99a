package login_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// underway is a sign-in in some state, in a world whose clocks stand still.
type underway struct {
	*logintest.World
	ada   *logintest.Person
	grant grant.Grant
	code  secret.Text
}

// stations are how far a sign-in can be when the clock is set.
var stations = []struct {
	name string
	to   func(t *testing.T, u *underway)
}{
	{"pending", func(*testing.T, *underway) {}},
	{"scanned", func(t *testing.T, u *underway) {
		if err := u.Scan(t.Context(), u.ada.Visitor(), u.grant.ID); err != nil {
			t.Fatal(err)
		}
	}},
	{"its user code replaced", func(t *testing.T, u *underway) {
		u.Clock.Advance(grant.RotateEvery)
		after, err := u.Rotate(t.Context(), u.grant.ID)
		if err != nil || after.Code == u.grant.Code {
			t.Fatalf("the user code was not replaced: %v", err)
		}
	}},
	{"its ceremony begun", func(_ *testing.T, u *underway) { u.Begin(u.ada, u.grant.ID) }},
	{"approved", func(_ *testing.T, u *underway) { u.Approve(u.ada, u.grant.ID) }},
}

func signInUnderWay(t *testing.T, to func(*testing.T, *underway)) *underway {
	t.Helper()
	w := logintest.New(t)
	w.Clock.Stop()
	u := &underway{World: w, ada: w.Join("Ada")}
	u.grant, u.code = w.Start(logintest.App)
	to(t, u)
	return u
}

// poll asks for tokens as the desktop does, in its own time.
func (u *underway) poll(t *testing.T) (login.Tokens, error) {
	t.Helper()
	return u.Redeem(t.Context(), u.Request(logintest.App, logintest.NoKey), u.code)
}

// left is how long the sign-in has, by the monotonic clock.
func (u *underway) left(since time.Duration) time.Duration {
	return u.grant.ExpiresAt.Sub(u.grant.CreatedAt) - since
}

func TestAClockThatIsSetBackNeitherProlongsNorEndsASignIn(t *testing.T) {
	for _, station := range stations {
		t.Run(station.name, func(t *testing.T) {
			for name, back := range map[string]time.Duration{"by an hour": time.Hour, "by years": 12 * 365 * 24 * time.Hour} {
				t.Run(name+", and it goes on", func(t *testing.T) {
					u := signInUnderWay(t, station.to)
					u.Clock.Set(-back)
					if station.name != "approved" {
						u.Approve(u.ada, u.grant.ID)
					}
					if _, err := u.poll(t); err != nil {
						t.Errorf("got %v, want tokens", err)
					}
				})
				t.Run(name+", and it ends in time", func(t *testing.T) {
					u := signInUnderWay(t, station.to)
					passed := u.Now().Sub(u.grant.CreatedAt)
					u.Clock.Set(-back)
					u.Clock.Advance(u.left(passed))
					if _, err := u.poll(t); !errors.Is(err, grant.ErrExpired) {
						t.Errorf("a poll: got %v, want ErrExpired", err)
					}
					if _, err := u.BeginApproval(t.Context(), u.ada.Visitor(), u.grant.ID); !errors.Is(err, grant.ErrExpired) {
						t.Errorf("a tap on Approve: got %v, want ErrExpired", err)
					}
				})
			}
		})
	}
}

func TestAClockThatIsSetForwardEndsASignIn(t *testing.T) {
	for _, station := range stations {
		t.Run(station.name, func(t *testing.T) {
			u := signInUnderWay(t, station.to)
			u.Clock.Set(time.Hour)
			if _, err := u.poll(t); !errors.Is(err, grant.ErrExpired) {
				t.Errorf("got %v, want ErrExpired", err)
			}
			u.Clock.Set(-time.Hour) // it was a mistake
			if _, err := u.poll(t); !errors.Is(err, grant.ErrExpired) {
				t.Errorf("with the clock set right again: got %v, want ErrExpired", err)
			}
			u.grant, u.code = u.Start(logintest.App)
			u.Approve(u.ada, u.grant.ID)
			if _, err := u.poll(t); err != nil {
				t.Errorf("the next sign-in: got %v, want tokens", err)
			}
		})
	}
}

// What a run leaves is judged by the next one, whose clock may be right again.
func TestASignInFromTheFutureIsOverForTheNextRun(t *testing.T) {
	for _, station := range stations {
		t.Run(station.name, func(t *testing.T) {
			u := signInUnderWay(t, station.to)
			u.Clock.Set(-time.Hour)
			u.Service = u.Restart()
			if _, err := u.poll(t); !errors.Is(err, grant.ErrExpired) {
				t.Errorf("at once: got %v, want ErrExpired", err)
			}
			if err := u.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
			u.Clock.Advance(time.Hour) // when the clock gets to where the sign-in was
			if _, err := u.poll(t); !errors.Is(err, grant.ErrExpired) {
				t.Errorf("an hour later: got %v, want ErrExpired", err)
			}
		})
	}
}

func TestARestartEndsNoSignInWhenNobodySetTheClock(t *testing.T) {
	for _, station := range stations {
		t.Run(station.name, func(t *testing.T) {
			u := signInUnderWay(t, station.to)
			u.Clock.Set(-30 * time.Second) // but by little
			u.Service = u.Restart()
			if err := u.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
			if station.name != "approved" {
				u.Approve(u.ada, u.grant.ID)
			}
			if _, err := u.poll(t); err != nil {
				t.Errorf("got %v, want tokens", err)
			}
		})
	}
}

// jumps are what may become of the wall clock.
var jumps = map[string]time.Duration{
	"an hour back": -time.Hour, "an hour forward": time.Hour, "years back": -12 * 365 * 24 * time.Hour, "not at all": 0,
}

func TestTokensTellTheTimeOfTheWall(t *testing.T) {
	for name, jump := range jumps {
		t.Run(name, func(t *testing.T) {
			w := logintest.New(t)
			w.Clock.Stop()
			ada, k := w.Join("Ada"), w.Key()
			w.Clock.Set(jump)
			g, code := w.StartFrom(logintest.App, logintest.Home, k)
			w.Approve(ada, g.ID)
			first := w.Fetch(logintest.App, k, code)
			w.Clock.Advance(time.Minute)
			second, err := w.Refresh(t.Context(), w.Refreshing(logintest.App, k, first.Refresh))
			if err != nil {
				t.Fatal(err)
			}
			for name, tok := range map[string]secret.Text{"access": second.Access, "ID": second.ID} {
				claims, wall := payload(t, tok), float64(w.Clock.Now().Unix())
				if claims["iat"] != wall || claims["exp"] != wall+second.ExpiresIn.Seconds() {
					t.Errorf("%s token: got iat %v, exp %v; want %v and %v after it", name, claims["iat"], claims["exp"], wall, second.ExpiresIn)
				}
				if at := claims["auth_time"].(float64); at != wall-60 {
					t.Errorf("%s token: got auth_time %v, want a minute before %v", name, at, wall)
				}
			}
			jwks, err := w.JWKS(t.Context())
			if err != nil || strings.Count(string(jwks), `"kid"`) != 1 {
				t.Errorf("got %s, %v; want the key that signed", jwks, err)
			}
			if c := accessClaims(t, w, second.Access); c.KeyThumbprint != k.Thumbprint() {
				t.Errorf("got %+v, want the token of the key", c)
			}
		})
	}
}

// The approval is by the clock that is ahead, the token by the other.
func TestAuthTimeIsNeverAfterTheToken(t *testing.T) {
	u := signInUnderWay(t, func(_ *testing.T, u *underway) { u.Approve(u.ada, u.grant.ID) })
	u.Clock.Set(-time.Hour)
	tok, err := u.poll(t)
	if err != nil {
		t.Fatal(err)
	}
	if claims := payload(t, tok.Access); claims["auth_time"] != claims["iat"] {
		t.Errorf("got auth_time %v, iat %v; want the same", claims["auth_time"], claims["iat"])
	}
}

func TestAnAccessTokenLivesByTheWall(t *testing.T) {
	w := logintest.New(t)
	w.Clock.Stop()
	g, code := w.Start(logintest.App)
	w.Approve(w.Join("Ada"), g.ID)
	a := login.Access{Token: w.Fetch(logintest.App, logintest.NoKey, code).Access}
	w.Clock.Set(time.Hour)
	if _, err := w.UserInfo(t.Context(), a); !errors.Is(err, login.ErrTokenOver) {
		t.Errorf("after its end: got %v, want ErrTokenOver", err)
	}
	w.Clock.Set(-time.Hour)
	if _, err := w.UserInfo(t.Context(), a); err != nil {
		t.Errorf("before its end: got %v, want who it is", err)
	}
}

func TestAProofIsJudgedByTheTimeThatItTells(t *testing.T) {
	for name, jump := range jumps {
		t.Run(name, func(t *testing.T) {
			w := logintest.New(t)
			w.Clock.Stop()
			k := w.Key()
			g, code := w.StartFrom(logintest.App, logintest.Home, k)
			w.Clock.Set(jump) // and the desktop knows the time as well
			_, err := w.Redeem(t.Context(), w.Request(logintest.App, k), code)
			want := grant.ErrPending
			if jump > 0 {
				want = grant.ErrExpired
			}
			if !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
			if _, err := w.Grant(t.Context(), g.ID); err != nil {
				t.Error(err)
			}
		})
	}
}

// The memory of what was used may be shorter than a mistake of the clock. The nonces
// are not by the wall, so the time of none of them comes again.
func TestAProofDoesNotComeBackWithItsTime(t *testing.T) {
	w := logintest.New(t)
	w.Clock.Stop()
	k := w.Key()
	_, code := w.StartFrom(logintest.App, logintest.Home, k)
	r := w.Request(logintest.App, k)
	if _, err := w.Redeem(t.Context(), r, code); !errors.Is(err, grant.ErrPending) {
		t.Fatalf("setting up: got %v, want ErrPending", err)
	}
	for range 3 { // forward, and long enough for all of it to be forgotten
		w.Clock.Set(time.Hour)
		if _, err := w.Redeem(t.Context(), w.Request(logintest.App, k), code); err == nil {
			t.Fatal("setting up: tokens for a code that has expired")
		}
		if _, err := w.Store.Prune(t.Context(), w.Clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
	w.Clock.Set(-3 * time.Hour)
	if _, err := w.Redeem(t.Context(), r, code); !errors.Is(err, login.ErrNonce) {
		t.Errorf("got %v, want ErrNonce", err)
	}
}

func TestAClientsAssertionIsJudgedByTheWall(t *testing.T) {
	for name, jump := range jumps {
		t.Run(name, func(t *testing.T) {
			w := logintest.New(t)
			site := w.AddKeyClient(auth.Client{ID: "site", Name: "Site"})
			w.Now() // the server's other clock does not go back
			w.Clock.Set(jump)
			if _, err := w.AuthenticateClient(t.Context(), site.Assert(nil)); err != nil {
				t.Errorf("got %v, want the client", err)
			}
		})
	}
}

func TestALostAnswerMayBeRepeatedForAsLongAsEver(t *testing.T) {
	for name, jump := range map[string]time.Duration{"an hour back": -time.Hour, "not at all": 0} {
		t.Run(name, func(t *testing.T) {
			w := logintest.New(t)
			w.Clock.Stop()
			ada, k := w.Join("Ada"), w.Key()
			g, code := w.StartFrom(logintest.App, logintest.Home, k)
			w.Approve(ada, g.ID)
			first := w.Fetch(logintest.App, k, code)
			w.Clock.Set(jump)
			w.Fetch(logintest.App, k, code)
			w.Clock.Advance(grant.RepeatFor)
			if _, err := w.Redeem(t.Context(), w.Request(logintest.App, k), code); !errors.Is(err, grant.ErrRedeemed) {
				t.Errorf("the code, too late: got %v, want ErrRedeemed", err)
			}
			refresh := func() error {
				_, err := w.Refresh(t.Context(), w.Refreshing(logintest.App, k, first.Refresh))
				return err
			}
			if err := refresh(); err != nil {
				t.Fatal(err)
			}
			w.Clock.Set(jump)
			w.Clock.Advance(grant.RepeatFor - time.Second)
			if err := refresh(); err != nil {
				t.Errorf("the refresh once more: got %v, want tokens", err)
			}
			w.Clock.Advance(time.Second)
			if err := refresh(); !errors.Is(err, login.ErrReuse) {
				t.Errorf("the refresh, too late: got %v, want ErrReuse", err)
			}
		})
	}
}

// A session is told to others with its times, and lives for weeks: that is the wall's.
func TestASessionSurvivesAClockThatWasFarAheadForAMoment(t *testing.T) {
	w := logintest.New(t)
	w.Clock.Stop()
	ada, k := w.Join("Ada"), w.Key()
	g, code := w.StartFrom(logintest.App, logintest.Home, k)
	w.Approve(ada, g.ID)
	tok := w.Fetch(logintest.App, k, code)
	const years = 12 * 365 * 24 * time.Hour
	w.Clock.Set(years)
	if _, err := w.Client(t.Context(), logintest.App); err != nil { // something happens meanwhile
		t.Fatal(err)
	}
	w.Clock.Set(-years)
	tok, err := w.Refresh(t.Context(), w.Refreshing(logintest.App, k, tok.Refresh))
	if err != nil {
		t.Fatalf("got %v, want tokens", err)
	}
	session := w.Sessions(ada)[0]
	if left := session.ExpiresAt.Sub(w.Clock.Now()); left != login.DefaultSessionIdle {
		t.Errorf("the session has %s left, want %s", left, login.DefaultSessionIdle)
	}
	// The person's browser is known as before, and has proved nothing for a long time.
	if p, err := w.Person(t.Context(), ada.Browser); err != nil || p.ID != ada.User.ID {
		t.Errorf("in the browser: got %+v, %v; want Ada", p, err)
	}
	if _, err := w.Computers(t.Context(), ada.Visitor()); !errors.Is(err, login.ErrSignInFirst) {
		t.Errorf("the computers: got %v, want ErrSignInFirst", err)
	}
}

func TestAPersonIsToldOfNoComputerFromTheFuture(t *testing.T) {
	u := signInUnderWay(t, func(_ *testing.T, u *underway) { u.Approve(u.ada, u.grant.ID) })
	u.Clock.Set(-time.Hour)
	if _, err := u.poll(t); err != nil {
		t.Fatal(err)
	}
	list, err := u.Computers(t.Context(), u.ada.Visitor())
	if err != nil || len(list.List) != 1 {
		t.Fatalf("got %+v, %v; want one computer", list, err)
	}
	for name, at := range map[string]time.Time{"first": list.List[0].Session.CreatedAt, "last": list.List[0].Session.RotatedAt} {
		if !at.Equal(u.Clock.Now()) {
			t.Errorf("%s: got %s, want %s", name, at, u.Clock.Now())
		}
	}
}

func TestABrowsersProofIsFreshForTenMinutesWhateverTheWallSays(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(*logintest.World)
		want error
	}{
		"an hour back, at once": {func(w *logintest.World) { w.Clock.Set(-time.Hour) }, nil},
		"an hour back, and nine minutes": {func(w *logintest.World) {
			w.Clock.Set(-time.Hour)
			w.Clock.Advance(9 * time.Minute)
		}, nil},
		"an hour back, and ten minutes": {func(w *logintest.World) {
			w.Clock.Set(-time.Hour)
			w.Clock.Advance(10 * time.Minute)
		}, login.ErrSignInFirst},
		"an hour forward": {func(w *logintest.World) { w.Clock.Set(time.Hour) }, login.ErrSignInFirst},
		"an hour back, and a restart": {func(w *logintest.World) {
			w.Clock.Set(-time.Hour)
			w.Service = w.Restart()
		}, login.ErrSignInFirst},
		"an hour back, a restart, and an hour": {func(w *logintest.World) {
			w.Clock.Set(-time.Hour)
			w.Service = w.Restart()
			if err := w.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.Clock.Advance(time.Hour)
		}, login.ErrSignInFirst},
	} {
		t.Run(name, func(t *testing.T) {
			w := logintest.New(t)
			w.Clock.Stop()
			ada := w.Join("Ada")
			test.do(w)
			if _, err := w.Computers(t.Context(), ada.Visitor()); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestACeremonyTakesFiveMinutesWhateverTheWallSays(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(*logintest.World)
		want error
	}{
		"an hour back": {func(w *logintest.World) { w.Clock.Set(-time.Hour) }, nil},
		"an hour back, and five minutes": {func(w *logintest.World) {
			w.Clock.Set(-time.Hour)
			w.Clock.Advance(5 * time.Minute)
		}, login.ErrCeremony},
		"an hour forward": {func(w *logintest.World) { w.Clock.Set(time.Hour) }, login.ErrCeremony},
		"an hour back, and a restart": {func(w *logintest.World) {
			w.Clock.Set(-time.Hour)
			w.Service = w.Restart()
		}, login.ErrCeremony},
	} {
		t.Run(name, func(t *testing.T) {
			w := logintest.New(t)
			w.Clock.Stop()
			ada := w.Join("Ada")
			handle, options, err := w.BeginSignIn(t.Context(), ada.Browser)
			if err != nil {
				t.Fatal(err)
			}
			test.do(w)
			if _, err := w.FinishSignIn(t.Context(), ada.Visitor(), handle, ada.Get(options)); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestThePaceOfPollingIsNotTheWalls(t *testing.T) {
	u := signInUnderWay(t, func(*testing.T, *underway) {})
	for i, step := range []struct {
		set, wait time.Duration
		want      error
	}{
		{0, 0, grant.ErrPending},
		{-time.Hour, 5 * time.Second, grant.ErrPending}, // the next one is in time
		{-time.Hour, time.Second, login.ErrSlowDown},    // and this one is not
		{0, 10 * time.Second, grant.ErrPending},
	} {
		u.Clock.Set(step.set)
		u.Clock.Advance(step.wait)
		if _, err := u.poll(t); !errors.Is(err, step.want) {
			t.Errorf("poll %d: got %v, want %v", i+1, err, step.want)
		}
	}
}

// A flood spends the budget of proofs that yield nothing, and gets no other, nor is it
// locked out, by the wall's going back.
func TestABudgetIsNotTheWalls(t *testing.T) {
	w := logintest.New(t)
	w.Clock.Stop()
	k, other := w.Key(), w.Node() // which knows what was written
	wasted := func(n int) (kept int) {
		for range n {
			r := w.Request(logintest.App, k)
			if _, err := w.Redeem(t.Context(), r, secret.Must()); !errors.Is(err, login.ErrUnknownCode) {
				t.Fatalf("got %v, want ErrUnknownCode", err)
			}
			if _, err := other.Redeem(t.Context(), r, secret.Must()); errors.Is(err, login.ErrReplay) {
				kept++
			}
		}
		return kept
	}
	if got := wasted(110); got != 100 {
		t.Errorf("%d proofs were written, want 100", got)
	}
	w.Clock.Set(-time.Hour)
	if got := wasted(5); got != 0 {
		t.Errorf("with the clock set back %d more were written, want none", got)
	}
	w.Clock.Advance(time.Second)
	if got := wasted(5); got != 5 {
		t.Errorf("a second later %d were written, want 5", got)
	}
}

func TestTheAuditLogHoldsWhenTheClockGoesBack(t *testing.T) {
	u := signInUnderWay(t, func(_ *testing.T, u *underway) { u.Approve(u.ada, u.grant.ID) })
	u.Clock.Set(-time.Hour)
	if _, err := u.poll(t); err != nil {
		t.Fatal(err)
	}
	report, err := audit.Verify(t.Context(), u.Store, audit.Check{})
	if err != nil {
		t.Errorf("got %v, want an unbroken chain", err)
	}
	records := u.Audited()
	if last := records[len(records)-1]; int(report.Records) != len(records) || !last.At.Equal(u.Clock.Now()) {
		t.Errorf("got %d records, the last from %s; want %d, from %s, as the operator's watch says", report.Records, last.At, len(records), u.Clock.Now())
	}
}

// The very first key is younger than the time that is right.
func TestAServerWhoseClockIsSetRightAfterItsFirstStartGoesOn(t *testing.T) {
	w := logintest.New(t)
	w.Clock.Stop()
	if _, err := w.Keys.Read(t.Context()); err != nil { // which makes the first keys
		t.Fatal(err)
	}
	w.Clock.Set(-time.Hour)
	g, code := w.Start(logintest.App)
	w.Approve(w.Join("Ada"), g.ID)
	tok := w.Fetch(logintest.App, logintest.NoKey, code)
	accessClaims(t, w, tok.Access)
	jwks, err := w.JWKS(t.Context())
	if err != nil || strings.Count(string(jwks), `"kid"`) != 1 {
		t.Errorf("got %s, %v; want the one key", jwks, err)
	}
}

func TestAnotherClientUnderTheSameNameGetsNothing(t *testing.T) {
	for name, back := range map[string]time.Duration{"the clock is right": 0, "it was set back by an hour": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			w := logintest.New(t)
			ada := w.Join("Ada")
			w.Clock.Set(back)
			g, code := w.Start(logintest.App)
			w.Approve(ada, g.ID)
			w.Clock.Advance(10 * time.Second)
			w.Update(func(tx store.Tx) error {
				if err := tx.RemoveClient(logintest.App); err != nil {
					return err
				}
				return tx.AddClient(auth.Client{ID: logintest.App, Name: "Another", CreatedAt: w.Wall()})
			})
			if _, err := w.Redeem(t.Context(), w.Request(logintest.App, logintest.NoKey), code); !errors.Is(err, grant.ErrDenied) {
				t.Errorf("got %v, want ErrDenied", err)
			}
		})
	}
}

func TestAClientFromBeforeTheClockWasSetBackIsTheSame(t *testing.T) {
	w := logintest.New(t)
	w.Clock.Stop()
	ada := w.Join("Ada")
	const id = "added just now"
	w.AddClient(auth.Client{ID: id, Name: "New", CreatedAt: w.Wall()})
	w.Clock.Advance(time.Minute)
	w.Clock.Set(-time.Hour)
	for range 3 { // before the wall gets to where it was, and afterwards
		g, code := w.Start(id)
		w.Approve(ada, g.ID)
		if _, err := w.Redeem(t.Context(), w.Request(id, logintest.NoKey), code); err != nil {
			t.Errorf("at %s: %v", w.Wall(), err)
		}
		w.Clock.Advance(40 * time.Minute)
	}
}
