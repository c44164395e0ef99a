package e2e

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
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
	x := exec.Command(path, "-displayfd", "3", "-screen", "0", "900x1000x24", "-nolisten", "tcp")
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
		"FYNE_THEME=" + theme, "LIBGL_ALWAYS_SOFTWARE=1",
	}
	p := spawn(t, env, binary("desktopdemo"),
		append([]string{"--issuer", issuer, "--store", "file", "--device-name", "ALICE-PC"}, args...)...)
	return &window{p, d}
}

func (w *window) shoot(name string) {
	w.t.Helper()
	dir := os.Getenv("QRAUTHD_SCREENSHOTS")
	if dir == "" {
		return
	}
	file := filepath.Join(dir, "desktop-"+name+".png")
	out, err := exec.Command("import", "-display", w.display, "-window", "root", "-trim", file).CombinedOutput()
	if err != nil {
		w.t.Fatalf("screenshot: %v\n%s", err, out)
	}
}
