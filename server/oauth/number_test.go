package oauth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// awaitNumber has Ada prove her passkey from another network than the desktop's. What
// comes back is the number on her phone.
func (s *server) awaitNumber(deviceCode string) (number string) {
	s.t.Helper()
	ada, id := s.ada(), grantID(deviceCode)
	options, err := s.BeginApproval(s.t.Context(), ada.From(logintest.Away), id)
	if err != nil {
		s.t.Fatal(err)
	}
	approval, err := s.FinishApproval(s.t.Context(), ada.From(logintest.Away), id, ada.Get(options))
	if err != nil || approval.Grant.State != grant.Verifying {
		s.t.Fatalf("got a grant that is %s, %v; want verifying", approval.Grant.State, err)
	}
	return approval.Grant.Number
}

// verifying begins a grant that awaits the number.
func (s *server) verifying() (deviceCode, number string) {
	s.t.Helper()
	deviceCode = s.begin(nil).DeviceCode
	return deviceCode, s.awaitNumber(deviceCode)
}

// another number than that one.
func another(number string) string {
	n, _ := strconv.Atoi(number)
	return fmt.Sprintf("%02d", (n+1)%100)
}

// confirm brings a number over HTTP.
func (a *app) confirm(deviceCode, number string, change ...func(*http.Request)) answer {
	a.t.Helper()
	return a.post(wire.PathConfirmation, url.Values{"device_code": {deviceCode}, "number": {number}}, change...)
}

// confirm types a number on the desktop.
func (d *desktop) confirm(number string) {
	d.t.Helper()
	d.say(`{"type":"confirm","number":"` + number + `"}`)
}

func (s *server) triesLeft(deviceCode string) int {
	s.t.Helper()
	g, err := s.Grant(s.t.Context(), grantID(deviceCode))
	if err != nil {
		s.t.Fatal(err)
	}
	return g.TriesLeft()
}

// says checks an OAuth error as a whole.
func (a answer) says(t testing.TB, status int, want wire.Error) {
	t.Helper()
	var got wire.Error
	if err := json.Unmarshal(a.body, &got); err != nil {
		t.Fatalf("no OAuth error in %q: %v", a.body, err)
	}
	described := got.Description
	got.Description, want.Description = "", ""
	if a.StatusCode != status || got != want || described == "" && want.Code != wire.CodeAuthorizationPending {
		t.Errorf("got %d %s, want %d %+v and a description", a.StatusCode, a.body, status, want)
	}
}

func TestTheNumberOverPush(t *testing.T) {
	for name, spell := range map[string]func(number string) string{
		"as text":                       func(n string) string { return `"` + n + `"` },
		"as text with spaces around it": func(n string) string { return `" ` + n + ` "` },
		"as an integer": func(n string) string {
			i, _ := strconv.Atoi(n)
			return strconv.Itoa(i)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, budget.Limits{})
			d := s.begin(nil)
			desk, other := s.subscribe(d.DeviceCode), s.subscribe(d.DeviceCode)
			other.until(wire.StatePending)
			number := s.awaitNumber(d.DeviceCode)
			snap := desk.until(wire.StateVerifying)
			if snap.TriesLeft != grant.NumberTries || snap.UserCode != d.UserCode || snap.VerificationURIComplete == "" || snap.ExpiresIn == 0 {
				t.Errorf("got %+v, want three tries and the same code", snap)
			}
			other.until(wire.StateVerifying)
			desk.say(`{"type":"confirm","number":` + spell(number) + `}`)
			for _, desk := range []*desktop{desk, other} {
				if after := desk.until(wire.StateApproved); after.TriesLeft != 0 || after.Seq <= snap.Seq {
					t.Errorf("got %+v, want a later one without tries", after)
				}
			}
			s.app(logintest.App).tokens(s.poll(d.DeviceCode))
			desk.until(wire.StateRedeemed)
			desk.closed(wire.CloseDone)
		})
	}
}

