package loginview

import (
	"image/color"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

const (
	digitCount  = 2
	digitWidth  = 64
	digitHeight = 72
	digitGap    = 16
	caretWidth  = 2
	caretHeight = 32
)

// digits are two boxes for the number that the phone shows. They are one control:
// what is typed goes into the marked box and marks the next empty one, and when both
// are full the number is handed over by itself.
type digits struct {
	widget.BaseWidget

	onNumber func(number string) // both are there
	onTyped  func(digit string)  // empty: one was erased

	typed [digitCount]rune // zero: empty
	at    int              // the marked box
	busy  bool             // the number is with the server: nothing can be typed
	wrong bool             // the last one was not it

	focused bool
}

var (
	_ fyne.Focusable     = (*digits)(nil)
	_ fyne.Tappable      = (*digits)(nil)
	_ fyne.Shortcutable  = (*digits)(nil)
	_ desktop.Cursorable = (*digits)(nil)
)

func newDigits(onNumber, onTyped func(string)) *digits {
	d := &digits{onNumber: onNumber, onTyped: onTyped}
	d.ExtendBaseWidget(d)
	return d
}

// set says what has become of the number.
func (d *digits) set(busy, wrong bool) {
	if d.busy != busy || d.wrong != wrong {
		d.busy, d.wrong = busy, wrong
		d.Refresh()
	}
}

// clear empties both boxes.
func (d *digits) clear() {
	d.typed, d.at = [digitCount]rune{}, 0
	d.Refresh()
}

// number is what is typed so far.
func (d *digits) number() string {
	var b strings.Builder
	for _, r := range d.typed {
		if r != 0 {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// TypedRune implements fyne.Focusable.
func (d *digits) TypedRune(r rune) {
	r, ok := asDigit(r)
	if !ok || d.busy {
		return
	}
	d.typed[d.at] = r
	for i := range d.typed {
		if next := (d.at + 1 + i) % digitCount; d.typed[next] == 0 {
			d.at = next
			break
		}
	}
	d.Refresh()
	d.onTyped(string(r))
	d.handOver()
}

// asDigit takes the wide digits of East Asian keyboards for what they mean.
func asDigit(r rune) (rune, bool) {
	if r >= '０' && r <= '９' {
		r += '0' - '０'
	}
	return r, r >= '0' && r <= '9'
}

func (d *digits) handOver() {
	if number := d.number(); len(number) == digitCount {
		d.onNumber(number)
	}
}

// TypedKey implements fyne.Focusable.
func (d *digits) TypedKey(ev *fyne.KeyEvent) {
	if d.busy {
		return
	}
	switch ev.Name {
	case fyne.KeyBackspace:
		if d.typed[d.at] == 0 && d.at > 0 {
			d.at--
		}
		d.erase()
	case fyne.KeyDelete:
		d.erase()
	case fyne.KeyLeft, fyne.KeyHome:
		d.mark(0)
	case fyne.KeyRight, fyne.KeyEnd:
		d.mark(digitCount - 1)
	}
}

func (d *digits) erase() {
	if d.typed[d.at] == 0 {
		return
	}
	d.typed[d.at] = 0
	d.Refresh()
	d.onTyped("")
}

func (d *digits) mark(box int) {
	d.at = box
	d.Refresh()
}

// TypedShortcut implements fyne.Shortcutable: what is pasted is the number, if there
// are two digits in it and no more.
func (d *digits) TypedShortcut(s fyne.Shortcut) {
	paste, ok := s.(*fyne.ShortcutPaste)
	if !ok || d.busy {
		return
	}
	var found []rune
	for _, r := range paste.Clipboard.Content() {
		if r, ok := asDigit(r); ok {
			found = append(found, r)
		}
	}
	if len(found) != digitCount {
		return
	}
	copy(d.typed[:], found)
	d.at = digitCount - 1
	d.Refresh()
	d.onTyped(string(found))
	d.handOver()
}

// Tapped implements fyne.Tappable.
func (d *digits) Tapped(ev *fyne.PointEvent) {
	if c := fyne.CurrentApp().Driver().CanvasForObject(d); c != nil {
		c.Focus(d)
	}
	if d.busy {
		return
	}
	d.mark(0)
	if ev.Position.X > d.Size().Width/2 {
		d.mark(digitCount - 1)
	}
}

// FocusGained implements fyne.Focusable.
func (d *digits) FocusGained() { d.focused = true; d.Refresh() }

// FocusLost implements fyne.Focusable.
func (d *digits) FocusLost() { d.focused = false; d.Refresh() }

// Cursor implements desktop.Cursorable.
func (d *digits) Cursor() desktop.Cursor { return desktop.TextCursor }

// CreateRenderer implements fyne.Widget.
func (d *digits) CreateRenderer() fyne.WidgetRenderer {
	r := &digitsRenderer{digits: d, caret: canvas.NewRectangle(color.Transparent)}
	for i := range digitCount {
		r.boxes[i] = canvas.NewRectangle(color.Transparent)
		r.boxes[i].CornerRadius = 12
		r.texts[i] = canvas.NewText("", color.Transparent)
		r.texts[i].TextStyle = fyne.TextStyle{Bold: true}
	}
	r.Refresh()
	return r
}

type digitsRenderer struct {
	digits *digits
	boxes  [digitCount]*canvas.Rectangle
	texts  [digitCount]*canvas.Text
	caret  *canvas.Rectangle // in the marked box, while it is empty
}

func (r *digitsRenderer) Layout(size fyne.Size) {
	left := (size.Width - r.MinSize().Width) / 2
	for i, box := range r.boxes {
		box.Resize(fyne.NewSize(digitWidth, digitHeight))
		box.Move(fyne.NewPos(left, 0))
		text := r.texts[i].MinSize()
		r.texts[i].Resize(text)
		r.texts[i].Move(fyne.NewPos(left+(digitWidth-text.Width)/2, (digitHeight-text.Height)/2))
		if i == r.digits.at {
			r.caret.Resize(fyne.NewSize(caretWidth, caretHeight))
			r.caret.Move(fyne.NewPos(left+(digitWidth-caretWidth)/2, (digitHeight-caretHeight)/2))
		}
		left += digitWidth + digitGap
	}
}

func (r *digitsRenderer) MinSize() fyne.Size {
	return fyne.NewSize(digitCount*(digitWidth+digitGap)-digitGap, digitHeight)
}

func (r *digitsRenderer) Objects() []fyne.CanvasObject {
	var objects []fyne.CanvasObject
	for i := range r.boxes {
		objects = append(objects, r.boxes[i], r.texts[i])
	}
	return append(objects, r.caret)
}

func (r *digitsRenderer) Refresh() {
	d := r.digits
	ink := theme.ColorNameForeground
	if d.busy {
		ink = theme.ColorNamePlaceHolder
	}
	for i, box := range r.boxes {
		box.FillColor = paint(d, theme.ColorNameInputBackground)
		edge, width := d.edge(i)
		box.StrokeColor, box.StrokeWidth = paint(d, edge), width
		r.texts[i].Text = strings.Trim(string(d.typed[i]), "\x00")
		r.texts[i].TextSize = d.Theme().Size(sizeHuge)
		r.texts[i].Color = paint(d, ink)
	}
	r.caret.FillColor = paint(d, theme.ColorNameFocus)
	r.caret.Hidden = !d.focused || d.busy || d.typed[d.at] != 0
	r.Layout(d.Size())
	for _, o := range r.Objects() {
		o.Refresh()
	}
}

// edge is how a box is framed.
func (d *digits) edge(box int) (fyne.ThemeColorName, float32) {
	switch {
	case d.focused && !d.busy && box == d.at:
		return theme.ColorNameFocus, 2
	case d.wrong:
		return theme.ColorNameError, 1
	}
	return theme.ColorNameInputBorder, 1
}

func (r *digitsRenderer) Destroy() {}
