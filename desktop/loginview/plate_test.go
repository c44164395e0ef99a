package loginview

import (
	"fmt"
	"image"
	"image/color"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/qrauthd/qrauthd/desktop"
)

// decode reads a picture with a decoder that has nothing to do with the encoder.
func decode(t *testing.T, img image.Image) (text, correction string) {
	t.Helper()
	bits, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
	res, err := qrcode.NewQRCodeReader().Decode(bits, hints)
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	level, _ := res.GetResultMetadata()[gozxing.ResultMetadataType_ERROR_CORRECTION_LEVEL].(string)
	return res.GetText(), level
}

func nrgba(c any) color.NRGBA { return color.NRGBAModel.Convert(c.(color.Color)).(color.NRGBA) }

// onScreen is where the code is in a captured picture.
func (r *rig) onScreen() image.Rectangle {
	scale := r.window.Canvas().Scale()
	modules := test.WidgetRenderer(r.view.body.plate).(*plateRenderer).modules
	at := fyne.CurrentApp().Driver().AbsolutePositionForObject(modules)
	inset, _ := r.window.Canvas().InteractiveArea()
	at = at.Add(inset)
	px := func(v float32) int { return int(v*scale + 0.5) }
	return image.Rect(px(at.X), px(at.Y), px(at.X)+px(modules.Size().Width), px(at.Y)+px(modules.Size().Height))
}

func TestCodeIsCrispAndDecodes(t *testing.T) {
	for variant, theme := range map[fyne.ThemeVariant]string{theme.VariantLight: "light", theme.VariantDark: "dark"} {
		for _, scale := range []float32{0.8, 1, 1.5, 2} {
			t.Run(fmt.Sprintf("%s at %v", theme, scale), func(t *testing.T) {
				r := newRig(t)
				r.window.Canvas().(test.WindowlessCanvas).SetScale(scale)
				r.theme(variant)
				r.tell(r.begin(), waiting())
				img := r.capture()
				text, level := decode(t, img)
				if text != waiting().VerificationURIComplete || level != "M" {
					t.Errorf("the picture holds %q with correction %q", text, level)
				}
				checkModules(t, img, r.onScreen(), r.view.body.plate.code)
			})
		}
	}
}

// checkModules wants each module to be a square of whole pixels in one of two
// colours, at least three pixels wide. The corners of the quiet zone are round.
func checkModules(t *testing.T, img image.Image, at image.Rectangle, code desktop.QR) {
	t.Helper()
	n := code.Size()
	if at.Dx()%n != 0 || at.Dx() != at.Dy() {
		t.Fatalf("%v pixels are no whole number for each of %d modules", at.Size(), n)
	}
	side := at.Dx() / n
	if side < minModule {
		t.Errorf("a module has %d pixels", side)
	}
	const round = 3 // modules of the quiet zone that the corners reach into
	wrong := func(shift image.Point) bool {
		for y := round * side; y < at.Dy()-round*side; y++ {
			for x := round * side; x < at.Dx()-round*side; x++ {
				want := color.NRGBA{0xff, 0xff, 0xff, 0xff}
				if code.Dark(x/side, y/side) {
					want = color.NRGBA{A: 0xff}
				}
				if p := at.Min.Add(shift); nrgba(img.At(p.X+x, p.Y+y)) != want {
					return true
				}
			}
		}
		return false
	}
	for _, shift := range []image.Point{{0, 0}, {0, 1}, {1, 0}, {1, 1}, {-1, 0}, {0, -1}, {-1, -1}, {1, -1}, {-1, 1}} {
		if !wrong(shift) { // half a pixel may have been rounded either way
			return
		}
	}
	t.Error("there are pixels that differ from their module")
}

func TestFadedCode(t *testing.T) {
	r := newRig(t)
	r.tell(r.begin(), in(desktop.StateScanned))
	img, at := r.capture(), r.onScreen()
	side := at.Dx() / r.view.body.plate.code.Size()
	corner := nrgba(img.At(at.Min.X+4*side+1, at.Min.Y+4*side+1)) // of a finder pattern
	want := alpha(1 - fadedTo)
	if corner.R < want-2 || corner.R > want+2 {
		t.Errorf("a dark module is %v on white, want 15 %% of black", corner)
	}
}

func TestLongLinkGetsEnoughPixels(t *testing.T) {
	r := newRig(t)
	long := "https://login.acme.example/device?user_code=WDJB-MJHT&x=" + strings.Repeat("y", 1200)
	r.tell(r.begin(), with(func(u *desktop.Update) { u.VerificationURIComplete = long }))
	r.window.Resize(r.view.MinSize())
	p := r.view.body.plate
	if p.code.Size() == 0 {
		t.Fatal("there is no code")
	}
	if got := int(p.Size().Width) / p.code.Size(); got < minModule {
		t.Errorf("a module has %d pixels in a window of the least size", got)
	}
}

func TestLinkTooLongForACodeLeavesTheText(t *testing.T) {
	r := newRig(t)
	long := "https://login.acme.example/device?x=" + strings.Repeat("y", 4000)
	r.tell(r.begin(), with(func(u *desktop.Update) { u.VerificationURIComplete = long }))
	if got := r.texts(); !slices.Contains(got, "WDJB-MJHT") {
		t.Errorf("got texts %q", got)
	}
	r.capture()
}