func TestWrongNumbersOverPush(t *testing.T) {
	s := serve(t, budget.Limits{})
	deviceCode, number := s.verifying()
	desk := s.subscribe(deviceCode)
	before := desk.until(wire.StateVerifying)
	for _, left := range []int{2, 1} {
		desk.confirm(another(number))
		snap := desk.until(wire.StateVerifying)
		if snap.Seq <= before.Seq || snap.TriesLeft != left {
			t.Errorf("got seq %d and %d tries left; want a seq after %d and %d", snap.Seq, snap.TriesLeft, before.Seq, left)
		}
		before = snap
	}
	desk.confirm(another(number))
	if snap := desk.until(wire.StateDenied); snap.TriesLeft != 0 || snap.UserCode != "" {
		t.Errorf("got %+v, want nothing but the end", snap)
	}
	if reason := desk.closed(wire.CloseDone); reason != string(wire.StateDenied) {
		t.Errorf("closed for %q, want %q", reason, wire.StateDenied)
	}
	got := s.poll(deviceCode)
	got.says(t, http.StatusBadRequest, wire.Error{Code: wire.CodeAccessDenied})
	if !strings.Contains(string(got.body), "wrong numbers") {
		t.Errorf("the poll: got %s, want that the numbers were wrong", got.body)
	}
}

func TestAWrongNumberAndThenTheRightOne(t *testing.T) {
	s := serve(t, budget.Limits{})
	deviceCode, number := s.verifying()
	desk := s.subscribe(deviceCode)
	desk.until(wire.StateVerifying)
	desk.confirm(another(number))
	desk.confirm(another(number))
	desk.confirm(number)
	desk.until(wire.StateApproved)
}

// TestANumberThatNobodyAwaitsChangesNothing: the desktop may have heard late of what
// another socket or the phone did.
func TestANumberThatNobodyAwaitsChangesNothing(t *testing.T) {
	cancel := func(_ *server, desk *desktop, _ string) { desk.say(`{"type":"cancel"}`) }
	tests := []struct {
		name    string
		prepare func(s *server, id auth.GrantID)
		before  wire.State
		end     func(s *server, desk *desktop, deviceCode string)
		after   wire.State
	}{
		{"while nobody has opened the link", func(*server, auth.GrantID) {}, wire.StatePending, cancel, wire.StateCancelled},
		{
			"while the passkey is asked for", func(s *server, id auth.GrantID) { s.Begin(s.ada(), id) }, wire.StateConfirming,
			cancel, wire.StateCancelled,
		},
		{
			"after an approval without a number", func(s *server, id auth.GrantID) { s.Approve(s.ada(), id) }, wire.StateApproved,
			func(s *server, _ *desktop, deviceCode string) { s.poll(deviceCode) }, wire.StateRedeemed,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, budget.Limits{})
			d := s.begin(nil)
			tt.prepare(s, grantID(d.DeviceCode))
			desk := s.subscribe(d.DeviceCode)
			before := desk.until(tt.before)
			for range 2 * grant.NumberTries {
				desk.confirm("47")
			}
			tt.end(s, desk, d.DeviceCode)
			if after, err := desk.next(); err != nil || after.State != tt.after || after.Seq != before.Seq+1 {
				t.Errorf("got %+v, %v; want %s as the next change", after, err, tt.after)
			}
			desk.closed(wire.CloseDone)
		})
	}
}

func TestANumberAfterTheEndIsTooLate(t *testing.T) {
	s := serve(t, budget.Limits{})
	deviceCode, number := s.verifying()
	desk := s.subscribe(deviceCode)
	desk.until(wire.StateVerifying)
	if err := s.Deny(t.Context(), s.ada().From(logintest.Away), grantID(deviceCode)); err != nil {
		t.Fatal(err)
	}
	desk.confirm(number)
	desk.until(wire.StateDenied)
	desk.closed(wire.CloseDone)
	late := s.subscribe(deviceCode)
	late.confirm(number)
	late.until(wire.StateDenied)
	late.closed(wire.CloseDone)
	s.app(logintest.App).confirm(deviceCode, number).says(t, http.StatusBadRequest, wire.Error{Code: wire.CodeAccessDenied})
	if got := s.poll(deviceCode); strings.Contains(string(got.body), "number") {
		t.Errorf("the poll: got %s, want that the person denied it", got.body)
	}
}

func TestANumberIsOfItsOwnGrant(t *testing.T) {
	s := serve(t, budget.Limits{})
	first, firstNumber := s.verifying()
	second := s.begin(nil)
	desk := s.subscribe(second.DeviceCode)
	desk.until(wire.StatePending)
	desk.confirm(firstNumber)
	desk.say(`{"type":"cancel"}`)
	desk.until(wire.StateCancelled)
	if left := s.triesLeft(first); left != grant.NumberTries {
		t.Errorf("%d tries are left, want all", left)
	}
	s.subscribe(first).until(wire.StateVerifying)
}

