package desktop

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func always(x float64) func() float64 { return func() float64 { return x } }

func TestPaceWaits(t *testing.T) {
	cases := []struct {
		name   string
		pace   pace
		pushed bool
		low    time.Duration // when chance is 0
		high   time.Duration // when it is almost 1
	}{
		{"no interval is five seconds", newPace(0), false, 5 * time.Second, 5 * time.Second},
		{"nonsense is five seconds", newPace(-3), false, 5 * time.Second, 5 * time.Second},
		{"the server's interval", newPace(7), false, 7 * time.Second, 7 * time.Second},
		{"slow_down adds five", newPace(7).slowedDown().slowedDown(), false, 17 * time.Second, 17 * time.Second},
		{"push makes it a safety net", newPace(5), true, 15 * time.Second, 30 * time.Second},
		{"push with a long interval", newPace(40), true, 40 * time.Second, 40 * time.Second},
		{"one failure", newPace(5).failed(), false, 5 * time.Second, 10 * time.Second},
		{"failures double up to half a minute", newPace(5).failed().failed().failed().failed(), false, 5 * time.Second, 30 * time.Second},
		{"an answer ends the backing off", newPace(5).failed().failed().answered(), false, 5 * time.Second, 5 * time.Second},
		{"a slow_down outlives failures", newPace(5).slowedDown().failed().answered(), false, 10 * time.Second, 10 * time.Second},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			low, high := tc.pace.wait(tc.pushed, always(0)), tc.pace.wait(tc.pushed, always(0.999999999))
			if low != tc.low || (tc.high-high).Abs() > time.Millisecond {
				t.Errorf("got %v to %v, want %v to %v", low, high, tc.low, tc.high)
			}
		})
	}
}

func TestPaceIsNeverFasterThanTheIntervalNorStuck(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPace(rapid.Int().Draw(t, "interval"))
		for range rapid.IntRange(0, 100).Draw(t, "answers") {
			switch rapid.IntRange(0, 2).Draw(t, "answer") {
			case 0:
				p = p.answered()
			case 1:
				p = p.slowedDown()
			case 2:
				p = p.failed()
			}
		}
		got := p.wait(rapid.Bool().Draw(t, "pushed"), always(rapid.Float64Range(0, 0.999).Draw(t, "chance")))
		if got < p.interval || got > max(p.interval, 30*time.Second) {
			t.Fatalf("%+v waits %v", p, got)
		}
	})
}
