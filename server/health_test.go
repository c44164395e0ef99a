package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// patient is a store of which only Check is asked.
type patient struct {
	store.Store

	mu    sync.Mutex
	err   error         // what Check says; guarded by mu
	stuck chan struct{} // not nil: Check ends with it, and heeds no context; guarded by mu
	looks int           // guarded by mu
}

func (p *patient) Check(context.Context) error {
	p.mu.Lock()
	stuck := p.stuck
	p.looks++
	p.mu.Unlock()
	if stuck != nil {
		<-stuck
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

func (p *patient) turn(err error, stuck chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err, p.stuck = err, stuck
}

func (p *patient) looked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.looks
}

// inHealth runs the test in a bubble, with a log.
func inHealth(t *testing.T, test func(t *testing.T, p *patient, h *health, log *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p, log := new(patient), new(bytes.Buffer)
		h := newHealth(p, slog.New(slog.NewTextHandler(log, nil)))
		defer h.close()
		test(t, p, h, log)
	})
}

// healthz is what somebody reads who asks.
func healthz(h *health) (status int, body string) {
	w := httptest.NewRecorder()
	h.answer(w, httptest.NewRequest(http.MethodGet, wire.PathHealth, nil))
	return w.Code, w.Body.String()
}

func wantHealthz(t *testing.T, h *health, status int, body string) {
	t.Helper()
	if s, b := healthz(h); s != status || b != body {
		t.Errorf("got %d %q, want %d %q", s, b, status, body)
	}
}

// because is ErrUnavailable as an engine makes it, with words that nobody may read.
func because(c store.Cause) error {
	return fmt.Errorf("update: %w: %w: do this: %w", store.ErrUnavailable, c, errors.New("INSERT INTO /var/lib/secret"))
}

func TestHealthTellsTheCauseAndNothingElse(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"all is well":         {nil, "ok\n"},
		"the disk is full":    {because(store.CauseFull), "unavailable\nstore: the disk is full\n"},
		"the file is locked":  {because(store.CauseLocked), "unavailable\nstore: another process holds the database locked\n"},
		"it is read-only":     {because(store.CauseReadOnly), "unavailable\nstore: the database is read-only\n"},
		"it is damaged":       {because(store.CauseDamaged), "unavailable\nstore: the database is damaged\n"},
		"a cause without one": {store.ErrUnavailable, "unavailable\nstore: it fails\n"},
		"what nobody foresaw": {errors.New("INSERT INTO /var/lib/secret"), "unavailable\nstore: it fails\n"},
	} {
		t.Run(name, func(t *testing.T) {
			inHealth(t, func(t *testing.T, p *patient, h *health, _ *bytes.Buffer) {
				p.turn(c.err, nil)
				status := http.StatusOK
				if c.err != nil {
					status = http.StatusServiceUnavailable
				}
				wantHealthz(t, h, status, c.want)
			})
		})
	}
}

func TestHoweverManyAskTheStoreIsLookedAtOnceASecond(t *testing.T) {
	inHealth(t, func(t *testing.T, p *patient, h *health, _ *bytes.Buffer) {
		for want := 1; want <= 3; want++ {
			var asks sync.WaitGroup
			for range 1000 {
				asks.Go(func() { wantHealthz(t, h, http.StatusOK, "ok\n") })
			}
			asks.Wait()
			if got := p.looked(); got != want {
				t.Errorf("got %d looks, want %d", got, want)
			}
			time.Sleep(healthFresh)
		}
	})
}

func TestAStoreThatHangsIsToldOfInTimeAndAskedNoMore(t *testing.T) {
	inHealth(t, func(t *testing.T, p *patient, h *health, _ *bytes.Buffer) {
		stuck := make(chan struct{})
		p.turn(nil, stuck)
		begun := time.Now()
		const slow = "unavailable\nstore: the storage does not answer in time\n"
		wantHealthz(t, h, http.StatusServiceUnavailable, slow)
		if took := time.Since(begun); took != healthTimeout+healthSlack {
			t.Errorf("took %v, want %v", took, healthTimeout+healthSlack)
		}
		for range 5 { // those who ask later are told at once
			begun := time.Now()
			wantHealthz(t, h, http.StatusServiceUnavailable, slow)
			if took := time.Since(begun); took != 0 {
				t.Errorf("took %v, want no time", took)
			}
			time.Sleep(healthFresh)
		}
		if got := p.looked(); got != 1 {
			t.Errorf("got %d looks, want 1 while it hangs", got)
		}
		p.turn(nil, nil)
		close(stuck)
		synctest.Wait()
		wantHealthz(t, h, http.StatusOK, "ok\n")
	})
}

func TestWhoGoesAwaySpoilsTheLookForNobody(t *testing.T) {
	inHealth(t, func(t *testing.T, p *patient, h *health, _ *bytes.Buffer) {
		stuck := make(chan struct{})
		p.turn(because(store.CauseFull), stuck)
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error)
		go func() { left <- h.ask(ctx) }()
		stays := make(chan error)
		go func() { stays <- h.ask(t.Context()) }()
		synctest.Wait()
		leave()
		<-left
		close(stuck)
		if err := <-stays; reason(err) != string(store.CauseFull) {
			t.Errorf("got %v, want that the disk is full", err)
		}
	})
}

