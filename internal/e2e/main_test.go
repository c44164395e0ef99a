package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// patience bounds a wait for something that should come soon, on a busy machine.
const patience = 30 * time.Second

// binaries is the folder of the built commands.
var binaries string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "qrauthd-e2e-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	binaries = dir
	// A command with the race detector in it waits a second before it ends, for reports
	// of other goroutines. There are hundreds of commands here, and what they race about
	// shows before.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=20 "+os.Getenv("GORACE")); err != nil {
		return 1, err
	}
	args := append([]string{"build"}, raceFlags...)
	build := exec.Command("go", append(args, "-o", dir+string(filepath.Separator), "../../cmd/qrauthd", "../../cmd/desktopdemo")...)
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return 1, fmt.Errorf("build the commands (`make deps` installs what they need): %w", err)
	}
	defer closeBrowser()
	return m.Run(), nil
}

func binary(name string) string { return filepath.Join(binaries, name) }