func TestANumberFromAnotherClientIsRefused(t *testing.T) {
	s := serve(t, budget.Limits{})
	s.AddClient(auth.Client{ID: "another", Name: "Another"})
	deviceCode, number := s.verifying()
	desk := s.connect()
	desk.say(`{"type":"hello","client_id":"another","device_code":"` + deviceCode + `"}`)
	desk.confirm(number)
	desk.closed(wire.CloseUnknown)
	foreign, unknown := s.app("another").confirm(deviceCode, number), s.app("another").confirm("guess", number)
	foreign.says(t, http.StatusBadRequest, wire.Error{Code: wire.CodeInvalidGrant})
	if string(foreign.body) != string(unknown.body) || foreign.StatusCode != unknown.StatusCode {
		t.Errorf("a foreign code: %s, an unknown one: %s; want no difference", foreign.body, unknown.body)
	}
	if left := s.triesLeft(deviceCode); left != grant.NumberTries {
		t.Errorf("%d tries are left, want all", left)
	}
}

func TestAMalformedNumberClosesTheSocketAndCostsNoTry(t *testing.T) {
	s := serve(t, budget.Limits{})
	deviceCode, _ := s.verifying()
	for _, number := range []string{`"4"`, `"470"`, `100`, `-1`, `4.5`, `null`, `["47"]`, `"4x"`, `""`} {
		desk := s.subscribe(deviceCode)
		desk.until(wire.StateVerifying)
		desk.say(`{"type":"confirm","number":` + number + `}`)
		desk.closed(wire.CloseMalformed)
	}
	early := s.connect()
	early.confirm("47")
	early.closed(wire.CloseMalformed)
	if left := s.triesLeft(deviceCode); left != grant.NumberTries {
		t.Errorf("%d tries are left, want all", left)
	}
}

func TestTheNumberOverHTTP(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.app(logintest.App)
	deviceCode, number := s.verifying()
	wrong := another(number)
	poll := s.poll(deviceCode)
	poll.says(t, http.StatusBadRequest, wire.Error{Code: wire.CodeAuthorizationPending, State: wire.StateVerifying})
	if !strings.Contains(string(poll.body), "number") {
		t.Errorf("the poll: got %s, want what to do", poll.body)
	}
	a.confirm(deviceCode, wrong).says(t, http.StatusBadRequest, wire.Error{Code: wire.CodeIncorrectNumber, TriesLeft: 2})
	a.confirm(deviceCode, wrong).says(t, http.StatusBadRequest, wire.Error{Code: wire.CodeIncorrectNumber, TriesLeft: 1})
	got := a.confirm(deviceCode, " "+number+"\n")
	if got.StatusCode != http.StatusOK || strings.TrimSpace(string(got.body)) != `{"state":"approved"}` || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %s %s, Cache-Control %q; want 200 and the state", got.Status, got.body, got.Header.Get("Cache-Control"))
	}
	a.confirm(deviceCode, number).says(t, http.StatusBadRequest, wire.Error{Code: wire.CodeInvalidRequest})
	a.tokens(a.redeem(deviceCode))
	a.confirm(deviceCode, number).says(t, http.StatusBadRequest, wire.Error{Code: wire.CodeInvalidGrant})
}

func TestTheThirdWrongNumberOverHTTP(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.app(logintest.App)
	deviceCode, number := s.verifying()
	for range grant.NumberTries - 1 {
		a.confirm(deviceCode, another(number))
	}
	last := a.confirm(deviceCode, another(number))
	for what, got := range map[string]answer{"the third": last, "the poll": a.redeem(deviceCode)} {
		got.says(t, http.StatusBadRequest, wire.Error{Code: wire.CodeAccessDenied})
		if !strings.Contains(string(got.body), "wrong numbers") {
			t.Errorf("%s: got %s, want that the numbers were wrong", what, got.body)
		}
	}
	a.confirm(deviceCode, number).says(t, http.StatusBadRequest, wire.Error{Code: wire.CodeAccessDenied})
}

// TestParallelNumbersHaveThreeTriesInAll: however fast somebody types.
func TestParallelNumbersHaveThreeTriesInAll(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.app(logintest.App)
	deviceCode, number := s.verifying()
	const all = 20
	codes := make(chan string, all)
	for range all {
		go func() { codes <- a.confirm(deviceCode, another(number)).oauthError(t) }()
	}
	times := make(map[string]int)
	for range all {
		times[<-codes]++
	}
	if wrong := times[wire.CodeIncorrectNumber]; wrong != grant.NumberTries-1 || times[wire.CodeAccessDenied] != all-wrong {
		t.Errorf("got %v, want two wrong numbers and the rest denied", times)
	}
}

