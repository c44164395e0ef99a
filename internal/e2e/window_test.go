package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// display starts an X server of its own for the test.
func display(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("Xvfb")
	if err != nil {
		t.Fatalf("a virtual display is needed (`make deps` installs it): %v", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	x := exec.Command(path, "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", empty.Rect.Dx(), empty.Rect.Dy()), "-nolisten", "tcp")
	x.ExtraFiles = []*os.File{w}
	if err := x.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		_ = x.Process.Signal(syscall.SIGTERM)
		_ = x.Wait()
		r.Close()
	})
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb names no display: %v", err)
	}
	return ":" + strings.TrimSpace(number)
}

// window runs the demo app in a window.
type window struct {
	*process
	display string
}

func newWindow(t *testing.T, issuer, home, theme string, args ...string) *window {
	t.Helper()
	d := display(t)
	env := []string{
		"DISPLAY=" + d, "WAYLAND_DISPLAY=", "HOME=" + home, "XDG_CONFIG_HOME=" + home, "DBUS_SESSION_BUS_ADDRESS=",
		"FYNE_THEME=" + theme, "LIBGL_ALWAYS_SOFTWARE=1", "PATH=" + filepath.Join(home, "bin") + ":" + os.Getenv("PATH"),
	}
	p := spawn(t, env, binary("desktopdemo"),
		append([]string{"--issuer", issuer, "--store", "file", "--device-name", "ALICE-PC"}, args...)...)
	return &window{p, d}
}

// picture is what the screen shows now.
func (w *window) picture() *image.RGBA {
	w.t.Helper()
	out, err := exec.Command("import", "-display", w.display, "-window", "root", "png:-").Output()
	if err != nil {
		w.t.Fatalf("screenshot: %v", err)
	}
	img, err := png.Decode(bytes.NewReader(out))
	if err != nil {
		w.t.Fatal(err)
	}
	// Whatever the file's colours are (an empty screen is grey), compare like with like.
	same := image.NewRGBA(img.Bounds())
	draw.Draw(same, same.Rect, img, image.Point{}, draw.Src)
	return same
}

// scan reads the QR code on the screen, as a phone's camera does. The reader fails
// on about one code of a thousand in one position, and a hand is never that still.
func scan(img image.Image) (string, bool) {
	for range 2 {
		if text, ok := read(img); ok {
			return text, true
		}
		img = turned(img)
	}
	return "", false
}

func read(img image.Image) (string, bool) {
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", false
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return "", false
	}
	return result.GetText(), true
}

// turned is the picture, turned by a quarter.
func turned(img image.Image) image.Image {
	size := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, size.Dy(), size.Dx()))
	for y := range size.Dy() {
		for x := range size.Dx() {
			out.Set(size.Dy()-1-y, x, img.At(size.Min.X+x, size.Min.Y+y))
		}
	}
	return out
}

// link waits for a QR code on the screen and reads it.
func (w *window) link() (address string) {
	w.t.Helper()
	until(w.t, "there is a QR code on the screen", func() (ok bool) {
		address, ok = scan(w.picture())
		return ok
	})
	return address
}

// scannedBy has the phone open the sign-in, and returns the screen after that.
func (w *window) scannedBy(p *phone) *image.RGBA {
	w.t.Helper()
	link := w.link()
	waiting := w.picture()
	p.open(link)
	return w.turn(waiting)
}

// turn waits until the screen shows something else than before and has come to
// rest, and returns it.
func (w *window) turn(before *image.RGBA) (now *image.RGBA) {
	w.t.Helper()
	last := before
	until(w.t, "the window shows another screen", func() bool {
		now = w.picture()
		rests := differs(last, now) < 0.0005 // the countdown goes on
		last = now
		return rests && differs(before, now) > anotherScreen
	})
	return now
}

// anotherScreen is the share of pixels that differ when more than the countdown does.
const anotherScreen = 0.002

// empty is a screen with nothing on it.
var empty = func() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 900, 1000))
	draw.Draw(img, img.Rect, image.Black, image.Point{}, draw.Src)
	return img
}()

// film watches the window go from screen to screen until it has been at rest for
// longer than any of them lasts, and returns each.
func (w *window) film(before *image.RGBA) (screens []*image.RGBA) {
	w.t.Helper()
	const atRest = 4 * time.Second // the welcome lasts one and a half
	changed := time.Now()
	last := before
	until(w.t, "the window comes to rest on another screen", func() bool {
		now := w.picture()
		if differs(last, now) > anotherScreen {
			screens, changed = append(screens, now), time.Now()
		}
		last = now
		return len(screens) > 0 && time.Since(changed) > atRest
	})
	return screens
}

