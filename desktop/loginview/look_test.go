package loginview

import (
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
