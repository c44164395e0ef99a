package loginview

import (
	"image/color"
	"strings"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// phrase is a text to be taken as a whole: a code, an address. A click or the
// keyboard selects all of it, and the copy shortcut copies it. It breaks at
// spaces, and anywhere where there are none, as in an address.
type phrase struct {
	widget.BaseWidget

	text  string
	size  fyne.ThemeSizeName
	style fyne.TextStyle

	selected bool
}

var (
	_ fyne.Focusable     = (*phrase)(nil)
	_ fyne.Tappable      = (*phrase)(nil)
	_ fyne.Shortcutable  = (*phrase)(nil)
	_ desktop.Cursorable = (*phrase)(nil)
)

func newPhrase(size fyne.ThemeSizeName, style fyne.TextStyle) *phrase {
	p := &phrase{size: size, style: style}
	p.ExtendBaseWidget(p)
	return p
}

func (p *phrase) set(text string) {
	if p.text == text {
		return
	}
	p.text = text
	p.Refresh()
}

// SelectedText is what the copy shortcut would copy.
func (p *phrase) SelectedText() string {
	if !p.selected {
		return ""
	}
	return p.text
}

// Tapped implements fyne.Tappable.
func (p *phrase) Tapped(*fyne.PointEvent) {
	if c := fyne.CurrentApp().Driver().CanvasForObject(p); c != nil {
		c.Focus(p)
	}
}

// FocusGained implements fyne.Focusable.
func (p *phrase) FocusGained() { p.selected = true; p.Refresh() }

// FocusLost implements fyne.Focusable.
func (p *phrase) FocusLost() { p.selected = false; p.Refresh() }

// TypedRune implements fyne.Focusable.
func (p *phrase) TypedRune(rune) {}

// TypedKey implements fyne.Focusable.
func (p *phrase) TypedKey(*fyne.KeyEvent) {}

// TypedShortcut implements fyne.Shortcutable.
func (p *phrase) TypedShortcut(s fyne.Shortcut) {
	if _, ok := s.(*fyne.ShortcutCopy); ok {
		fyne.CurrentApp().Clipboard().SetContent(p.text)
	}
}

// Cursor implements desktop.Cursorable.
func (p *phrase) Cursor() desktop.Cursor { return desktop.TextCursor }

func (p *phrase) textSize() float32 { return p.Theme().Size(p.size) }

// lines breaks the text to a width.
func (p *phrase) lines(width float32) []string {
	var lines []string
	line := ""
	for _, r := range p.text {
		line += string(r)
		if fyne.MeasureText(line, p.textSize(), p.style).Width <= width {
			continue
		}
		at := strings.LastIndexByte(line, ' ') + 1
		if at == 0 {
			at = len(line) - utf8.RuneLen(r)
		}
		if at > 0 {
			lines = append(lines, line[:at])
			line = line[at:]
		}
	}
	return append(lines, line)
}

// within is the size that the text takes in a width.
func (p *phrase) within(width float32) fyne.Size {
	size := fyne.Size{}
	for _, line := range p.lines(width) {
		m := fyne.MeasureText(line, p.textSize(), p.style)
		size = fyne.NewSize(max(size.Width, m.Width), size.Height+m.Height)
	}
	return size
}

// CreateRenderer implements fyne.Widget.
func (p *phrase) CreateRenderer() fyne.WidgetRenderer {
	r := &phraseRenderer{phrase: p, ground: canvas.NewRectangle(color.Transparent)}
	r.ground.CornerRadius = 4
	r.update()
	return r
}

type phraseRenderer struct {
	phrase *phrase
	ground *canvas.Rectangle // of the selection
	lines  []*canvas.Text
}

func (r *phraseRenderer) Layout(size fyne.Size) {
	p := r.phrase
	r.lines = r.lines[:0]
	y := float32(0)
	for _, line := range p.lines(size.Width) {
		t := canvas.NewText(line, paint(p, theme.ColorNameForeground))
		t.TextSize, t.TextStyle = p.textSize(), p.style
		m := t.MinSize()
		t.Resize(m)
		t.Move(fyne.NewPos(0, y))
		y += m.Height
		r.lines = append(r.lines, t)
	}
	taken := p.within(size.Width)
	r.ground.Move(fyne.NewPos(-4, -2))
	r.ground.Resize(taken.AddWidthHeight(8, 4))
}

func (r *phraseRenderer) MinSize() fyne.Size {
	return fyne.MeasureText("M", r.phrase.textSize(), r.phrase.style)
}

func (r *phraseRenderer) Objects() []fyne.CanvasObject {
	objects := []fyne.CanvasObject{r.ground}
	for _, line := range r.lines {
		objects = append(objects, line)
	}
	return objects
}

func (r *phraseRenderer) Refresh() {
	r.update()
	canvas.Refresh(r.phrase)
}

func (r *phraseRenderer) update() {
	r.ground.FillColor, r.ground.StrokeColor, r.ground.StrokeWidth = color.Transparent, color.Transparent, 0
	if r.phrase.selected {
		r.ground.FillColor = paint(r.phrase, theme.ColorNameSelection)
	}
	r.Layout(r.phrase.Size())
}

func (r *phraseRenderer) Destroy() {}
