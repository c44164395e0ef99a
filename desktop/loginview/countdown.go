package loginview

import (
	"fmt"
	"image/color"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

const (
	ringSide = 20
	ringHole = 0.72 // of the radius
)

// countdown is a ring that empties, and the time left in figures. It counts
// while it has a renderer, so nothing ticks for what nobody can see.
type countdown struct {
	widget.BaseWidget

	clock    clock
	do       func(func())
	deadline time.Time     // none: nothing is counted
	whole    time.Duration // from the moment the deadline was set
}

func newCountdown(c clock, do func(func())) *countdown {
	d := &countdown{clock: c, do: do}
	d.ExtendBaseWidget(d)
	return d
}

// setDeadline counts down to t by the clock on the wall, so that a laptop's sleep
// counts.
func (d *countdown) setDeadline(t time.Time) {
	t = t.Round(0)
	if t.Equal(d.deadline) {
		return
	}
	d.deadline = t
	d.whole = d.left()
	d.Refresh()
}

func (d *countdown) left() time.Duration {
	return max(0, d.deadline.Sub(d.clock.now().Round(0)))
}

// figures are minutes and seconds; a second that has begun counts.
func figures(left time.Duration) string {
	seconds := int((left + time.Second - 1) / time.Second)
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

// CreateRenderer implements fyne.Widget.
func (d *countdown) CreateRenderer() fyne.WidgetRenderer {
	r := &countdownRenderer{
		countdown: d,
		track:     canvas.NewArc(0, 360, ringHole, color.Transparent),
		rest:      canvas.NewArc(0, 360, ringHole, color.Transparent),
		text:      canvas.NewText("", color.Transparent),
		stop:      func() bool { return true },
	}
	r.text.Alignment = fyne.TextAlignTrailing
	r.Refresh()
	return r
}

type countdownRenderer struct {
	countdown   *countdown
	track, rest *canvas.Arc
	text        *canvas.Text

	stop func() bool
	turn int // tells a stopped timer's late call from that of the next
}

func (r *countdownRenderer) Layout(size fyne.Size) {
	for _, arc := range []*canvas.Arc{r.track, r.rest} {
		arc.Resize(fyne.NewSquareSize(ringSide))
		arc.Move(fyne.NewPos(0, (size.Height-ringSide)/2))
	}
	height := r.text.MinSize().Height
	r.text.Resize(fyne.NewSize(size.Width-ringSide, height))
	r.text.Move(fyne.NewPos(ringSide, (size.Height-height)/2))
}

// MinSize has room for the widest figures, so that nothing moves while they run.
func (r *countdownRenderer) MinSize() fyne.Size {
	text := fyne.MeasureText("00:00", r.text.TextSize, r.text.TextStyle)
	return fyne.NewSize(ringSide+4+text.Width, max(ringSide, text.Height))
}

func (r *countdownRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.track, r.rest, r.text}
}

func (r *countdownRenderer) Refresh() {
	d := r.countdown
	r.track.FillColor = paint(d, theme.ColorNameSeparator)
	r.rest.FillColor = paint(d, colorAccentInk)
	r.text.Color = paint(d, theme.ColorNamePlaceHolder)
	r.text.TextSize = d.Theme().Size(sizeSmall)
	r.tick()
}

func (r *countdownRenderer) Destroy() { r.halt() }

func (r *countdownRenderer) halt() {
	r.turn++
	r.stop()
}

// tick draws the time left and comes back when the figures change.
func (r *countdownRenderer) tick() {
	r.halt()
	d := r.countdown
	left := d.left()
	r.rest.EndAngle = 0
	if d.whole > 0 {
		r.rest.EndAngle = 360 * float32(left) / float32(d.whole)
	}
	r.text.Text = figures(left)
	for _, o := range r.Objects() {
		o.Refresh()
	}
	if d.deadline.IsZero() || left == 0 {
		return
	}
	turn := r.turn
	next := (left-1)%time.Second + 1
	r.stop = d.clock.after(next, func() {
		d.do(func() {
			if turn == r.turn {
				r.tick()
			}
		})
	})
}
