package qr_test

import (
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/qrauthd/qrauthd/internal/qr"
)

var texts = []string{
	"https://login.acme.example/device?user_code=WDJB-MJHT",
	"http://localhost:8080/device?user_code=BCDF-GHJK",
	"x",
	strings.Repeat("https://login.acme.example/tenant/", 12),
}

// raster draws modules as an image, dark on light, some pixels a module.
func raster(size int, dark func(x, y int) bool) image.Image {
	const scale = 4
	img := image.NewGray(image.Rect(0, 0, size*scale, size*scale))
	for y := range size * scale {
		for x := range size * scale {
			img.SetGray(x, y, color.Gray{Y: 255})
			if dark(x/scale, y/scale) {
				img.SetGray(x, y, color.Gray{})
			}
		}
	}
	return img
}

// decode reads an image with a decoder that has nothing to do with the encoder.
func decode(t *testing.T, img image.Image) (text, correction string) {
	t.Helper()
	bits, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	res, err := qrcode.NewQRCodeReader().Decode(bits, nil)
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	level, _ := res.GetResultMetadata()[gozxing.ResultMetadataType_ERROR_CORRECTION_LEVEL].(string)
	return res.GetText(), level
}

func TestWhatIsDrawnDecodes(t *testing.T) {
	for _, text := range texts {
		m := encode(t, text)
		got, level := decode(t, raster(m.Size(), m.Dark))
		if got != text || level != "M" {
			t.Errorf("got %q with correction %q, want %q with M", got, level, text)
		}
	}
}

func TestWhatATerminalShowsDecodes(t *testing.T) {
	for _, text := range texts {
		m := encode(t, text)
		lines := strings.Split(strings.TrimSuffix(m.Terminal(), "\n"), "\n")
		cell := func(x, y int) rune {
			if row := []rune(lines[min(y/2, len(lines)-1)]); x < len(row) {
				return row[x]
			}
			return '█'
		}
		dark := func(x, y int) bool { // light text on a dark ground
			switch cell(x, y) {
			case '█':
				return false
			case '▀':
				return y%2 == 1
			case '▄':
				return y%2 == 0
			}
			return true
		}
		if got, _ := decode(t, raster(m.Size(), dark)); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
		if strings.ContainsRune(m.Terminal(), '\x1b') {
			t.Error("the drawing has control sequences")
		}
	}
}

func TestTheQuietZoneIsLight(t *testing.T) {
	m := encode(t, texts[0])
	for y := range m.Size() {
		for x := range m.Size() {
			inside := min(x, y, m.Size()-1-x, m.Size()-1-y) >= qr.QuietZone
			if m.Dark(x, y) && !inside {
				t.Fatalf("module %d, %d of the quiet zone is dark", x, y)
			}
		}
	}
	if !m.Dark(qr.QuietZone, qr.QuietZone) {
		t.Error("the finder pattern does not begin where the quiet zone ends")
	}
	if m.Dark(-1, 0) || m.Dark(0, m.Size()) {
		t.Error("outside of the square something is dark")
	}
}

func TestATextThatIsTooLongIsAnError(t *testing.T) {
	if _, err := qr.Encode(strings.Repeat("x", 5000)); err == nil {
		t.Error("got no error")
	}
}

func encode(t *testing.T, text string) qr.Matrix {
	t.Helper()
	m, err := qr.Encode(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func ExampleMatrix_Terminal() {
	m, _ := qr.Encode("https://login.acme.example/device")
	drawing := m.Terminal() // print it to a terminal
	_ = drawing
}
