package oauth_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestStartsAreBudgeted(t *testing.T) {
	s := serve(t, budget.Limits{Starts: ratelimit.Rate{Count: 2, Per: time.Minute}})
	s.begin(nil)
	s.begin(nil)
	a := s.post(wire.PathDeviceAuthorization, url.Values{"client_id": {string(logintest.App)}})
	if a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" || a.oauthError(t) != wire.CodeUnavailable {
		t.Errorf("got %s %s with Retry-After %q, want 429 temporarily_unavailable", a.Status, a.body, a.Header.Get("Retry-After"))
	}
}

func TestStartsOfAClientAreBudgeted(t *testing.T) {
	s := serve(t, budget.Limits{StartsPerClient: ratelimit.Rate{Count: 2, Per: time.Minute}})
	b := s.backend()
	for range 3 { // whoever cannot prove to be the client spends nothing of its budget
		if got := s.post(wire.PathDeviceAuthorization, url.Values{"client_id": {b.id}}); got.StatusCode != http.StatusUnauthorized {
			t.Fatalf("without a secret: got %s, want 401", got.Status)
		}
	}
	for i, want := range []int{http.StatusOK, http.StatusOK, http.StatusTooManyRequests} {
		got := b.post(wire.PathDeviceAuthorization, nil)
		if got.StatusCode != want || (got.Header.Get("Retry-After") != "") != (want == http.StatusTooManyRequests) {
			t.Errorf("start %d: got %s with Retry-After %q, want %d", i+1, got.Status, got.Header.Get("Retry-After"), want)
		}
	}
	s.begin(nil) // another client's budget is its own
}

// TestACrowdIsNotedAndServed: very many sign-ins of one address are a reason to warn,
// and no reason to refuse any.
func TestACrowdIsNotedAndServed(t *testing.T) {
	s := serve(t, budget.Limits{Crowd: ratelimit.Rate{Count: 2, Per: time.Hour}})
	a := s.web()
	crowded := func(id auth.GrantID) bool {
		g, err := s.Grant(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return g.Crowded
	}
	for i, want := range []bool{false, false, true, true} {
		if got := crowded(grantID(s.begin(nil).DeviceCode)); got != want {
			t.Errorf("device %d: crowded is %t, want %t", i+1, got, want)
		}
	}
	s.authorize(a.query())
	if id, _ := last(s.pages, asked); !crowded(id) {
		t.Error("an authorization request is not counted among them")
	}
}

// TestAStartFromAForeignNetworkIsRefused: where the client's policy names networks.
func TestAStartFromAForeignNetworkIsRefused(t *testing.T) {
	s := serve(t, budget.Limits{})
	networks := []netip.Prefix{netip.PrefixFrom(logintest.Away, 24)}
	a := s.web(func(c *auth.Client) { c.Policy.Networks = &networks })
	got := a.post(wire.PathDeviceAuthorization, nil)
	if got.StatusCode != http.StatusBadRequest || got.oauthError(t) != wire.CodeUnauthorizedClient || !strings.Contains(string(got.body), "from this network") {
		t.Errorf("a device: got %s %s, want unauthorized_client", got.Status, got.body)
	}
	q := s.returned(s.authorize(a.query()), callback)
	if q.Get("error") != wire.CodeAccessDenied || !strings.Contains(q.Get("error_description"), "from this network") {
		t.Errorf("an authorization request: got %v, want access_denied", q)
	}
	r := httptest.NewRequest(http.MethodPost, wire.PathDeviceAuthorization, strings.NewReader("client_id="+a.id))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.from(logintest.Away).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("from the network: got %d %s, want 200", w.Code, w.Body)
	}
}

// TestItIsToldWhereARequestCameFrom: the audit log has the addresses of desktops.
func TestItIsToldWhereARequestCameFrom(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.app(logintest.App)
	tok := a.signIn(nil)
	a.post(wire.PathRevoke, url.Values{"token": {tok.RefreshToken}})
	d := s.begin(nil)
	if err := s.Scan(t.Context(), s.ada().Visitor(), grantID(d.DeviceCode)); err != nil {
		t.Fatal(err)
	}
	a.post(wire.PathRevoke, url.Values{"token": {d.DeviceCode}})
	addresses := make(map[auth.EventType]netip.Addr)
	for _, r := range s.Audited() {
		var who auth.Personal
		if err := json.Unmarshal(r.Personal, &who); err != nil {
			t.Fatal(err)
		}
		addresses[r.Type] = who.Address
	}
	for _, event := range []auth.EventType{auth.EventSignedIn, auth.EventSignedOut, auth.EventCancelled} {
		if addresses[event] != logintest.Home {
			t.Errorf("%s: got from %s, want %s", event, addresses[event], logintest.Home)
		}
	}
}