func TestANumberOverHTTPIsRefused(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.app(logintest.App)
	quick := quick(s, "quick")
	deviceCode, number := s.verifying()
	decided := func(end func(id auth.GrantID)) string {
		d := s.begin(nil)
		end(grantID(d.DeviceCode))
		return d.DeviceCode
	}
	form := func(code, number string) url.Values {
		return url.Values{"client_id": {a.id}, "device_code": {code}, "number": {number}}
	}
	with := func(form url.Values, name string, values ...string) url.Values {
		form[name] = values
		return form
	}
	tests := []struct {
		name   string
		form   url.Values
		status int
		code   string
	}{
		{"one digit", form(deviceCode, "4"), 400, wire.CodeInvalidRequest},
		{"three digits", form(deviceCode, "470"), 400, wire.CodeInvalidRequest},
		{"very many digits", form(deviceCode, strings.Repeat("4", 10_000)), 400, wire.CodeInvalidRequest},
		{"a body that is too large", form(deviceCode, strings.Repeat("4", 20_000)), 400, wire.CodeInvalidRequest},
		{"letters", form(deviceCode, "<b"), 400, wire.CodeInvalidRequest},
		{"no number", form(deviceCode, ""), 400, wire.CodeInvalidRequest},
		{"no device code", form("", number), 400, wire.CodeInvalidRequest},
		{"a number that is repeated", with(form(deviceCode, ""), "number", another(number), number), 400, wire.CodeInvalidRequest},
		{"a device code that is repeated", with(form("", number), "device_code", deviceCode, deviceCode), 400, wire.CodeInvalidRequest},
		{"no client", with(form(deviceCode, number), "client_id"), 400, wire.CodeInvalidRequest},
		{"an unknown client", with(form(deviceCode, number), "client_id", "nobody"), 401, wire.CodeInvalidClient},
		{"an unknown device code", form("guess", number), 400, wire.CodeInvalidGrant},
		{"the user code in its place", form(s.begin(nil).UserCode, number), 400, wire.CodeInvalidGrant},
		{"while none is awaited", form(s.begin(nil).DeviceCode, number), 400, wire.CodeInvalidRequest},
		{"after an approval without one", form(decided(func(id auth.GrantID) { s.Approve(s.ada(), id) }), number), 400, wire.CodeInvalidRequest},
		{"after a denial", form(decided(func(id auth.GrantID) {
			if err := s.Deny(t.Context(), logintest.At("phone"), id); err != nil {
				t.Fatal(err)
			}
		}), number), 400, wire.CodeAccessDenied},
		{"after the desktop cancelled", form(decided(func(id auth.GrantID) {
			if err := s.Cancel(t.Context(), logintest.App, id, logintest.Home); err != nil {
				t.Fatal(err)
			}
		}), number), 400, wire.CodeAccessDenied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := s.post(wire.PathConfirmation, tt.form)
			if code := got.oauthError(t); got.StatusCode != tt.status || code != tt.code {
				t.Errorf("got %d %s, want %d %s", got.StatusCode, got.body, tt.status, tt.code)
			}
		})
	}
	t.Run("by GET", func(t *testing.T) {
		got := s.send(http.MethodGet, wire.PathConfirmation+"?"+form(deviceCode, number).Encode(), "")
		if got.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("got %s, want 405", got.Status)
		}
	})
	t.Run("in the query", func(t *testing.T) {
		got := s.post(wire.PathConfirmation+"?number="+number, with(form(deviceCode, ""), "number"))
		got.says(t, http.StatusBadRequest, wire.Error{Code: wire.CodeInvalidRequest})
	})
	t.Run("as JSON", func(t *testing.T) {
		got := s.send(http.MethodPost, wire.PathConfirmation, marshal(t, map[string]string{"client_id": a.id, "device_code": deviceCode, "number": number}))
		got.says(t, http.StatusBadRequest, wire.Error{Code: wire.CodeInvalidRequest})
	})
	t.Run("after the grant has expired", func(t *testing.T) {
		d := s.begin(quick)
		s.Clock.Advance(time.Minute)
		s.app("quick").confirm(d.DeviceCode, number).says(t, http.StatusBadRequest, wire.Error{Code: wire.CodeExpiredToken})
	})
	if left := s.triesLeft(deviceCode); left != grant.NumberTries {
		t.Errorf("%d tries are left, want all: none of this was a number of the client's", left)
	}
}

