package loginview

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

const (
	badgeSide = 96
	badgeIcon = 44
)

// badge is an icon on a disc.
type badge struct {
	widget.BaseWidget

	icon icon
	tone tone
}

func newBadge() *badge {
	b := &badge{}
	b.ExtendBaseWidget(b)
	return b
}

func (b *badge) set(i icon, t tone) {
	b.icon, b.tone = i, t
	b.Refresh()
}

// colors are the disc's and the icon's.
func (b *badge) colors() (ground, stroke color.Color) {
	switch b.tone {
	case toneGood:
		return paint(b, colorGoodTint), paint(b, theme.ColorNameSuccess)
	case toneBad:
		return paint(b, colorBadTint), paint(b, theme.ColorNameError)
	case toneQuiet:
		return paint(b, theme.ColorNameInputBackground), paint(b, theme.ColorNamePlaceHolder)
	}
	return paint(b, theme.ColorNameInputBackground), paint(b, colorAccentInk)
}

// CreateRenderer implements fyne.Widget.
func (b *badge) CreateRenderer() fyne.WidgetRenderer {
	r := &badgeRenderer{badge: b, disc: canvas.NewCircle(color.Transparent), image: &canvas.Image{}}
	r.image.FillMode = canvas.ImageFillContain
	r.Refresh()
	return r
}

type badgeRenderer struct {
	badge *badge
	disc  *canvas.Circle
	image *canvas.Image
}

func (r *badgeRenderer) Layout(size fyne.Size) {
	r.disc.Resize(size)
	side := size.Width * badgeIcon / badgeSide
	r.image.Resize(fyne.NewSquareSize(side))
	r.image.Move(fyne.NewPos((size.Width-side)/2, (size.Height-side)/2))
}

func (r *badgeRenderer) MinSize() fyne.Size { return fyne.NewSquareSize(badgeSide) }

func (r *badgeRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.disc, r.image}
}

func (r *badgeRenderer) Refresh() {
	ground, stroke := r.badge.colors()
	r.disc.FillColor = ground
	r.disc.Refresh()
	if r.badge.icon != iconNone {
		r.image.Resource = r.badge.icon.resource(stroke, badgeIcon*scaleOf(r.badge))
		r.image.Refresh()
	}
}

func (r *badgeRenderer) Destroy() {}
