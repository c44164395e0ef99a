package server

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/clock"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// served is the assembled server over HTTP, on a machine whose clocks the test moves,
// until it is stopped or the test ends.
func served(t *testing.T, c Config, machine *logintest.Clock) (_ *httptest.Server, stop func()) {
	t.Helper()
	s, err := newServer(t.Context(), c, Options{}, clock.New(machine.Read))
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.Handler())
	stop = sync.OnceFunc(func() {
		h.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return h, stop
}

func embedded(t *testing.T) Config {
	c := demoConfig(t)
	c.Listen, c.Issuer = "", "http://localhost:8080"
	return c
}

// poll is the error that the token endpoint answers with.
func poll(t *testing.T, h *httptest.Server, deviceCode string) string {
	t.Helper()
	resp, err := h.Client().PostForm(h.URL+wire.PathToken, url.Values{
		wire.ParamGrantType: {wire.GrantTypeDeviceCode}, wire.ParamClientID: {DemoClientID}, wire.ParamDeviceCode: {deviceCode},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var e wire.Error
	if err := json.NewDecoder(resp.Body).Decode(&e); err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Fatalf("got status %d, %v; want an error of the token endpoint", resp.StatusCode, err)
	}
	return e.Code
}

// Clock jumps of an hour in either direction: no grant lives longer than it should by
// the monotonic clock of one run, none becomes immortal.
func TestNoJumpOfTheClockMakesAGrantLiveLongerThanItShould(t *testing.T) {
	const pending, expired = wire.CodeAuthorizationPending, wire.CodeExpiredToken
	const years = 12 * 365 * 24 * time.Hour
	// jump is one of the wall clock while a grant is young, and what its desktop then hears.
	type jump struct {
		by   time.Duration
		want string
	}
	for name, jumps := range map[string][]jump{
		"an hour back":                  {{-time.Hour, pending}},
		"an hour forward":               {{time.Hour, expired}},
		"an hour forward and back":      {{time.Hour, expired}, {-time.Hour, pending}},
		"an hour back and forward":      {{-time.Hour, pending}, {time.Hour, pending}},
		"back again and again":          {{-time.Hour, pending}, {-time.Hour, pending}, {-time.Hour, pending}},
		"to 2038 and back":              {{years, expired}, {-years, pending}},
		"to before the epoch of Unix":   {{-5 * years, pending}},
		"not at all, for the yardstick": {{0, pending}},
	} {
		t.Run(name, func(t *testing.T) {
			machine := new(logintest.Clock)
			machine.Stop()
			h, _ := served(t, embedded(t), machine)
			for _, jump := range jumps {
				d := start(t, h.Client(), h.URL)
				machine.Set(jump.by)
				if got := poll(t, h, d.DeviceCode); got != jump.want {
					t.Errorf("the clock set by %s: got %s, want %s", jump.by, got, jump.want)
				}
				machine.Advance(time.Duration(d.ExpiresIn) * time.Second)
				if got := poll(t, h, d.DeviceCode); got != expired {
					t.Errorf("%d s later: got %s, want %s", d.ExpiresIn, got, expired)
				}
			}
			d := start(t, h.Client(), h.URL)
			if got := poll(t, h, d.DeviceCode); got != pending {
				t.Errorf("the next one: got %s, want %s", got, pending)
			}
		})
	}
}

func TestAGrantOfARunThatWasAheadIsOverForTheNextOne(t *testing.T) {
	machine, c := new(logintest.Clock), embedded(t)
	machine.Stop()
	machine.Set(time.Hour) // which nobody has noticed yet
	first, stop := served(t, c, machine)
	d := start(t, first.Client(), first.URL)
	stop()
	machine.Set(-time.Hour)
	second, _ := served(t, c, machine)
	for _, after := range []time.Duration{0, 59 * time.Minute, 2 * time.Minute} {
		machine.Advance(after)
		if got := poll(t, second, d.DeviceCode); got != wire.CodeExpiredToken {
			t.Errorf("%s later: got %s, want %s", after, got, wire.CodeExpiredToken)
		}
	}
}
