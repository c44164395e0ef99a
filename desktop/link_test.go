package desktop

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestWhatFollowsADrop(t *testing.T) {
	later := wire.FormatRetryAfter(12 * time.Second)
	cases := []struct {
		name  string
		link  link
		drop  drop
		never bool
		ask   bool
		low   time.Duration
		high  time.Duration
	}{
		{"a last state was sent", link{}, drop{code: wire.CloseDone}, true, true, 0, 0},
		{"the code is unknown", link{}, drop{code: wire.CloseUnknown}, true, true, 0, 0},
		{"we were malformed", link{}, drop{code: wire.CloseMalformed}, true, false, 0, 0},
		{"our hello was late", link{}, drop{code: wire.CloseNoHello}, false, false, 0, time.Second},
		{"a restart says when", link{}, drop{code: wire.CloseRestart, reason: later}, false, false, 12 * time.Second, 13 * time.Second},
		{"a restart does not say when", link{}, drop{code: wire.CloseRestart}, false, false, 0, time.Second},
		{"the server cannot read the state", link{}, drop{code: wire.CloseServerError}, false, false, 0, time.Second},
		{"the network broke", link{}, drop{err: errors.New("reset")}, false, false, 0, time.Second},
		{"it broke the fourth time", link{failures: 3}, drop{}, false, false, 0, 8 * time.Second},
		{"it broke the hundredth time", link{failures: 99}, drop{}, false, false, 0, 30 * time.Second},
		{"it broke after a long good time", link{failures: 99, refusals: 9}, drop{lived: time.Minute}, false, false, 0, time.Second},
		{"we were replaced", link{}, drop{code: wire.CloseReplaced}, false, false, 15 * time.Second, 30 * time.Second},
		{"we are over budget, again", link{refusals: 1}, drop{code: wire.CloseOverBudget}, false, false, 30 * time.Second, time.Minute},
		{"a close code of tomorrow", link{}, drop{code: 4999}, false, false, 15 * time.Second, 30 * time.Second},
		{"a proxy refused the upgrade", link{}, drop{status: 403}, false, false, 15 * time.Second, 30 * time.Second},
		{"a proxy refused it for the tenth time", link{refusals: 9}, drop{status: 200}, false, false, 150 * time.Second, 5 * time.Minute},
		{"the upgrade is over budget", link{}, drop{status: 429, retryAfter: time.Minute}, false, false, time.Minute, 90 * time.Second},
		{"the server is in trouble", link{}, drop{status: 502}, false, false, 0, time.Second},
		{"the server is in trouble and says when", link{}, drop{status: 503, retryAfter: 9 * time.Second}, false, false, 9 * time.Second, 13500 * time.Millisecond},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			_, low := tc.link.dropped(tc.drop, always(0))
			_, high := tc.link.dropped(tc.drop, always(0.999999999))
			if low.never != tc.never || low.ask != tc.ask {
				t.Errorf("got %+v, want never %v, ask %v", low, tc.never, tc.ask)
			}
			if low.wait != tc.low || (high.wait-tc.high).Abs() > time.Millisecond {
				t.Errorf("waits %v to %v, want %v to %v", low.wait, high.wait, tc.low, tc.high)
			}
		})
	}
}

// TestDesktopsThatLostTheirServerTogetherComeBackApart, so that a server that is up
// again within a second is not down again with the next.
func TestDesktopsThatLostTheirServerTogetherComeBackApart(t *testing.T) {
	const desktops = 10_000
	tests := []struct {
		name   string
		drop   drop
		before link
		over   time.Duration // that they spread over
	}{
		{"a server that was killed", drop{lived: time.Minute}, link{}, dialBase},
		{"one that is still down at the fourth try", drop{}, link{failures: 3}, 8 * time.Second},
		{"one that is down for long", drop{}, link{failures: 99}, dialCap},
		{"one that said when, to many the same second", drop{code: wire.CloseRestart, reason: wire.FormatRetryAfter(3 * time.Second)}, link{}, time.Second},
		{"one over which a proxy says 503", drop{status: 503}, link{failures: 2}, 4 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			slots := make(map[time.Duration]int) // of a hundredth of the time
			for range desktops {
				_, p := tt.before.dropped(tt.drop, rand.Float64)
				slots[p.wait/(tt.over/100)]++
			}
			for slot, n := range slots {
				if n > 2*desktops/100 {
					t.Errorf("%d of %d come in the same hundredth of %s (the %dth), want about %d", n, desktops, tt.over, slot, desktops/100)
				}
			}
		})
	}
}

func TestDropsNeverMakeALinkDialWildly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l link
		for range rapid.IntRange(1, 60).Draw(t, "drops") {
			d := drop{
				code:   rapid.IntRange(0, 5000).Draw(t, "code"),
				status: rapid.SampledFrom([]int{0, 200, 403, 429, 500}).Draw(t, "status"),
			}
			var p plan
			if l, p = l.dropped(d, always(0.5)); !p.never && (p.wait <= 0 || p.wait > refusedCap) {
				t.Fatalf("%+v waits %v", d, p.wait)
			}
		}
	})
}
