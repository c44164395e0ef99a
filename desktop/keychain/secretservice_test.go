//go:build linux

package keychain_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/desktop/keychain"
)

// The tests run once more, in a session bus with a Secret Service of their own:
// the person's keychain is none of their business, and could ask for a password.
func TestARealSecretServiceKeepsTheContract(t *testing.T) {
	inside(t, "open", `printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec "$0" -test.run "$1"`,
		"EveryStore|ALargeValue|AnEntry")
}

func TestAServiceWithNowhereToKeepAnythingIsUnavailable(t *testing.T) {
	if os.Getenv(inService) == "" {
		inside(t, "empty", `exec "$0" -test.run "$1"`, "Nowhere")
		return
	}
	store := keychain.System("qrauthd-test")
	if _, err := store.Load("key"); !errors.Is(err, keychain.ErrUnavailable) || errors.Is(err, desktop.ErrNotFound) {
		t.Errorf("Load: got %v, want ErrUnavailable", err)
	}
	if err := store.Save("key", []byte("x")); !errors.Is(err, keychain.ErrUnavailable) {
		t.Errorf("Save: got %v, want ErrUnavailable", err)
	}
	if err := store.Delete("key"); !errors.Is(err, keychain.ErrUnavailable) {
		t.Errorf("Delete: got %v, want ErrUnavailable", err)
	}
}

// inside runs this test binary in a session bus of its own. The script has the
// binary as $0 and the tests to run as $1.
func inside(t *testing.T, service, script, tests string) {
	if os.Getenv(inService) != "" {
		t.Skip("is inside already")
	}
	for _, tool := range []string{"dbus-run-session", "gnome-keyring-daemon"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no Secret Service to try: %v", err)
		}
	}
	// Not t.TempDir, which minds that the service may still write while it ends.
	home, err := os.MkdirTemp("", "keychain")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(home)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, "dbus-run-session", "--", "sh", "-c", script, os.Args[0], tests)
	cmd.Env = append(os.Environ(), inService+"="+service,
		"HOME="+home, "XDG_DATA_HOME="+home, "XDG_RUNTIME_DIR="+home,
		"DISPLAY=", "WAYLAND_DISPLAY=") // no window may ask for anything
	cmd.WaitDelay = time.Second // for what the service inherited
	if out, err := cmd.CombinedOutput(); err != nil || bytes.Contains(out, []byte("no tests to run")) {
		t.Errorf("inside: %v\n%s", err, out)
	}
}
