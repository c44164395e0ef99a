package loginview

import (
	"testing"
	"time"

	"fyne.io/fyne/v2/test"
)

func TestCountdown(t *testing.T) {
	r := newRig(t)
	l := r.begin()
	r.tell(l, waiting())
	ring := test.WidgetRenderer(r.view.body.countdown).(*countdownRenderer)
	for _, step := range []struct {
		wait  time.Duration
		text  string
		angle float32
	}{{0, "0:41", 360}, {time.Second, "0:40", 360 * 40.0 / 41}, {40 * time.Second, "0:00", 0}} {
		r.advance(step.wait)
		if got := ring.text.Text; got != step.text {
			t.Errorf("got %q, want %q", got, step.text)
		}
		if got := ring.rest.EndAngle; got < step.angle-1 || got > step.angle+1 {
			t.Errorf("at %s the ring spans %v degrees, want %v", step.text, got, step.angle)
		}
	}
	if n := r.clock.waiting(); n != 0 {
		t.Errorf("%d timers wait after the countdown", n)
	}
}

func TestFigures(t *testing.T) {
	for left, want := range map[time.Duration]string{
		0: "0:00", time.Millisecond: "0:01", time.Second: "0:01", 59*time.Second + 1: "1:00", 10 * time.Minute: "10:00",
	} {
		if got := figures(left); got != want {
			t.Errorf("%v: got %q, want %q", left, got, want)
		}
	}
}

func TestCountdownEndsWithItsRenderer(t *testing.T) {
	r := newRig(t)
	r.tell(r.begin(), waiting())
	if r.clock.waiting() != 1 {
		t.Fatalf("%d timers wait, want that of the countdown", r.clock.waiting())
	}
	test.WidgetRenderer(r.view.body.countdown).Destroy()
	if n := r.clock.waiting(); n != 0 {
		t.Errorf("%d timers wait after Destroy", n)
	}
}
