package desktop

import (
	"testing"
	"time"
)

func TestPulse(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	cases := []struct {
		name   string
		passed time.Duration
		want   bool
	}{
		{"an ordinary tick", time.Second, false},
		{"a late tick on a busy machine", 4 * time.Second, false},
		{"a nap", 7 * time.Second, true},
		{"a night", 8 * time.Hour, true},
		{"a small correction backwards", -time.Second, false},
		{"the clock is set back", -time.Hour, true},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			p := pulse{start, pulsePeriod}
			if got := p.beat(start.Add(tc.passed)); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			if p.beat(start.Add(tc.passed + time.Second)) {
				t.Error("the next tick jumped too")
			}
		})
	}
}