func TestTooMuchToDoForAMomentIsNoIllness(t *testing.T) {
	inHealth(t, func(t *testing.T, p *patient, h *health, log *bytes.Buffer) {
		p.turn(store.ErrOverloaded, nil)
		for begun := time.Now(); time.Since(begun) < healthBusy; time.Sleep(healthFresh) {
			wantHealthz(t, h, http.StatusOK, "ok\n")
		}
		const busy = "unavailable\nstore: the storage has too much to do\n"
		wantHealthz(t, h, http.StatusServiceUnavailable, busy)
		p.turn(nil, nil)
		time.Sleep(healthFresh)
		wantHealthz(t, h, http.StatusOK, "ok\n")

		p.turn(store.ErrOverloaded, nil)
		time.Sleep(healthFresh)
		wantHealthz(t, h, http.StatusOK, "ok\n") // the time begins anew
		if got := strings.Count(log.String(), "level=ERROR"); got != 1 {
			t.Errorf("got %d errors, want 1: %s", got, log)
		}
	})
}

func TestTooMuchToDoHealsNoIllness(t *testing.T) {
	inHealth(t, func(t *testing.T, p *patient, h *health, _ *bytes.Buffer) {
		p.turn(because(store.CauseFull), nil)
		_, _ = healthz(h)
		p.turn(store.ErrOverloaded, nil)
		time.Sleep(healthFresh)
		wantHealthz(t, h, http.StatusServiceUnavailable, "unavailable\nstore: the disk is full\n")
	})
}

func TestAnIllnessIsLoggedWhenItComesAndWhenItGoes(t *testing.T) {
	inHealth(t, func(t *testing.T, p *patient, h *health, log *bytes.Buffer) {
		for _, err := range []error{
			nil, nil,
			because(store.CauseLocked), because(store.CauseLocked),
			because(store.CauseFull), because(store.CauseFull),
			nil, nil,
		} {
			p.turn(err, nil)
			_, _ = healthz(h)
			time.Sleep(healthFresh)
		}
		lines := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
		want := [][]string{
			{"level=ERROR", "the store is unavailable", string(store.CauseLocked), "do this"},
			{"level=ERROR", "the store is unavailable", string(store.CauseFull), "do this"},
			{"level=INFO", "available again", "after=4s"},
		}
		if len(lines) != len(want) {
			t.Fatalf("got %d lines, want %d:\n%s", len(lines), len(want), log)
		}
		for i, words := range want {
			for _, word := range words {
				if !strings.Contains(lines[i], word) {
					t.Errorf("no %q in line %d: %s", word, i, lines[i])
				}
			}
		}
	})
}

func TestHealthIsWatchedWhereNobodyAsks(t *testing.T) {
	inHealth(t, func(t *testing.T, p *patient, h *health, log *bytes.Buffer) {
		p.turn(because(store.CauseFull), nil)
		ctx, stop := context.WithCancel(t.Context())
		var watch sync.WaitGroup
		watch.Go(func() { h.watch(ctx) })
		time.Sleep(3*healthEvery + healthFresh)
		if got := p.looked(); got != 4 {
			t.Errorf("got %d looks in three periods, want one at first and 3", got)
		}
		if !strings.Contains(log.String(), string(store.CauseFull)) {
			t.Errorf("nobody is told: %s", log)
		}
		stop()
		watch.Wait()
	})
}

func TestTheGaugeTellsWhatStandsAndLooksAtNothing(t *testing.T) {
	inHealth(t, func(t *testing.T, p *patient, h *health, _ *bytes.Buffer) {
		registry := prometheus.NewRegistry()
		if err := h.register(registry); err != nil {
			t.Fatal(err)
		}
		shows := func(want string) {
			t.Helper()
			w := httptest.NewRecorder()
			metricsHandler(registry).ServeHTTP(w, httptest.NewRequest(http.MethodGet, wire.PathMetrics, nil))
			if !strings.Contains(w.Body.String(), "\nqrauthd_store_up "+want+"\n") {
				t.Errorf("no qrauthd_store_up %s in the metrics:\n%s", want, w.Body)
			}
		}
		p.turn(because(store.CauseFull), nil)
		shows("1")
		if got := p.looked(); got != 0 {
			t.Errorf("got %d looks, want none", got)
		}
		_, _ = healthz(h)
		shows("0")
	})
}

func TestAClosedHealthEndsTheLookUnderWayAndLooksNoMore(t *testing.T) {
	inHealth(t, func(t *testing.T, p *patient, h *health, log *bytes.Buffer) {
		stuck := make(chan struct{})
		p.turn(because(store.CauseFull), stuck)
		asked := make(chan error)
		go func() { asked <- h.ask(t.Context()) }()
		synctest.Wait()
		closed := make(chan struct{})
		go func() { h.close(); close(closed) }()
		synctest.Wait()
		close(stuck)
		<-closed
		<-asked
		wantHealthz(t, h, http.StatusServiceUnavailable, "unavailable\nstore: the database is closed\n")
		if got := p.looked(); got != 1 {
			t.Errorf("got %d looks, want 1", got)
		}
		if log.Len() > 0 {
			t.Errorf("the log tells of it: %s", log)
		}
	})
}
