package oauth_test

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/gate"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
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
