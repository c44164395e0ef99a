package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/gate"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// barred is a gate that turns everybody away.
func barred() *gate.Gate { return gate.New(gate.Bounds{Closed: func() bool { return true }}) }

func TestWhatIsTurnedAwayIsToldWhenToComeAgain(t *testing.T) {
	s := serveBehind(t, budget.Limits{}, gate.Gates{Starts: barred(), Tokens: barred(), Sockets: barred(), Decisions: barred()})
	for _, tc := range []struct{ method, path string }{
		{http.MethodPost, wire.PathDeviceAuthorization},
		{http.MethodPost, wire.PathToken},
		{http.MethodPost, wire.PathConfirmation},
		{http.MethodPost, wire.PathRevoke},
		{http.MethodPost, wire.PathIntrospect},
		{http.MethodGet, wire.PathUserInfo},
		{http.MethodPost, wire.PathUserInfo},
		{http.MethodGet, wire.PathPush},
	} {
		a := s.send(tc.method, tc.path, "")
		seconds, err := strconv.Atoi(a.Header.Get("Retry-After"))
		if a.StatusCode != http.StatusServiceUnavailable || err != nil || seconds < 1 || seconds > 5 {
			t.Errorf("%s: got %s, Retry-After %q, want 503 and some seconds", tc.path, a.Status, a.Header.Get("Retry-After"))
		}
		if code := a.oauthError(t); code != wire.CodeUnavailable {
			t.Errorf("%s: got the code %q, want %q", tc.path, code, wire.CodeUnavailable)
		}
		if got := a.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control is %q", tc.path, got)
		}
	}
}

func TestABrowserThatIsTurnedAwayGetsAPage(t *testing.T) {
	s := serveBehind(t, budget.Limits{}, gate.Gates{Starts: barred()})
	s.send(http.MethodGet, wire.PathAuthorize+"?client_id="+string(logintest.App), "")
	if len(s.pages.failed) != 1 {
		t.Fatalf("%d pages, want one", len(s.pages.failed))
	}
	if _, refused := errors.AsType[gate.Refusal](s.pages.failed[0]); !refused {
		t.Errorf("it tells of %v, want a refusal", s.pages.failed[0])
	}
}

// A flood of sign-ins that begin keeps none from coming to its end.
func TestPollsAndDecisionsDoNotWaitForStarts(t *testing.T) {
	s := serveBehind(t, budget.Limits{}, gate.Gates{Starts: barred(), Tokens: gate.NewGates(nil).Tokens})
	_, code := s.World.Start(logintest.App)
	a := s.post(wire.PathToken, url.Values{
		wire.ParamGrantType: {wire.GrantTypeDeviceCode}, wire.ParamClientID: {string(logintest.App)}, wire.ParamDeviceCode: {code.Reveal()},
	})
	if got := a.oauthError(t); got != wire.CodeAuthorizationPending {
		t.Errorf("got %q, want %q", got, wire.CodeAuthorizationPending)
	}
	a = s.post(wire.PathDeviceAuthorization, url.Values{wire.ParamClientID: {string(logintest.App)}})
	if a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a start: got %s, want 503", a.Status)
	}
}

// Who is far over the budget of their address takes nobody's place.
func TestAStartOverItsAddressesBudgetNeverComesToTheGate(t *testing.T) {
	starts := gate.New(gate.Bounds{Places: 64})
	s := serveBehind(t, budget.Limits{Starts: ratelimit.Rate{Count: 1, Per: time.Hour}}, gate.Gates{Starts: starts})
	s.begin(nil)
	for starts.Census().In > 0 { // until the first has left
	}
	for range 64 {
		if err := starts.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	a := s.post(wire.PathDeviceAuthorization, url.Values{wire.ParamClientID: {string(logintest.App)}})
	if got := starts.Census(); a.StatusCode != http.StatusTooManyRequests || got.Shed != 0 {
		t.Errorf("got %s and %+v, want 429 and nobody turned away", a.Status, got)
	}
	if a.Header.Get("Retry-After") == "" || a.Header.Get("Cache-Control") != "no-store" || a.oauthError(t) != wire.CodeUnavailable {
		t.Errorf("got %v %s", a.Header, a.body)
	}
}

// noted is a ResponseWriter that wants to know of refusals.
type noted struct {
	*httptest.ResponseRecorder
	turnedAway bool
}

func (n *noted) TurnedAway() { n.turnedAway = true }

// overloaded is a store that has too much to do to write.
type overloaded struct{ store.Store }

func (overloaded) Update(context.Context, func(store.Tx) error) error { return store.ErrOverloaded }

// What comes in a flood must not be logged as a fault each.
func TestA503ForWantOfTimeIsTurnedAwayAndNoFault(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	for name, tc := range map[string]struct {
		ctx   context.Context
		gates gate.Gates
	}{
		"the gate is full":               {t.Context(), gate.Gates{Starts: barred()}},
		"gave up in the line":            {gone, gate.Gates{Starts: gate.New(gate.Bounds{Line: 1, Patience: time.Hour})}},
		"the storage has too much to do": {t.Context(), gate.NewGates(nil)},
	} {
		s := serveBehind(t, budget.Limits{}, tc.gates)
		s.Service.Store = overloaded{s.Service.Store}
		w := &noted{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequest(http.MethodPost, wire.PathDeviceAuthorization, strings.NewReader("client_id="+string(logintest.App)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		s.from(logintest.Home).ServeHTTP(w, r.WithContext(tc.ctx))
		if w.Code != http.StatusServiceUnavailable || !w.turnedAway {
			t.Errorf("%s: got %d, told: %t; want 503, told", name, w.Code, w.turnedAway)
		}
	}
}
