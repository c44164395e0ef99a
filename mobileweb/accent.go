package mobileweb

import (
	"fmt"
	"math"
	"strconv"
)

// defaultAccent is the product's own blue.
const defaultAccent = "#3056d3"

// The contrast that WCAG 2.2 AA asks of text (1.4.3) and of the shape of a control (1.4.11).
const (
	textContrast  = 4.5
	shapeContrast = 3.0
)

type colour struct{ r, g, b uint8 }

var (
	black = colour{}
	white = colour{255, 255, 255}

	// What an accent is seen against; the same values as --page and --card in style.css.
	lightSurfaces = []colour{{0xf3, 0xf4, 0xf8}, {0xff, 0xff, 0xff}}
	darkSurfaces  = []colour{{0x0d, 0x0f, 0x14}, {0x17, 0x1a, 0x21}}
)

// parseColour reads #rrggbb.
func parseColour(text string) (colour, error) {
	if len(text) != 7 || text[0] != '#' {
		return colour{}, fmt.Errorf("colour %q is not of the form #rrggbb", text)
	}
	n, err := strconv.ParseUint(text[1:], 16, 32)
	if err != nil {
		return colour{}, fmt.Errorf("colour %q is not of the form #rrggbb", text)
	}
	return colour{uint8(n >> 16), uint8(n >> 8), uint8(n)}, nil
}

func (c colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c.r, c.g, c.b) }

// luminance is WCAG's relative luminance.
func (c colour) luminance() float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}

// contrast is WCAG's ratio, from 1 to 21.
func contrast(a, b colour) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// mix goes from a to b by part, from 0 to 1.
func mix(a, b colour, part float64) colour {
	blend := func(x, y uint8) uint8 { return uint8(math.Round(float64(x) + (float64(y)-float64(x))*part)) }
	return colour{blend(a.r, b.r), blend(a.g, b.g), blend(a.b, b.b)}
}

// textOn is black or white, whichever reads better; the better one always has more than 4.5.
func textOn(c colour) colour {
	if contrast(c, white) >= contrast(c, black) {
		return white
	}
	return black
}

// legible moves c towards the pole just far enough to reach the ratio on every surface.
func legible(c, pole colour, ratio float64, surfaces []colour) colour {
	for step := range 21 {
		moved := mix(c, pole, float64(step)/20)
		if enough(moved, ratio, surfaces) {
			return moved
		}
	}
	return pole
}

func enough(c colour, ratio float64, surfaces []colour) bool {
	for _, s := range surfaces {
		if contrast(c, s) < ratio {
			return false
		}
	}
	return true
}

// accentStyle is the part of the stylesheet that the operator's accent decides: the fill of the main button, the
// text on it, its edge (for an accent that is hardly seen on the card), and the accent as a colour of text.
func accentStyle(accent colour) string {
	theme := func(pole colour, surfaces []colour) string {
		return fmt.Sprintf("--accent:%s;--on-accent:%s;--accent-edge:%s;--accent-ink:%s", accent, textOn(accent),
			legible(accent, pole, shapeContrast, surfaces), legible(accent, pole, textContrast, surfaces))
	}
	return fmt.Sprintf(":root{%s}\n@media (prefers-color-scheme:dark){:root{%s}}\n",
		theme(black, lightSurfaces), theme(white, darkSurfaces))
}
