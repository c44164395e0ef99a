package loginview

import (
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// TestShots writes each screen as a picture to the folder that LOGINVIEW_SHOTS
// names, for eyes.
func TestShots(t *testing.T) {
	dir := os.Getenv("LOGINVIEW_SHOTS")
	if dir == "" {
		t.Skip("set LOGINVIEW_SHOTS to a folder to get pictures of all screens")
	}
	for variant, name := range map[fyne.ThemeVariant]string{theme.VariantLight: "light", theme.VariantDark: "dark"} {
		for _, scene := range scenes {
			r := newRig(t)
			r.theme(variant)
			scene.play(r)
			f, err := os.Create(filepath.Join(dir, scene.name+"-"+name+".png"))
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(f, r.capture()); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
