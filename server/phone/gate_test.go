package phone_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/gate"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/store"
)

// barred is a gate that turns everybody away.
func barred() *gate.Gate { return gate.New(gate.Bounds{Closed: func() bool { return true }}) }

// overloaded is a store that has too much to do to write.
type overloaded struct{ store.Store }

func (overloaded) Update(context.Context, func(store.Tx) error) error { return store.ErrOverloaded }

// saysWhen checks that an answer is a refusal which passes within seconds.
func saysWhen(t *testing.T, what string, a answer) {
	t.Helper()
	seconds, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if a.StatusCode != http.StatusServiceUnavailable || err != nil || seconds < 1 || seconds > 5 {
		t.Errorf("%s: got %s, Retry-After %q, want 503 and some seconds", what, a.Status, a.Header.Get("Retry-After"))
	}
}

func TestWhoComesToABusyServerIsToldSo(t *testing.T) {
	var full atomic.Bool
	closing := gate.New(gate.Bounds{Places: 64, Closed: full.Load})
	for name, tc := range map[string]struct {
		gates gate.Gates
		busy  func(*site)
	}{
		"the gates are full":                {gate.Gates{Pages: closing, Decisions: closing}, func(*site) { full.Store(true) }},
		"the storage has too much to write": {gate.Gates{}, func(s *site) { s.Service.Store = overloaded{s.Service.Store} }},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveBehind(t, budget.Limits{}, tc.gates)
			g, _ := s.Start(logintest.App)
			b := s.browser()
			opening := b.open(g)
			tc.busy(s)
			a, said := b.call("/confirm/"+opening+"/begin", struct{}{})
			saysWhen(t, "Approve", a)
			if got := text(t, said["error"]); got != "busy" {
				t.Errorf("Approve: got %q, want busy", got)
			}
			if got := text(t, said["message"]); got != "Very many people are signing in at the moment. Try again in a moment." {
				t.Errorf("Approve: the page would say %q", got)
			}
			a = b.form("/confirm/"+opening+"/deny", url.Values{})
			saysWhen(t, "Deny", a)
			if !strings.Contains(a.body, "go back and try again") {
				t.Errorf("Deny: the page says\n%s", a.body)
			}
			if strings.Contains(s.log.String(), "unexpected error") {
				t.Errorf("it is logged as a fault:\n%s", &s.log)
			}
		})
	}
}

func TestAPageOfABusyServerIsToBeReloaded(t *testing.T) {
	s := serveBehind(t, budget.Limits{}, gate.Gates{Pages: barred()})
	a := s.browser().get("/device")
	saysWhen(t, "the page", a)
	if !strings.Contains(a.body, "Very many people are signing in at the moment.") || !strings.Contains(a.body, "reload this page") {
		t.Errorf("it says\n%s", a.body)
	}
}

func TestDecisionsWaitForNoPage(t *testing.T) {
	var full atomic.Bool
	s := serveBehind(t, budget.Limits{}, gate.Gates{
		Pages: gate.New(gate.Bounds{Places: 64, Closed: full.Load}), Decisions: gate.NewGates(nil).Decisions,
	})
	b := s.browser()
	b.join("Ada", "")
	yes, _ := s.Start(logintest.App)
	no, _ := s.Start(logintest.App)
	approved, denied := b.open(yes), b.open(no)
	full.Store(true)
	if a := b.get("/device"); a.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("a page: got %s, want 503", a.Status)
	}
	if a, _ := b.approve(approved); a.StatusCode != http.StatusOK {
		t.Errorf("the approval: got %s %s", a.Status, a.body)
	}
	if a := b.form("/confirm/"+denied+"/deny", url.Values{}); a.StatusCode >= 400 {
		t.Errorf("the denial: got %s", a.Status)
	}
	if a, _ := b.wayBack(approved); a.StatusCode == http.StatusServiceUnavailable {
		t.Errorf("the way back to an app: got %s, want it let in, even where there is none", a.Status)
	}
}

func TestWhoWaitsForNewsHoldsNoPlace(t *testing.T) {
	pages := gate.New(gate.Bounds{Places: 1})
	s := serveBehind(t, budget.Limits{}, gate.Gates{Pages: pages})
	g, _ := s.Start(logintest.App)
	b := s.browser()
	opening := b.open(g)
	answers := make(chan answer, 1)
	go func() { answers <- b.get("/confirm/" + opening + "/status?since=1") }()
	for s.Hub.Waiting() == 0 || pages.Census().In > 0 { // until the request waits
	}
	if a := s.browser().get("/device"); a.StatusCode != http.StatusOK {
		t.Errorf("a page beside it: got %s", a.Status)
	}
	if err := s.Cancel(t.Context(), logintest.App, g.ID, logintest.Home); err != nil {
		t.Fatal(err)
	}
	select {
	case a := <-answers:
		if a.StatusCode != http.StatusOK {
			t.Errorf("the long poll: got %s", a.Status)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the long poll did not hear of the change")
	}
	if got := pages.Census(); got.In != 0 {
		t.Errorf("got %+v, want nobody left", got)
	}
}

// noted is a ResponseWriter that wants to know of refusals.
type noted struct {
	*httptest.ResponseRecorder
	turnedAway bool
}

func (n *noted) TurnedAway() { n.turnedAway = true }

func TestAPageWhoseStorageHasTooMuchToDoIsTurnedAwayAndNoFault(t *testing.T) {
	s := serve(t, budget.Limits{})
	w := &noted{ResponseRecorder: httptest.NewRecorder()}
	s.face.Fail(w, httptest.NewRequest(http.MethodGet, "/device", nil), store.ErrOverloaded)
	if w.Code != http.StatusServiceUnavailable || !w.turnedAway {
		t.Errorf("got %d, told: %t; want 503, told", w.Code, w.turnedAway)
	}
}
