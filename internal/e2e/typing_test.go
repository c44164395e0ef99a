package e2e

import (
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestTheNumberIsTypedInTheWindow(t *testing.T) {
	t.Parallel()
	inThemes(t, typeInTheWindow)
}

func typeInTheWindow(t *testing.T, theme string) {
	s, _ := serveTheWorld(t)
	p := newPhone(t)
	p.from(inBerlin)
	w := newWindow(t, s.issuer, t.TempDir(), theme)
	scanned := w.scannedBy(p)
	p.join("Ada")
	p.press("Approve")
	number := p.number()
	asking := w.turn(scanned)
	w.keep("verifying-"+theme, asking)
	if alarms(asking) {
		t.Error("the window speaks of a wrong number before there was any")
	}

	w.enter(otherThan(number))
	p.see("A wrong number was typed on ALICE-PC. 2 tries left.")
	until(t, "the window says that it was a wrong one", func() bool { return alarms(w.picture()) })
	wrong := w.turn(asking)
	w.keep("verifying-wrong-"+theme, wrong)

	w.enter(number)
	if n := len(w.film(wrong)); n < 2 {
		t.Errorf("the window showed %d screens after the right number, want a welcome and the app", n)
	}
	p.see("You're signed in on ALICE-PC")
	until(t, "the log tells that the window has asked who is signed in", func() bool {
		return strings.Contains(s.log(), `route="GET /userinfo" status=200`)
	})
}

// enter types a text into the window.
func (w *window) enter(text string) {
	w.t.Helper()
	for _, key := range text {
		w.press(string(key))
	}
}

// alarms reports whether something on the screen is in red.
func alarms(img *image.RGBA) bool {
	const much = 90 // by which red exceeds the other colours
	n := 0
	for i := 0; i < len(img.Pix); i += 4 {
		if r, g, b := int(img.Pix[i]), int(img.Pix[i+1]), int(img.Pix[i+2]); r-g > much && r-b > much {
			n++
		}
	}
	return n > 100 // the frame of a box has more
}

func TestTheNumberIsTypedInTheTerminal(t *testing.T) {
	s, _ := serveTheWorld(t)
	p := newPhone(t)
	p.from(inBerlin)
	app, keys := attended(t, s.issuer)
	p.approve(app.line("link: "))
	number := p.number()
	app.line("Type the number that your phone shows")
	fmt.Fprintln(keys, otherThan(number))
	app.line("That's not the number. 2 tries left.")
	p.see("A wrong number was typed on ALICE-PC. 2 tries left.")
	fmt.Fprintln(keys, number)
	app.line("signed in as Ada")
	if code := app.exit(); code != 0 {
		t.Errorf("the demo ended with %d, want 0", code)
	}
	p.see("You're signed in on ALICE-PC")
}

// attended runs the demo app in a terminal at which somebody types.
func attended(t *testing.T, issuer string) (app *process, keys io.Writer) {
	t.Helper()
	home := t.TempDir()
	pipe := filepath.Join(home, "keys")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(pipe, os.O_RDWR, 0) // which waits for no reader
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	env := []string{"DISPLAY=", "WAYLAND_DISPLAY=", "HOME=" + home, "XDG_CONFIG_HOME=" + home, "DBUS_SESSION_BUS_ADDRESS=", "KEYS=" + pipe}
	return spawn(t, env, "/bin/sh", "-c", `exec "$0" "$@" <"$KEYS"`, binary("desktopdemo"),
		"--issuer", issuer, "--terminal", "--store", "file", "--device-name", "ALICE-PC"), file
}
