package server

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qrauthd/qrauthd/internal/store"
)

// pruned counts the turns; the second one fails. There are old records in its log.
type pruned struct {
	store.Store
	turns  []time.Time
	old    int
	before []time.Time
}

func (p *pruned) Prune(_ context.Context, now time.Time) (store.Pruned, error) {
	p.turns = append(p.turns, now)
	if len(p.turns) == 2 {
		return store.Pruned{}, errors.New("disk full")
	}
	return store.Pruned{Grants: 1}, nil
}

func (p *pruned) Update(_ context.Context, fn func(store.Tx) error) error { return fn(forgetful{p: p}) }

// forgetful is a transaction that can do no more than ForgetAudit.
type forgetful struct {
	store.Tx
	p *pruned
}

func (f forgetful) ForgetAudit(before time.Time, limit int) (int, error) {
	f.p.before = append(f.p.before, before)
	n := min(f.p.old, limit)
	f.p.old -= n
	return n, nil
}

func TestPruneGoesOnAfterAFailureAndEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*pruneEvery+time.Second)
		defer cancel()
		st := pruned{old: 2*forgetBatch + 1}
		var log strings.Builder
		begun := time.Now()
		pruner{store: &st, auditKeep: 24 * time.Hour, now: time.Now, log: slog.New(slog.NewTextHandler(&log, nil))}.run(ctx)
		if got, want := time.Since(begun), 3*pruneEvery+time.Second; got != want {
			t.Errorf("ended after %s, want %s", got, want)
		}
		if len(st.turns) != 3 || !st.turns[0].Equal(begun) {
			t.Errorf("got turns up to %v, want three, the first of which is up to the beginning", st.turns)
		}
		for _, want := range []string{"disk full", "grants=1", "records=1001"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not tell %q:\n%s", want, log.String())
			}
		}
		if st.old != 0 || !st.before[0].Equal(begun.Add(-24*time.Hour)) || len(st.before) != 3+3 {
			t.Errorf("%d records are left, and the log was asked for what is from before %v; want none, three batches and three looks, a day before the beginning",
				st.old, st.before)
		}
	})
}

func TestAClockThatIsAheadForAMomentTakesNothingAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*pruneEvery+time.Second)
		defer cancel()
		var st pruned
		begun, looks := time.Now(), 0
		now := func() time.Time {
			if looks++; looks == 2 { // that of the first turn
				return time.Now().Add(12 * 365 * 24 * time.Hour)
			}
			return time.Now()
		}
		pruner{store: &st, now: now, log: slog.New(slog.DiscardHandler)}.run(ctx)
		for i, until := range st.turns {
			if want := begun.Add(time.Duration(i+1) * pruneEvery); until.After(want) {
				t.Errorf("turn %d: what ended before %s is to go, want none after %s", i+1, until, want)
			}
		}
		if len(st.turns) != 3 {
			t.Errorf("got %d turns, want 3", len(st.turns))
		}
	})
}

func TestAStartWhileTheClockIsAheadTakesNothingAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*pruneEvery+time.Second)
		defer cancel()
		st := pruned{old: 1}
		begun := time.Now()
		now := func() time.Time { // of a machine without a battery, until it has asked for the time
			if time.Since(begun) < 10*time.Second {
				return time.Now().Add(12 * 365 * 24 * time.Hour)
			}
			return time.Now()
		}
		pruner{store: &st, auditKeep: time.Hour, now: now, log: slog.New(slog.DiscardHandler)}.run(ctx)
		if len(st.turns) != 2 || len(st.before) == 0 {
			t.Fatalf("got %d turns, and the log was asked %d times; want 2 turns and that it was", len(st.turns), len(st.before))
		}
		for _, until := range st.turns {
			if until.After(begun.Add(pruneEvery)) {
				t.Errorf("what ended before %s is to go, want none that has yet to", until)
			}
		}
		for _, before := range st.before {
			if before.After(begun.Add(pruneEvery - time.Hour)) {
				t.Errorf("the log is to forget what is from before %s, want none that is not an hour old", before)
			}
		}
	})
}

func TestWhoKeepsEverythingForgetsNothing(t *testing.T) {
	st := pruned{old: 1}
	pruner{store: &st, now: time.Now, log: slog.New(slog.DiscardHandler)}.forget(t.Context(), time.Now())
	if st.old != 1 || len(st.before) != 0 {
		t.Errorf("with audit.keep 0 the log was asked to forget what is from before %v", st.before)
	}
}