// differs is the share of the second picture's pixels that differ from the first's.
func differs(a, b *image.RGBA) float64 {
	n := 0
	for i := 0; i < len(b.Pix); i += 4 {
		if i+4 > len(a.Pix) || [4]byte(a.Pix[i:i+4]) != [4]byte(b.Pix[i:i+4]) {
			n++
		}
	}
	return float64(n) / float64(len(b.Pix)/4)
}

// keep saves the picture of a state, where the run collects them.
func (w *window) keep(name string, img image.Image) {
	w.t.Helper()
	dir := os.Getenv("E2E_SCREENSHOTS")
	if dir == "" {
		return
	}
	f, err := os.Create(filepath.Join(dir, "desktop-"+name+".png"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, crop(img)); err != nil {
		w.t.Fatal(err)
	}
}

// keepWelcome wants the welcome and the app that follows it, and saves both. The
// welcome lasts a second and a half: film it from the approval on.
func (w *window) keepWelcome(theme string, screens []*image.RGBA) {
	w.t.Helper()
	last := len(screens) - 1
	if last < 1 {
		w.t.Fatalf("the window showed %d screens after the approval, want a welcome and the app", len(screens))
	}
	w.keep("welcome-"+theme, screens[last-1])
	w.keep("app-"+theme, screens[last])
}

// crop leaves the empty screen around the window out.
func crop(img image.Image) image.Image {
	black := color.RGBA{A: 255}
	box := image.Rectangle{}
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			if color.RGBAModel.Convert(img.At(x, y)) != black {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	out := image.NewRGBA(box)
	draw.Draw(out, box, img, box.Min, draw.Src)
	return out
}

func TestTheWindowSignsInAndTheNextStartIsSilent(t *testing.T) {
	t.Parallel()
	s := serve(t)
	home := t.TempDir()
	w := newWindow(t, s.issuer, home, "light")
	link := w.link()
	if !strings.HasPrefix(link, s.issuer+"/device?user_code=") {
		t.Fatalf("the QR code says %q", link)
	}
	waiting := w.picture()
	w.keep("waiting-light", waiting)
	p := newPhone(t)
	p.open(link)
	scanned := w.turn(waiting)
	if _, still := scan(scanned); still {
		t.Error("the QR code has not faded after the scan")
	}
	w.keep("scanned-light", scanned)
	p.join("Ada")
	p.press("Approve")
	w.keepWelcome("light", w.film(scanned))
	p.see("You're signed in on ALICE-PC")
	until(t, "the session is kept", func() bool { return kept(t, home) })
	w.signal(syscall.SIGTERM)
	w.exit()

	again := newWindow(t, s.issuer, home, "light")
	until(t, "the kept session signs in", func() bool {
		return strings.Count(s.log(), `route="GET /userinfo" status=200`) >= 3
	})
	until(t, "the window is drawn", func() bool { return differs(empty, again.picture()) > 0.1 })
	if _, asked := scan(again.picture()); asked {
		t.Error("the next start shows a QR code")
	}
}

// kept reports whether some file of the demo's is in its home.
func kept(t *testing.T, home string) bool {
	found := false
	err := filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(path, "desktopdemo") && !strings.Contains(path, "fyne") {
			found = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestTheWindowInTheDark(t *testing.T) {
	t.Parallel()
	s := serve(t)
	w := newWindow(t, s.issuer, t.TempDir(), "dark")
	link := w.link() // dark on white in the dark theme too
	waiting := w.picture()
	w.keep("waiting-dark", waiting)
	p := newPhone(t)
	p.open(link)
	scanned := w.turn(waiting)
	w.keep("scanned-dark", scanned)
	p.join("Ada")
	p.press("Approve")
	w.keepWelcome("dark", w.film(scanned))
}

func TestTheWindowWhenItEndsBadly(t *testing.T) {
	t.Parallel()
	inThemes(t, endBadly)
}

// inThemes runs a test of the window in the light, and where the run collects
// pictures in the dark too: nothing but the picture is another there.
func inThemes(t *testing.T, test func(t *testing.T, theme string)) {
	t.Run("in the light", func(t *testing.T) { test(t, "light") })
	if os.Getenv("E2E_SCREENSHOTS") != "" {
		t.Run("in the dark", func(t *testing.T) { test(t, "dark") })
	}
}

func endBadly(t *testing.T, theme string) {
	t.Run("denied, and Return tries again", func(t *testing.T) {
		s := serve(t)
		w := newWindow(t, s.issuer, t.TempDir(), theme)
		link := w.link()
		p := newPhone(t)
		waiting := w.picture()
		p.open(link)
		scanned := w.turn(waiting)
		p.press("Deny")
		denied := w.turn(scanned)
		w.keep("denied-"+theme, denied)
		w.leave(denied, "Return")
		if again := w.link(); again == link {
			t.Error("trying again shows the old code")
		}
	})
	t.Run("expired, and Return shows a new code", func(t *testing.T) {
		s := serve(t)
		addBrief(t, s)
		w := newWindow(t, s.issuer, t.TempDir(), theme, "--client-id", "brief")
		link := w.link()
		until(t, "the code is veiled", func() bool { _, shown := scan(w.picture()); return !shown })
		expired := w.turn(empty)
		w.keep("expired-"+theme, expired)
		w.leave(expired, "Return")
		if again := w.link(); again == link {
			t.Error("the new code is the old one")
		}
	})
	t.Run("offline", func(t *testing.T) {
		s := serve(t)
		w := newWindow(t, s.issuer, t.TempDir(), theme)
		w.link()
		waiting := w.picture()
		s.kill()
		w.keep("offline-"+theme, w.turn(waiting))
		w.link() // the code stays: the phone may reach the server
	})
	t.Run("unreachable", func(t *testing.T) {
		w := newWindow(t, "http://localhost:1", t.TempDir(), theme)
		screens := w.film(empty) // the app has one of its own until it knows
		unreachable := screens[len(screens)-1]
		w.keep("unreachable-"+theme, unreachable)
		if _, shown := scan(unreachable); shown {
			t.Error("there is a QR code of a server that cannot be reached")
		}
	})
}

// TestTheWindowSignsInWithThisComputersBrowser: the button beside the QR code opens
// the browser, and the window waits for it.
func TestTheWindowSignsInWithThisComputersBrowser(t *testing.T) {
	t.Parallel()
	inThemes(t, signInInTheBrowser)
}

func signInInTheBrowser(t *testing.T, theme string) {
	s := serve(t)
	browser := newFakeBrowser(t)
	w := newWindow(t, s.issuer, browser.home, theme)
	w.link()
	waiting := w.picture()
	var link []byte
	until(t, "the keyboard reaches the button, and the browser is opened", func() bool {
		w.press("Tab")
		w.press("Return")
		link, _ = os.ReadFile(browser.opened)
		return len(link) > 0
	})
	inBrowser := w.turn(waiting)
	if _, shown := scan(inBrowser); shown {
		t.Error("the window still shows a QR code")
	}
	w.keep("in-browser-"+theme, inBrowser)
	p := newPhone(t)
	p.open(strings.TrimSpace(string(link)))
	p.join("Ada")
	p.press("Approve")
	w.turn(inBrowser)
	until(t, "the desktop is signed in", func() bool {
		return strings.Contains(s.log(), `route="GET /userinfo" status=200`)
	})
}

// fakeBrowser takes the place of the system's browser.
type fakeBrowser struct {
	home   string // of the app; its bin comes first in the app's PATH
	opened string // the file with the address that it was asked to open
}

func newFakeBrowser(t *testing.T) fakeBrowser {
	t.Helper()
	b := fakeBrowser{home: t.TempDir()}
	b.opened = filepath.Join(b.home, "opened")
	bin := filepath.Join(b.home, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\nprintf '%s' \"$1\" > \"$HOME/new\" && mv \"$HOME/new\" \"$HOME/opened\"\n"
	if err := os.WriteFile(filepath.Join(bin, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return b
}

// leave types a key until the window shows another screen: a button that has just
// become another one cannot be pressed yet.
func (w *window) leave(before *image.RGBA, key string) {
	w.t.Helper()
	until(w.t, key+" leads to another screen", func() bool {
		w.press(key)
		return differs(before, w.picture()) > anotherScreen
	})
}

// press types a key into the window.
func (w *window) press(key string) {
	w.t.Helper()
	cmd := exec.Command("xdotool", "search", "--sync", "--onlyvisible", "--name", "Desktop Demo", "windowfocus", "--sync", "key", key)
	cmd.Env = append(os.Environ(), "DISPLAY="+w.display)
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("xdotool: %v\n%s", err, out)
	}
}
