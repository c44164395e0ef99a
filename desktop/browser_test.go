package desktop

import (
	"errors"
	"os/exec"
	"slices"
	"testing"
)

func TestOpener(t *testing.T) {
	display := map[string]string{"DISPLAY": ":0"}
	for name, tc := range map[string]struct {
		goos string
		env  map[string]string
		want []string
	}{
		"Linux":                   {"linux", display, []string{"xdg-open"}},
		"Wayland":                 {"linux", map[string]string{"WAYLAND_DISPLAY": "wayland-0"}, []string{"xdg-open"}},
		"Linux without a display": {"linux", nil, nil},
		"a BSD":                   {"freebsd", display, []string{"xdg-open"}},
		"macOS":                   {"darwin", nil, []string{"open"}},
		"Windows":                 {"windows", nil, []string{"rundll32", "url.dll,FileProtocolHandler"}},
	} {
		t.Run(name, func(t *testing.T) {
			program, args := opener(tc.goos, func(name string) string { return tc.env[name] })
			got := append([]string{program}, args...)
			if program == "" {
				got = nil
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestOpenBrowserOpensPagesOnly(t *testing.T) {
	for _, link := range []string{"", "file:///etc/passwd", "javascript:alert(1)", "--help", "http://login.example.com/", "calc.exe", "https:opaque"} {
		if err := OpenBrowser(link); !errors.Is(err, ErrNoBrowser) {
			t.Errorf("%q: got %v, want ErrNoBrowser", link, err)
		}
	}
}

func TestLaunchSaysWhenThereIsNoBrowser(t *testing.T) {
	for name, tc := range map[string]struct {
		cmd  *exec.Cmd
		want error
	}{
		"it opened":            {exec.Command("go", "version"), nil},
		"it failed":            {exec.Command("go", "nosuchcommand"), ErrNoBrowser},
		"there is no such one": {exec.Command("/nonexistent/opener"), ErrNoBrowser},
	} {
		t.Run(name, func(t *testing.T) {
			if err := launch(tc.cmd); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}
