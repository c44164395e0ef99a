package grant_test

import (
	"errors"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/grant"
)

// A run whose clock was ahead leaves grants to the next one that are from its future.

func TestAGrantFromTheFutureHasExpired(t *testing.T) {
	open := []grant.State{grant.Pending, grant.Scanned, grant.Confirming, grant.Verifying, grant.Approved}
	tests := []struct {
		name  string
		later time.Duration // that now is, than the grant's beginning
		over  bool
	}{
		{"at its beginning", 0, false},
		{"a moment before, for clocks differ", -time.Second, false},
		{"a minute before", -time.Minute, false},
		{"more than a minute before", -time.Minute - 1, true},
		{"an hour before", -time.Hour, true},
		{"years before", -12 * 365 * 24 * time.Hour, true},
		{"at its end", lifetime, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now := start.Add(tt.later)
			for _, s := range open {
				g := in(t, s)
				if got := g.StateAt(now) == grant.Expired; got != tt.over {
					t.Errorf("%s: over is %t, want %t", s, got, tt.over)
				}
				if got := g.SeqAt(now) > g.Seq; got != tt.over {
					t.Errorf("%s: a change of seq is told: %t, want %t", s, got, tt.over)
				}
				if tt.over && g.Rotates(now) {
					t.Errorf("%s: its user code is still replaced", s)
				}
			}
			for _, s := range []grant.State{grant.Redeemed, grant.Denied, grant.Cancelled} {
				if got := in(t, s).StateAt(now); got != s {
					t.Errorf("%s: got %s, want what it was", s, got)
				}
			}
		})
	}
}

func TestNothingCanBeDoneToAGrantFromTheFuture(t *testing.T) {
	now := start.Add(-time.Hour)
	for name, do := range map[string]struct {
		from grant.State
		by   func(grant.Grant) (grant.Grant, error)
	}{
		"scan":    {grant.Pending, func(g grant.Grant) (grant.Grant, error) { return g.Scan(now, phone) }},
		"claim":   {grant.Scanned, func(g grant.Grant) (grant.Grant, error) { return g.Claim(now, phone, []byte("c")) }},
		"answer":  {grant.Confirming, func(g grant.Grant) (grant.Grant, error) { g, _, err := g.Answer(now, phone); return g, err }},
		"confirm": {grant.Verifying, func(g grant.Grant) (grant.Grant, error) { return g.Confirm(now, app, number) }},
		"deny":    {grant.Confirming, func(g grant.Grant) (grant.Grant, error) { return g.Deny(now, phone) }},
		"cancel":  {grant.Pending, func(g grant.Grant) (grant.Grant, error) { return g.Cancel(now, app) }},
		"redeem":  {grant.Approved, func(g grant.Grant) (grant.Grant, error) { return g.Redeem(now, app) }},
		"rotate":  {grant.Pending, func(g grant.Grant) (grant.Grant, error) { return g.Rotate(now, "BCDFGHJK") }},
	} {
		t.Run(name, func(t *testing.T) {
			g := in(t, do.from)
			if after, err := do.by(g); !errors.Is(err, grant.ErrExpired) || after.Seq != g.Seq {
				t.Errorf("got %v and seq %d, want ErrExpired and %d", err, after.Seq, g.Seq)
			}
		})
	}
	if _, err := minted(t).Exchange(now, app, right); !errors.Is(err, grant.ErrExpired) {
		t.Errorf("exchange: got %v, want ErrExpired", err)
	}
}

// An operator's command has a clock of its own, behind that of a server which goes on
// ahead of the wall: what it takes away must not come back there.
func TestAGrantFromTheFutureCanBeVoided(t *testing.T) {
	g := in(t, grant.Approved).Void(start.Add(-time.Hour))
	if !g.Voided() {
		t.Errorf("got %s, want it denied, by nobody", g.State)
	}
	over := in(t, grant.Approved)
	if after := over.Void(start.Add(lifetime)); after.Seq != over.Seq {
		t.Errorf("one that has expired was changed to %s", after.State)
	}
}

func TestWhatIsGoodForAMomentIsNotGoodBeforeIt(t *testing.T) {
	later := start.Add(4 * time.Minute) // when the clock was ahead
	t.Run("an authorization code", func(t *testing.T) {
		g := must(t)(consented(t).Mint(later, phone, firstCode))
		if _, err := g.Exchange(start, app, right); !errors.Is(err, grant.ErrExpired) {
			t.Errorf("got %v, want ErrExpired", err)
		}
	})
	t.Run("a repeated answer", func(t *testing.T) {
		g := must(t)(in(t, grant.Approved).Redeem(later, app))
		for now, want := range map[time.Time]bool{start: false, later: true, later.Add(grant.RepeatFor): false} {
			if got := g.Repeatable(now, app); got != want {
				t.Errorf("%s after the answer: got %t, want %t", now.Sub(later), got, want)
			}
		}
	})
	t.Run("the user code before the present one", func(t *testing.T) {
		g := must(t)(pending().Rotate(later, "BCDFGHJK"))
		for now, want := range map[time.Time]bool{start: false, later: true, later.Add(grant.CodeGrace): false} {
			if got := g.Opens(now, pending().Code); got != want {
				t.Errorf("%s after the rotation: got %t, want %t", now.Sub(later), got, want)
			}
		}
	})
}
