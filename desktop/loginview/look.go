package loginview

import (
	"image/color"
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// Colours that Fyne has no name for.
const (
	colorCard      fyne.ThemeColorName = "loginview.card"
	colorGoodTint  fyne.ThemeColorName = "loginview.goodTint"
	colorBadTint   fyne.ThemeColorName = "loginview.badTint"
	colorWarnTint  fyne.ThemeColorName = "loginview.warnTint"
	colorAccentInk fyne.ThemeColorName = "loginview.accentInk" // the accent as a colour of text and icons
)

// Sizes of text: 15, 17, 22 and 28.
const (
	sizeSmall = theme.SizeNameCaptionText
	sizeText  = theme.SizeNameText
	sizeTitle = theme.SizeNameSubHeadingText
	sizeHuge  = theme.SizeNameHeadingText
)

// Theme is the look of the phone's pages as a Fyne theme, for apps whose own
// screens are to match the view. Without an accent it has that of the pages. The
// view has this look whatever the theme of the app.
func Theme(accent color.Color) fyne.Theme { return newLook(accent) }

// look is the tokens of the phone's stylesheet under Fyne's names.
type look struct {
	accent color.NRGBA
}

var _ fyne.Theme = look{}

// defaultAccent is the product's own blue.
func defaultAccent() color.NRGBA { return rgb(0x3056d3) }

func newLook(accent color.Color) look {
	if accent == nil {
		return look{defaultAccent()}
	}
	c := color.NRGBAModel.Convert(accent).(color.NRGBA)
	c.A = 0xff
	return look{c}
}

// inApp is the look inside of an app. The app's theme gives the font, and says by
// the colour of its background whether it is light or dark: an app may hold to
// one of them whatever the settings say.
type inApp struct{ look }

var _ fyne.Theme = inApp{}

// Color implements fyne.Theme.
func (a inApp) Color(name fyne.ThemeColorName, _ fyne.ThemeVariant) color.Color {
	app := fyne.CurrentApp().Settings()
	ground := app.Theme().Color(theme.ColorNameBackground, app.ThemeVariant())
	if luminance(color.NRGBAModel.Convert(ground).(color.NRGBA)) < midLuminance {
		return a.look.Color(name, theme.VariantDark)
	}
	return a.look.Color(name, theme.VariantLight)
}

// Font implements fyne.Theme.
func (inApp) Font(style fyne.TextStyle) fyne.Resource {
	return fyne.CurrentApp().Settings().Theme().Font(style)
}

// Size implements fyne.Theme: the view's layout makes all the room itself.
func (a inApp) Size(name fyne.ThemeSizeName) float32 {
	if name == theme.SizeNameInnerPadding {
		return 0
	}
	return a.look.Size(name)
}

// token is a colour in light and in dark.
type token struct{ light, dark uint32 }

func (t token) in(variant fyne.ThemeVariant) color.NRGBA {
	if variant == theme.VariantDark {
		return rgb(t.dark)
	}
	return rgb(t.light)
}

func tokenOf(name fyne.ThemeColorName) (token, bool) {
	switch name {
	case theme.ColorNameBackground:
		return token{0xf3f4f8, 0x0d0f14}, true
	case colorCard, theme.ColorNameOverlayBackground, theme.ColorNameMenuBackground:
		return token{0xffffff, 0x171a21}, true
	case theme.ColorNameInputBackground:
		return token{0xf3f4f8, 0x20242d}, true
	case theme.ColorNameButton: // an app's own may stand on the page, which is as light as a field
		return token{0xdfe2ea, 0x2b303b}, true
	case theme.ColorNameForeground:
		return token{0x14171f, 0xeef0f5}, true
	case theme.ColorNamePlaceHolder, theme.ColorNameDisabled: // a label of low importance takes the latter
		return token{0x565d6e, 0xa4abba}, true
	case theme.ColorNameSeparator:
		return token{0xdfe2ea, 0x2b303b}, true
	case theme.ColorNameInputBorder:
		return token{0x868c9c, 0x727a8b}, true
	case theme.ColorNameSuccess:
		return token{0x12703f, 0x5fd39a}, true
	case colorGoodTint:
		return token{0xe2f4ea, 0x12301f}, true
	case theme.ColorNameError:
		return token{0xb3261e, 0xff9a92}, true
	case colorBadTint:
		return token{0xfce9e7, 0x3a1917}, true
	case theme.ColorNameWarning:
		return token{0x7a4a00, 0xffcf70}, true
	case colorWarnTint:
		return token{0xfff1d2, 0x35290c}, true
	}
	return token{}, false
}

// Color implements fyne.Theme.
func (l look) Color(name fyne.ThemeColorName, variant fyne.ThemeVariant) color.Color {
	if t, ok := tokenOf(name); ok {
		return t.in(variant)
	}
	switch name {
	case theme.ColorNamePrimary:
		return l.accent
	case theme.ColorNameForegroundOnPrimary:
		return textOn(l.accent)
	case colorAccentInk, theme.ColorNameHyperlink, theme.ColorNameFocus:
		return legible(l.accent, variant)
	case theme.ColorNameSelection:
		c := legible(l.accent, variant)
		c.A = 0x40
		return c
	}
	return theme.DefaultTheme().Color(name, variant)
}

// Font implements fyne.Theme.
func (look) Font(style fyne.TextStyle) fyne.Resource { return theme.DefaultTheme().Font(style) }

// Icon implements fyne.Theme.
func (look) Icon(name fyne.ThemeIconName) fyne.Resource { return theme.DefaultTheme().Icon(name) }

// Size implements fyne.Theme.
func (look) Size(name fyne.ThemeSizeName) float32 {
	switch name {
	case sizeSmall:
		return 15
	case sizeText:
		return 17
	case sizeTitle:
		return 22
	case sizeHuge:
		return 28
	case theme.SizeNameInnerPadding:
		return 12
	case theme.SizeNameInputRadius, theme.SizeNameSelectionRadius:
		return 12
	}
	return theme.DefaultTheme().Size(name)
}

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xff}
}

