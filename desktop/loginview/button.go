package loginview

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

const (
	buttonHeight = 48
	quietHeight  = 40
	quietGap     = 4 // between it and the button above
	buttonIcon   = 20
)

// button looks as on the phone's pages. Enter and Space press it; the copy
// shortcut does what onCopy says.
type button struct {
	widget.BaseWidget

	text     string
	icon     icon // before the text
	main     bool // the one thing to do
	quiet    bool // words only, below another button
	onTapped func()
	onCopy   func()

	focused, hovered, pressed bool
}

var (
	_ fyne.Tappable      = (*button)(nil)
	_ fyne.Focusable     = (*button)(nil)
	_ fyne.Shortcutable  = (*button)(nil)
	_ desktop.Hoverable  = (*button)(nil)
	_ desktop.Mouseable  = (*button)(nil)
	_ desktop.Cursorable = (*button)(nil)
)

func newButton(onTapped, onCopy func()) *button {
	b := &button{onTapped: onTapped, onCopy: onCopy}
	b.ExtendBaseWidget(b)
	return b
}

func (b *button) setText(text string, i icon) {
	b.text, b.icon = text, i
	b.Refresh()
}

// Tapped implements fyne.Tappable.
func (b *button) Tapped(*fyne.PointEvent) { b.onTapped() }

// TypedKey implements fyne.Focusable.
func (b *button) TypedKey(ev *fyne.KeyEvent) {
	switch ev.Name {
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		b.onTapped()
	}
}

// TypedRune implements fyne.Focusable.
func (b *button) TypedRune(rune) {}

// TypedShortcut implements fyne.Shortcutable.
func (b *button) TypedShortcut(s fyne.Shortcut) {
	if _, ok := s.(*fyne.ShortcutCopy); ok {
		b.onCopy()
	}
}

// FocusGained implements fyne.Focusable.
func (b *button) FocusGained() { b.focused = true; b.Refresh() }

// FocusLost implements fyne.Focusable.
func (b *button) FocusLost() { b.focused = false; b.Refresh() }

// MouseIn implements desktop.Hoverable.
func (b *button) MouseIn(*desktop.MouseEvent) { b.hovered = true; b.Refresh() }

// MouseMoved implements desktop.Hoverable.
func (b *button) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (b *button) MouseOut() { b.hovered, b.pressed = false, false; b.Refresh() }

// MouseDown implements desktop.Mouseable.
func (b *button) MouseDown(*desktop.MouseEvent) { b.pressed = true; b.Refresh() }

// MouseUp implements desktop.Mouseable.
func (b *button) MouseUp(*desktop.MouseEvent) { b.pressed = false; b.Refresh() }

// Cursor implements desktop.Cursorable.
func (b *button) Cursor() desktop.Cursor { return desktop.PointerCursor }

// CreateRenderer implements fyne.Widget.
func (b *button) CreateRenderer() fyne.WidgetRenderer {
	r := &buttonRenderer{
		button: b,
		ring:   canvas.NewRectangle(color.Transparent),
		ground: canvas.NewRectangle(color.Transparent),
		shade:  canvas.NewRectangle(color.Transparent),
		text:   canvas.NewText("", color.Transparent),
		image:  &canvas.Image{FillMode: canvas.ImageFillContain},
	}
	r.text.TextStyle = fyne.TextStyle{Bold: true}
	r.ring.CornerRadius = radius + ringGap
	r.ground.CornerRadius = radius
	r.shade.CornerRadius = radius
	r.Refresh()
	return r
}

// ringGap is from the button's edge to the outer edge of its focus ring, which
// reaches out of the button's own size.
const ringGap = 4

type buttonRenderer struct {
	button              *button
	ring, ground, shade *canvas.Rectangle
	text                *canvas.Text
	image               *canvas.Image
}

func (r *buttonRenderer) Layout(size fyne.Size) {
	r.ring.Move(fyne.NewPos(-ringGap, -ringGap))
	r.ring.Resize(size.AddWidthHeight(2*ringGap, 2*ringGap))
	r.ground.Resize(size)
	r.shade.Resize(size)

	text := r.text.MinSize()
	width := text.Width
	if r.button.icon != iconNone {
		width += buttonIcon + 8
	}
	left := (size.Width - width) / 2
	if r.button.icon != iconNone {
		r.image.Resize(fyne.NewSquareSize(buttonIcon))
		r.image.Move(fyne.NewPos(left, (size.Height-buttonIcon)/2))
		left += buttonIcon + 8
	}
	r.text.Resize(text)
	r.text.Move(fyne.NewPos(left, (size.Height-text.Height)/2))
}

func (r *buttonRenderer) MinSize() fyne.Size {
	height := float32(buttonHeight)
	if r.button.quiet {
		height = quietHeight
	}
	return fyne.NewSize(r.text.MinSize().Width+32+buttonIcon+8, height)
}

func (r *buttonRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.ring, r.ground, r.shade, r.image, r.text}
}

func (r *buttonRenderer) Refresh() {
	b := r.button
	ground, ink, edge := theme.ColorNameInputBackground, theme.ColorNameForeground, theme.ColorNameSeparator
	if b.quiet {
		ink = colorAccentInk
	}
	if b.main {
		ground, ink, edge = theme.ColorNamePrimary, theme.ColorNameForegroundOnPrimary, theme.ColorNamePrimary
	}
	r.ground.FillColor = paint(b, ground)
	r.ground.StrokeColor, r.ground.StrokeWidth = paint(b, edge), 1
	if b.quiet {
		r.ground.FillColor, r.ground.StrokeColor = color.Transparent, color.Transparent
	}
	r.shade.FillColor = r.shadeColor()
	r.ring.StrokeColor, r.ring.StrokeWidth = color.Transparent, 0
	if b.focused {
		r.ring.StrokeColor, r.ring.StrokeWidth = paint(b, theme.ColorNameFocus), 2
	}
	r.text.Text = b.text
	r.text.TextSize = b.Theme().Size(sizeText)
	r.text.Color = paint(b, ink)
	r.image.Hidden = b.icon == iconNone
	if !r.image.Hidden {
		r.image.Resource = b.icon.resource(paint(b, ink), buttonIcon*scaleOf(b))
	}
	r.Layout(b.Size())
	for _, o := range r.Objects() {
		o.Refresh()
	}
}

func (r *buttonRenderer) shadeColor() color.Color {
	switch {
	case r.button.pressed:
		return color.NRGBA{A: 0x1f}
	case r.button.hovered:
		return color.NRGBA{A: 0x0d}
	}
	return color.Transparent
}

func (r *buttonRenderer) Destroy() {}
