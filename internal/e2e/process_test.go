package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a command that runs beside the test.
type process struct {
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	lines chan string // of standard output
	done  chan struct{}
	err   error // of Wait; set when done is closed

	mu     sync.Mutex
	stderr bytes.Buffer // guarded by mu
	stdout bytes.Buffer // guarded by mu
}

// spawn starts a command. It is killed when the test ends, if it still runs.
func spawn(t *testing.T, env []string, path string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: path, cmd: exec.Command(path, args...), lines: make(chan string, 1000), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = writerFunc(func(b []byte) (int, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.stderr.Write(b)
	})
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(out)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			t.Logf("%s said on standard output:\n%s\nand on standard error:\n%s", p.name, p.out(), p.log())
		}
	})
	return p
}

func (p *process) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		p.mu.Lock()
		p.stdout.WriteString(lines.Text() + "\n")
		p.mu.Unlock()
		select {
		case p.lines <- lines.Text():
		default: // nobody reads; out() has it all
		}
	}
	p.err = p.cmd.Wait()
	close(p.lines)
	close(p.done)
}

// line waits for a line of standard output with the prefix, and returns the rest.
func (p *process) line(prefix string) string {
	p.t.Helper()
	late := time.After(patience)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("%s ended (%v) before it said %q", p.name, p.err, prefix)
			}
			if rest, found := strings.CutPrefix(line, prefix); found {
				return rest
			}
		case <-late:
			p.t.Fatalf("%s has not said %q", p.name, prefix)
		}
	}
}

// exit waits for the end and returns the exit code.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("%s goes on", p.name)
	}
	var failed *exec.ExitError
	if errors.As(p.err, &failed) {
		return failed.ExitCode()
	}
	if p.err != nil {
		p.t.Fatal(p.err)
	}
	return 0
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

func (p *process) out() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stdout.String()
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// until tries at short intervals until it holds: for what happens in another process.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
