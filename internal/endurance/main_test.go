package endurance

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/load"
)

// patience bounds a wait for something that should come soon, on a busy machine.
const patience = time.Minute

// built is the server's binary.
var built string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "endurance:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "qrauthd-endurance-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	built = filepath.Join(dir, "qrauthd")
	// A command with the race detector in it waits a second before it ends otherwise.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=20 "+os.Getenv("GORACE")); err != nil {
		return 1, err
	}
	args := append([]string{"build"}, raceFlags...)
	build := exec.Command("go", append(args, "-o", built, "../../cmd/qrauthd")...)
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return 1, fmt.Errorf("build the server: %w", err)
	}
	if _, err := load.AllowFiles(); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// serve starts a demo server without budgets on a free port. When the test ends it is
// killed if it still runs, and its log is shown if the test has failed.
func serve(t *testing.T, args ...string) *load.Server {
	t.Helper()
	return launch(t, load.Launch{Data: t.TempDir(), Args: append([]string{"--limits", "off"}, args...)})
}

// launch starts the built server so, or starts it again.
func launch(t *testing.T, l load.Launch) *load.Server {
	t.Helper()
	s, _ := overheard(t, l)
	return s
}

// overheard is launch, with what the server says.
func overheard(t *testing.T, l load.Launch) (*load.Server, *journal) {
	t.Helper()
	log := new(journal)
	l.Binary, l.Log = built, log
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := l.Start(ctx)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	t.Cleanup(func() {
		_ = s.Kill()
		if t.Failed() {
			t.Logf("the server said:\n%s", log)
		}
	})
	return s, log
}

// journalKept is how much of a server's log is kept: its end.
const journalKept = 64 << 10

// journal is the end of what a server says on standard error.
type journal struct {
	mu   sync.Mutex
	text []byte // guarded by mu
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.text = append(j.text, p...)
	if len(j.text) > 2*journalKept {
		j.text = append(j.text[:0], j.text[len(j.text)-journalKept:]...)
	}
	return len(p), nil
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return string(j.text)
}
