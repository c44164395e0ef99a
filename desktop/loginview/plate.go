package loginview

import (
	"image"
	"image/color"
	"math"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/qrauthd/qrauthd/desktop"
)

const (
	minModule = 3    // pixels
	usualSize = 41   // modules of a code for a link of 43 to 62 bytes, quiet zone included
	fadedTo   = 0.15 // opacity of a code that is not to be scanned anymore
	fadeTime  = 200 * time.Millisecond
	radius    = 16
)

// plate is the QR code: dark modules on white, in the dark theme too, because
// scanners want it. Each module is a whole number of pixels, at any scale.
type plate struct {
	widget.BaseWidget

	link  string
	code  desktop.QR // of the link; empty for none
	faded bool
}

func newPlate() *plate {
	p := &plate{}
	p.ExtendBaseWidget(p)
	return p
}

// set changes the code in place.
func (p *plate) set(link string, faded bool) {
	if link == p.link && faded == p.faded {
		return
	}
	if link != p.link {
		p.link, p.code = link, desktop.QR{}
		if link != "" {
			// A link too long for any QR code leaves the plate empty: the code in text is there.
			p.code, _ = desktop.NewQR(link)
		}
	}
	p.faded = faded
	p.Refresh()
}

// leastSide is the side below which a module would have too few pixels.
func (p *plate) leastSide() float32 {
	return float32(p.code.Size()*minModule) / scaleOf(p)
}

// CreateRenderer implements fyne.Widget.
func (p *plate) CreateRenderer() fyne.WidgetRenderer {
	r := &plateRenderer{plate: p, ground: canvas.NewRectangle(color.White), opacity: 1}
	r.ground.CornerRadius = radius
	r.modules = canvas.NewRaster(r.draw)
	r.modules.ScaleMode = canvas.ImageScalePixels
	r.opacity = p.opacity()
	r.paint()
	return r
}

func (p *plate) opacity() float64 {
	if p.faded {
		return fadedTo
	}
	return 1
}

type plateRenderer struct {
	plate   *plate
	ground  *canvas.Rectangle
	modules *canvas.Raster
	opacity float64
	fade    *fyne.Animation
}

// Layout gives each module whole pixels and centres what that makes.
func (r *plateRenderer) Layout(size fyne.Size) {
	side := min(size.Width, size.Height)
	n := r.plate.code.Size()
	if n == 0 {
		n = usualSize // so that the plate stays as it is when the code comes
	}
	scale := scaleOf(r.plate)
	pixels := max(1, math.Floor(float64(side*scale)/float64(n)))
	side = float32(pixels) * float32(n) / scale
	at := fyne.NewPos((size.Width-side)/2, (size.Height-side)/2)
	for _, o := range []fyne.CanvasObject{r.ground, r.modules} {
		o.Move(at)
		o.Resize(fyne.NewSquareSize(side))
	}
}

func (r *plateRenderer) MinSize() fyne.Size { return fyne.NewSquareSize(r.plate.leastSide()) }

func (r *plateRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.ground, r.modules}
}

// Refresh fades when the code stops being for scanning, and changes it at once
// otherwise.
func (r *plateRenderer) Refresh() {
	r.stopFade()
	goal := r.plate.opacity()
	if goal < r.opacity && r.plate.Visible() && fyne.CurrentApp().Settings().ShowAnimations() {
		from := r.opacity
		r.fade = fyne.NewAnimation(fadeTime, func(part float32) {
			r.opacity = from + (goal-from)*float64(part)
			r.paint()
		})
		r.fade.Start()
	} else {
		r.opacity = goal
	}
	r.Layout(r.plate.Size())
	r.paint()
}

func (r *plateRenderer) Destroy() { r.stopFade() }

func (r *plateRenderer) stopFade() {
	if r.fade != nil {
		r.fade.Stop()
		r.fade = nil
	}
}

func (r *plateRenderer) paint() {
	white := color.NRGBA{0xff, 0xff, 0xff, alpha(r.opacity)}
	if r.plate.code.Size() == 0 {
		white = color.NRGBAModel.Convert(paint(r.plate, theme.ColorNameInputBackground)).(color.NRGBA)
	}
	r.ground.FillColor = white
	r.ground.StrokeColor, r.ground.StrokeWidth = paint(r.plate, theme.ColorNameSeparator), 1
	r.ground.Refresh()
	r.modules.Refresh()
}

// draw makes the modules for a raster of w by h pixels. What is light stays
// transparent: the ground shows.
func (r *plateRenderer) draw(w, h int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	n := r.plate.code.Size()
	if n == 0 {
		return img
	}
	side := max(1, min(w, h)/n)
	left, top := (w-side*n)/2, (h-side*n)/2
	dark := color.NRGBA{A: alpha(r.opacity)}
	for y := range n {
		for x := range n {
			if r.plate.code.Dark(x, y) {
				fillSquare(img, left+x*side, top+y*side, side, dark)
			}
		}
	}
	return img
}

func fillSquare(img *image.NRGBA, left, top, side int, c color.NRGBA) {
	for y := top; y < top+side; y++ {
		for x := left; x < left+side; x++ {
			img.SetNRGBA(x, y, c)
		}
	}
}

func alpha(opacity float64) uint8 { return uint8(math.Round(opacity * 0xff)) }