// midLuminance has the same contrast to black as to white.
const midLuminance = 0.179

// textContrast is what WCAG 2.2 AA asks of text (1.4.3).
const textContrast = 4.5

// textOn is the better of black and white on a ground.
func textOn(ground color.NRGBA) color.NRGBA {
	white, black := rgb(0xffffff), rgb(0)
	if contrast(white, ground) >= contrast(black, ground) {
		return white
	}
	return black
}

// legible moves the accent towards white or black until it can be read on the
// card and on the page.
func legible(accent color.NRGBA, variant fyne.ThemeVariant) color.NRGBA {
	pole := rgb(0)
	if variant == theme.VariantDark {
		pole = rgb(0xffffff)
	}
	const steps = 20
	for i := range steps {
		c := mix(accent, pole, float64(i)/steps)
		if contrast(c, token{0xf3f4f8, 0x0d0f14}.in(variant)) >= textContrast &&
			contrast(c, token{0xffffff, 0x171a21}.in(variant)) >= textContrast {
			return c
		}
	}
	return pole
}

func mix(a, b color.NRGBA, part float64) color.NRGBA {
	blend := func(x, y uint8) uint8 { return uint8(math.Round(float64(x)*(1-part) + float64(y)*part)) }
	return color.NRGBA{R: blend(a.R, b.R), G: blend(a.G, b.G), B: blend(a.B, b.B), A: 0xff}
}

// luminance is WCAG's relative luminance.
func luminance(c color.NRGBA) float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

// contrast is WCAG's ratio, from 1 to 21.
func contrast(a, b color.NRGBA) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// paint is the colour of a name for a widget, in the variant of the moment.
func paint(w interface{ Theme() fyne.Theme }, name fyne.ThemeColorName) color.Color {
	return w.Theme().Color(name, fyne.CurrentApp().Settings().ThemeVariant())
}