func TestTheClientProvesItselfToBringANumber(t *testing.T) {
	s := serve(t, budget.Limits{})
	service, _ := s.service()
	for name, a := range map[string]*app{"by its secret": s.backend(), "by an assertion": service} {
		t.Run(name, func(t *testing.T) {
			var d wire.DeviceAuthorization
			if err := json.Unmarshal(a.post(wire.PathDeviceAuthorization, nil).body, &d); err != nil {
				t.Fatal(err)
			}
			number := s.awaitNumber(d.DeviceCode)
			s.app(auth.ClientID(a.id)).confirm(d.DeviceCode, number).says(t, http.StatusUnauthorized, wire.Error{Code: wire.CodeInvalidClient})
			wrong := s.app(auth.ClientID(a.id))
			wrong.authenticate = byForm("guess")
			wrong.confirm(d.DeviceCode, number).says(t, http.StatusUnauthorized, wire.Error{Code: wire.CodeInvalidClient})
			if left := s.triesLeft(d.DeviceCode); left != grant.NumberTries {
				t.Errorf("%d tries are left, want all", left)
			}
			if got := a.confirm(d.DeviceCode, number); got.StatusCode != http.StatusOK {
				t.Errorf("got %s %s, want 200", got.Status, got.body)
			}
		})
	}
}

func TestNumbersAreBudgeted(t *testing.T) {
	s := serve(t, budget.Limits{Numbers: ratelimit.Rate{Count: 3, Per: time.Hour}})
	a := s.app(logintest.App)
	first, firstNumber := s.verifying()
	second, secondNumber := s.verifying()
	a.confirm(first, another(firstNumber))
	desk := s.subscribe(second)
	desk.until(wire.StateVerifying)
	desk.confirm(another(secondNumber))
	desk.until(wire.StateVerifying)
	a.confirm(first, another(firstNumber))
	over := a.confirm(second, secondNumber)
	over.says(t, http.StatusTooManyRequests, wire.Error{Code: wire.CodeUnavailable})
	if over.Header.Get("Retry-After") == "" {
		t.Error("it is not said when to come back")
	}
	desk.confirm(secondNumber)
	desk.closed(wire.CloseOverBudget)
	if left := s.triesLeft(second); left != 2 {
		t.Errorf("%d tries are left, want 2: what is over budget is not looked at", left)
	}
}

// TestNumbersThatNobodyAwaitsSpendNoNeighboursBudget, nor do right ones: only what may
// be a guess is charged to an address that many share.
func TestNumbersThatNobodyAwaitsSpendNoNeighboursBudget(t *testing.T) {
	s := serve(t, budget.Limits{Numbers: ratelimit.Rate{Count: 1, Per: time.Hour}})
	a := s.app(logintest.App)
	idle := s.begin(nil).DeviceCode
	neighbour := s.subscribe(idle)
	neighbour.until(wire.StatePending)
	for range 5 {
		a.confirm(idle, "47").says(t, http.StatusBadRequest, wire.Error{Code: wire.CodeInvalidRequest})
		neighbour.confirm("47")
	}
	neighbour.say(`{"type":"cancel"}`)
	neighbour.until(wire.StateCancelled) // so all of its numbers have been taken
	for range 3 {
		deviceCode, number := s.verifying()
		if got := a.confirm(deviceCode, number); got.StatusCode != http.StatusOK {
			t.Fatalf("a right number over HTTP: got %s %s, want 200", got.Status, got.body)
		}
		a.confirm(deviceCode, another(number)).says(t, http.StatusBadRequest, wire.Error{Code: wire.CodeInvalidRequest})
		deviceCode, number = s.verifying()
		desk := s.subscribe(deviceCode)
		desk.confirm(number)
		desk.until(wire.StateApproved)
	}
	deviceCode, number := s.verifying()
	a.confirm(deviceCode, another(number)).says(t, http.StatusBadRequest, wire.Error{Code: wire.CodeIncorrectNumber, TriesLeft: 2})
	a.confirm(deviceCode, another(number)).says(t, http.StatusTooManyRequests, wire.Error{Code: wire.CodeUnavailable})
}

