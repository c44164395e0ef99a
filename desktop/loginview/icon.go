package loginview

import (
	"fmt"
	"image/color"

	"fyne.io/fyne/v2"
)

// icon is one of the view's drawings, in the strokes of the phone's pages.
type icon string

const (
	iconNone   icon = ""
	iconPhone  icon = `<rect x="7" y="3" width="10" height="18" rx="2.5" ry="2.5"/><path d="M11 18H13"/>`
	iconScreen icon = `<rect x="3" y="4.5" width="18" height="12" rx="2" ry="2"/><path d="M9 20H15M12 16.5V20"/>`
	iconCheck  icon = `<path d="M5 12.5L9.6 17.1L19 7.5"/>`
	iconCross  icon = `<path d="M6.5 6.5L17.5 17.5M17.5 6.5L6.5 17.5"/>`
	iconClock  icon = `<circle cx="12" cy="12" r="8.5"/><path d="M12 7.5V12L15 14"/>`
	iconCloud  icon = `<path d="M7 18.5H16.5A4 4 0 0 0 17.2 10.6A5.5 5.5 0 0 0 6.6 9.6A4.5 4.5 0 0 0 7 18.5"/><path d="M4 4L20 21"/>`
	iconNotice icon = `<path d="M12 4.5L21 19.5H3L12 4.5M12 10.5V14.5M12 17V17.1"/>`
)

// resource is the icon in one colour, for a side in pixels: Fyne's SVG renderer
// scales shapes but not the width of their strokes. The name tells all of it,
// because Fyne keeps what it has drawn by name.
func (i icon) resource(c color.Color, pixels float32) fyne.Resource {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	hex := fmt.Sprintf("#%02x%02x%02x", n.R, n.G, n.B)
	width := fmt.Sprintf("%.1f", pixels*strokeWidth/gridSide)
	svg := `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24" height="24">` +
		`<g fill="none" stroke="` + hex + `" stroke-width="` + width + `" stroke-linecap="round" stroke-linejoin="round">` +
		string(i) + `</g></svg>`
	return fyne.NewStaticResource(fmt.Sprintf("loginview-%x-%s-%s.svg", svgSum(string(i)), hex[1:], width), []byte(svg))
}

// The icons are drawn on a grid of 24 by 24, with a stroke of 2.
const (
	gridSide    = 24
	strokeWidth = 2
)

// scaleOf is how many pixels a unit of length has where the object is shown.
func scaleOf(o fyne.CanvasObject) float32 {
	c := fyne.CurrentApp().Driver().CanvasForObject(o)
	if c == nil || c.Scale() <= 0 {
		return 1
	}
	return c.Scale()
}

// svgSum tells drawings apart.
func svgSum(s string) uint32 {
	sum := uint32(2166136261) // FNV-1a
	for i := range len(s) {
		sum = (sum ^ uint32(s[i])) * 16777619
	}
	return sum
}
