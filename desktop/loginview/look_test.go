package loginview

import (
	"image/color"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
)

func TestLookFollowsTheApp(t *testing.T) {
	for variant, want := range map[fyne.ThemeVariant]uint32{theme.VariantLight: 0xffffff, theme.VariantDark: 0x171a21} {
		r := newRig(t)
		r.theme(variant)
		r.tell(r.begin(), waiting())
		card := test.WidgetRenderer(r.view.body).(*bodyRenderer).card
		if card.FillColor != rgb(want) {
			t.Errorf("variant %d: the card is %v, want %v", variant, card.FillColor, rgb(want))
		}
	}
}

func TestTextCanBeRead(t *testing.T) {
	for _, accent := range []uint32{0x3056d3, 0xffd400, 0x000000, 0xffffff, 0x777777} {
		r := newRig(t)
		l := newLook(rgb(accent))
		for _, variant := range []fyne.ThemeVariant{theme.VariantLight, theme.VariantDark} {
			r.theme(variant)
			color := func(name fyne.ThemeColorName) [2]any { return [2]any{name, l.Color(name, variant)} }
			for _, pair := range [][2][2]any{
				{color(theme.ColorNameForeground), color(colorCard)},
				{color(theme.ColorNamePlaceHolder), color(colorCard)},
				{color(theme.ColorNamePlaceHolder), color(theme.ColorNameInputBackground)},
				{color(theme.ColorNameForeground), color(theme.ColorNameInputBackground)},
				{color(theme.ColorNameForeground), color(theme.ColorNameButton)},
				{color(theme.ColorNameWarning), color(colorWarnTint)},
				{color(theme.ColorNameForegroundOnPrimary), color(theme.ColorNamePrimary)},
				{color(colorAccentInk), color(colorCard)},
			} {
				if got := contrast(nrgba(pair[0][1]), nrgba(pair[1][1])); got < textContrast {
					t.Errorf("accent %06x, variant %d: %v on %v has a contrast of %.1f", accent, variant, pair[0][0], pair[1][0], got)
				}
			}
		}
	}
}

func TestControlsCanBeSeen(t *testing.T) {
	const shapeContrast = 3 // what WCAG 2.2 AA asks of the shape of a control (1.4.11)
	l := newLook(nil)
	for _, variant := range []fyne.ThemeVariant{theme.VariantLight, theme.VariantDark} {
		of := func(name fyne.ThemeColorName) color.NRGBA { return nrgba(l.Color(name, variant)) }
		for _, ground := range []fyne.ThemeColorName{colorCard, theme.ColorNameBackground} {
			if got := contrast(of(theme.ColorNameInputBorder), of(ground)); got < shapeContrast {
				t.Errorf("variant %d: the edge of a field on %v has a contrast of %.2f, want %d", variant, ground, got, shapeContrast)
			}
			if of(theme.ColorNameButton) == of(ground) {
				t.Errorf("variant %d: a button has the colour of %v", variant, ground)
			}
		}
	}
}