// TestANumberThatNobodyAwaitsHoldsNoPlaceEvenWhileItIsLookedAt: it is refused before
// there is anything to write, or a flood of such would hold all places of an address.
func TestANumberThatNobodyAwaitsHoldsNoPlaceEvenWhileItIsLookedAt(t *testing.T) {
	s := serve(t, budget.Limits{Numbers: ratelimit.Rate{Count: 1, Per: time.Hour}})
	a := s.app(logintest.App)
	idle := s.begin(nil).DeviceCode
	deviceCode, number := s.verifying()
	held := held{Store: s.Service.Store, entered: make(chan struct{}), release: make(chan struct{})}
	s.Service.Store = held
	confirmed := make(chan answer, 1)
	go func() { confirmed <- a.confirm(deviceCode, number) }()
	<-held.entered // and holds the only place
	a.confirm(idle, "47").says(t, http.StatusBadRequest, wire.Error{Code: wire.CodeInvalidRequest})
	close(held.release)
	if got := <-confirmed; got.StatusCode != http.StatusOK {
		t.Errorf("the right number: got %s %s, want 200", got.Status, got.body)
	}
}

// held is a store in which the one write waits until it is let go.
type held struct {
	store.Store
	entered, release chan struct{}
}

func (h held) Update(ctx context.Context, do func(store.Tx) error) error {
	close(h.entered) // once: a second write would panic
	<-h.release
	return h.Store.Update(ctx, do)
}

func TestWrongDeviceCodesWithANumberAreBudgeted(t *testing.T) {
	s := serve(t, budget.Limits{DeviceCodes: ratelimit.Rate{Count: 2, Per: time.Hour}})
	a := s.app(logintest.App)
	deviceCode, number := s.verifying()
	for range 2 {
		a.confirm("guess", "47").says(t, http.StatusBadRequest, wire.Error{Code: wire.CodeInvalidGrant})
	}
	over := a.confirm("guess", "47")
	over.says(t, http.StatusTooManyRequests, wire.Error{Code: wire.CodeUnavailable})
	if over.Header.Get("Retry-After") == "" {
		t.Error("it is not said when to come back")
	}
	s.subscribe("guess").closed(wire.CloseOverBudget) // the same budget
	if got := a.confirm(deviceCode, number); got.StatusCode != http.StatusOK {
		t.Errorf("the right code: got %s %s, want 200", got.Status, got.body)
	}
}

func TestTooManyNumbersCloseTheSocket(t *testing.T) {
	s := serve(t, budget.Limits{Frames: ratelimit.Rate{Count: 3, Per: time.Hour}})
	d := s.begin(nil)
	desk := s.subscribe(d.DeviceCode)
	desk.until(wire.StatePending)
	for range 4 {
		desk.confirm("47")
	}
	desk.closed(wire.CloseOverBudget)
}

// TestTheNumberIsOnThePhoneOnly: a desktop that somebody else holds must not learn it.
// Here it is one that nothing else can be mistaken for.
func TestTheNumberIsOnThePhoneOnly(t *testing.T) {
	const number = "secret number"
	s := serve(t, budget.Limits{})
	a := s.app(logintest.App)
	d := s.begin(nil)
	desk := s.subscribe(d.DeviceCode)
	desk.until(wire.StatePending)
	s.awaitNumber(d.DeviceCode)
	s.Update(func(tx store.Tx) error {
		g, err := tx.Grant(grantID(d.DeviceCode))
		if err != nil {
			return err
		}
		g.Number = number
		return tx.SetGrant(g)
	})
	late := s.subscribe(d.DeviceCode)
	late.until(wire.StateVerifying)
	told := []string{string(s.poll(d.DeviceCode).body)}
	late.confirm("47")
	late.until(wire.StateVerifying)
	for range grant.NumberTries - 1 {
		told = append(told, string(a.confirm(d.DeviceCode, "47").body))
	}
	told = append(told, string(s.poll(d.DeviceCode).body), s.log.String())
	told = append(told, desk.frames()...)
	for _, text := range told {
		if strings.Contains(text, number) {
			t.Errorf("the number is told: %s", text)
		}
	}
	for _, seen := range []string{`"state":"verifying"`, `"tries_left":2`, wire.CodeIncorrectNumber, `"state":"denied"`} {
		if !strings.Contains(strings.Join(told, "\n"), seen) {
			t.Errorf("%s was not seen in %q", seen, told)
		}
	}
}
