package gate_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/gate"
)

// enterLater has somebody enter, and tells what came of it.
func enterLater(ctx context.Context, g *gate.Gate) <-chan error {
	came := make(chan error, 1)
	go func() { came <- g.Enter(ctx) }()
	synctest.Wait()
	return came
}

// told is what came of it, if anything has.
func told(t *testing.T, came <-chan error) error {
	t.Helper()
	synctest.Wait()
	select {
	case err := <-came:
		return err
	default:
		t.Fatal("still in the line")
		return nil
	}
}

func refused(err error) bool {
	_, ok := errors.AsType[gate.Refusal](err)
	return ok
}

func census(t *testing.T, g *gate.Gate, want gate.Census) {
	t.Helper()
	if diff := cmp.Diff(want, g.Census()); diff != "" {
		t.Errorf("census (-want +got):\n%s", diff)
	}
}

func TestWhoFindsAPlaceGoesIn(t *testing.T) {
	g := gate.New(gate.Bounds{Places: 2, Line: 1, Patience: time.Second})
	for range 2 {
		if err := g.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	census(t, g, gate.Census{In: 2})
	g.Leave()
	g.Leave()
	census(t, g, gate.Census{})
}

func TestAPlaceGoesToTheFirstInTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate.New(gate.Bounds{Places: 1, Line: 2, Patience: time.Second})
		if err := g.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		first := enterLater(t.Context(), g)
		second := enterLater(t.Context(), g)
		census(t, g, gate.Census{In: 1, Waiting: 2})
		g.Leave()
		if err := told(t, first); err != nil {
			t.Errorf("the first: %v", err)
		}
		census(t, g, gate.Census{In: 1, Waiting: 1})
		g.Leave()
		if err := told(t, second); err != nil {
			t.Errorf("the second: %v", err)
		}
		g.Leave()
		census(t, g, gate.Census{})
	})
}

func TestWhoIsTurnedAway(t *testing.T) {
	const patience = time.Second
	for _, tc := range []struct {
		name  string
		line  int
		after time.Duration // since the line was joined by another
		shut  bool
	}{
		{"who finds the line full", 1, 0, false},
		{"who finds that the first in it has waited for half of their patience", 9, patience / 2, false},
		{"whoever comes while the gate is closed", 9, 0, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shut := false
				g := gate.New(gate.Bounds{Places: 1, Line: tc.line, Patience: patience, Closed: func() bool { return shut }})
				if err := g.Enter(t.Context()); err != nil {
					t.Fatal(err)
				}
				other := enterLater(t.Context(), g)
				time.Sleep(tc.after)
				shut = tc.shut
				came := enterLater(t.Context(), g)
				if err := told(t, came); !refused(err) {
					t.Errorf("got %v, want a refusal at once", err)
				}
				census(t, g, gate.Census{In: 1, Waiting: 1, Shed: 1})
				g.Leave()
				if err := told(t, other); err != nil {
					t.Errorf("who was in the line already: %v", err)
				}
			})
		})
	}
}

func TestALineThatMovesIsJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate.New(gate.Bounds{Places: 1, Line: 9, Patience: time.Second})
		if err := g.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		slow := enterLater(t.Context(), g)
		time.Sleep(600 * time.Millisecond)
		next := enterLater(t.Context(), g)
		if err := told(t, next); !refused(err) {
			t.Fatalf("got %v, want a refusal while it does not move", err)
		}
		g.Leave()
		if err := told(t, slow); err != nil {
			t.Fatal(err)
		}
		next = enterLater(t.Context(), g)
		census(t, g, gate.Census{In: 1, Waiting: 1, Shed: 1})
		g.Leave()
		if err := told(t, next); err != nil {
			t.Error(err)
		}
	})
}

func TestNobodyWaitsForLongerThanTheirPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate.New(gate.Bounds{Places: 1, Line: 9, Patience: time.Second})
		if err := g.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		came := enterLater(t.Context(), g)
		time.Sleep(time.Second)
		if err := told(t, came); !refused(err) {
			t.Errorf("got %v, want a refusal", err)
		}
		census(t, g, gate.Census{In: 1, Shed: 1})
	})
}

func TestWhoGoesAwayLeavesTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate.New(gate.Bounds{Places: 1, Line: 9, Patience: time.Second})
		if err := g.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, leave := context.WithCancel(t.Context())
		came := enterLater(ctx, g)
		leave()
		if err := told(t, came); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		census(t, g, gate.Census{In: 1})
		g.Leave()
		census(t, g, gate.Census{})
	})
}

// A place that is given to somebody at the very moment at which they lose patience must
// not be lost.
func TestNoPlaceIsLostWhateverComesTogether(t *testing.T) {
	g := gate.New(gate.Bounds{Places: 3, Line: 100, Patience: 20 * time.Microsecond})
	var work sync.WaitGroup
	for range 64 {
		work.Go(func() {
			for range 200 {
				if g.Enter(t.Context()) == nil {
					g.Leave()
				}
			}
		})
	}
	work.Wait()
	if got := g.Census(); got.In != 0 || got.Waiting != 0 {
		t.Errorf("got %+v, want nobody left", got)
	}
}

func TestAWholeBurstThatFitsIsTaken(t *testing.T) {
	g := gate.New(gate.Bounds{Places: 4, Line: 60, Patience: time.Hour})
	var work sync.WaitGroup
	for range 64 {
		work.Go(func() {
			if err := g.Enter(t.Context()); err != nil {
				t.Error(err)
				return
			}
			g.Leave()
		})
	}
	work.Wait()
	census(t, g, gate.Census{})
}

func TestNoGateLetsInEverybody(t *testing.T) {
	var g *gate.Gate
	if err := g.Enter(t.Context()); err != nil {
		t.Error(err)
	}
	g.Leave()
	census(t, g, gate.Census{})
}

func TestLaterIsSpreadOverWholeSeconds(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 1000 {
		d := gate.Later()
		if d < time.Second || d > 5*time.Second || d%time.Second != 0 {
			t.Fatalf("got %v, want whole seconds from 1 to 5", d)
		}
		seen[d] = true
	}
	if len(seen) != 5 {
		t.Errorf("got %d different ones in a thousand, want 5", len(seen))
	}
}

// The bounds are reasoned about in the documentation: what is well-behaved is never
// turned away, and what waits does so no longer than a client's own patience.
func TestSixtyFourClientsAtATimeFindAPlaceAtEveryGate(t *testing.T) {
	for name, g := range gate.NewGates(nil).ByName() {
		for range 64 {
			if err := g.Enter(t.Context()); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if got := g.Census(); got.In != 64 || got.Shed != 0 {
			t.Errorf("%s: got %+v, want 64 in", name, got)
		}
	}
}

func BenchmarkEnterAndLeave(b *testing.B) {
	g := gate.NewGates(nil).Tokens
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := g.Enter(b.Context()); err != nil {
				b.Fatal(err)
			}
			g.Leave()
		}
	})
}
