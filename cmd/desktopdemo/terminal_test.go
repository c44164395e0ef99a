package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestMain(m *testing.M) {
	if os.Getenv("DESKTOPDEMO_MAIN") != "" { // for tests that want a process
		main()
	}
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

// program is a run of the demo, followed line by line.
type program struct {
	t      *testing.T
	lines  *bufio.Scanner
	code   chan int
	keys   *io.PipeWriter // what the person types
	stderr strings.Builder
	seen   []string
	stop   context.CancelFunc
}

// start runs the demo in a terminal, with a folder of its own for the session.
func start(t *testing.T, i *issuer, args ...string) *program {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	r, w := io.Pipe()
	stdin, keys := io.Pipe()
	t.Cleanup(func() { keys.Close() })
	p := &program{t: t, lines: bufio.NewScanner(r), code: make(chan int, 1), keys: keys, stop: stop}
	go func() {
		code := run(ctx, append([]string{"--issuer", i.URL, "--store", "file"}, args...), streams{stdin, w, &p.stderr})
		w.Close()
		p.code <- code
	}()
	return p
}

// home gives the demo a place for its session and takes the display away.
func home(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", dir)
	t.Setenv("AppData", dir)
	t.Setenv("DISPLAY", "")
	t.Setenv("WAYLAND_DISPLAY", "")
}

// until reads on to a line.
func (p *program) until(want string) {
	p.t.Helper()
	for p.lines.Scan() {
		p.seen = append(p.seen, p.lines.Text())
		if p.lines.Text() == want {
			return
		}
	}
	p.t.Fatalf("there was no line %q:\n%s\n%s", want, strings.Join(p.seen, "\n"), p.stderr.String())
}

// types sends a line to the demo.
func (p *program) types(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.keys, line+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

// exits reads what is left and wants an exit code and a part of the sentence.
func (p *program) exits(code int, sentence string) {
	p.t.Helper()
	for p.lines.Scan() {
		p.seen = append(p.seen, p.lines.Text())
	}
	if got := <-p.code; got != code {
		p.t.Errorf("got exit code %d, want %d", got, code)
	}
	if got := p.stderr.String(); !strings.Contains(got, sentence) || sentence == "" && got != "" {
		p.t.Errorf("got on standard error %q, want %q", got, sentence)
	}
}

// states are those that were told so far.
func (p *program) states() (told []string) {
	for _, line := range p.seen {
		if s, ok := strings.CutPrefix(line, "state: "); ok {
			told = append(told, s)
		}
	}
	return told
}

func TestSignInStaysAndEnds(t *testing.T) {
	home(t)
	i := newIssuer(t)

	p := start(t, i) // in the terminal by itself: there is no display
	p.until("link: " + i.link("WDJB-MJHT"))
	p.until("code: WDJB-MJHT")
	p.until("state: pending")
	for _, s := range []wire.State{wire.StateScanned, wire.StateConfirming} {
		i.tell(s, "WDJB-MJHT")
		p.until("state: " + string(s))
	}
	i.tell(wire.StateApproved, "WDJB-MJHT")
	p.until("signed in as Ada")
	p.exits(exitOK, "")
	code, err := desktop.NewQR(i.link("WDJB-MJHT"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(p.seen, "\n"), code.Terminal()) {
		t.Error("the code was not drawn")
	}

	p = start(t, i, "--terminal")
	p.until("signed in as Ada")
	p.exits(exitOK, "")
	if len(p.seen) != 1 {
		t.Errorf("the kept session signs in with more than a line: %q", p.seen)
	}

	p = start(t, i, "--sign-out")
	p.until("signed out")
	p.exits(exitOK, "")
	if got := i.revoked.Load(); got != 1 {
		t.Errorf("the server was told of %d sign-outs", got)
	}
	p = start(t, i, "--sign-out")
	p.until("nobody was signed in")
	p.exits(exitOK, "")
}

func TestSessionThatTheServerEndedAsksAnew(t *testing.T) {
	home(t)
	i := newIssuer(t)
	p := start(t, i)
	p.until("state: pending")
	i.tell(wire.StateApproved, "WDJB-MJHT")
	p.exits(exitOK, "")
	i.revoked.Add(1)
	i.approved.Store(false)
	p = start(t, i)
	p.until("state: pending")
	p.stop()
	p.exits(exitCancelled, "Cancelled")
}

func TestCodeThatRotates(t *testing.T) {
	home(t)
	i := newIssuer(t)
	p := start(t, i)
	p.until("state: pending")
	i.tell(wire.StatePending, "BCDF-GHJK")
	p.until("link: " + i.link("BCDF-GHJK"))
	p.until("code: BCDF-GHJK")
	i.tell(wire.StateDenied, "BCDF-GHJK")
	p.until("state: denied")
	p.exits(exitDenied, "Denied")
	if n := strings.Count(strings.Join(p.seen, "\n"), "state: pending"); n != 1 {
		t.Errorf("the state was printed %d times", n)
	}
}

func TestEndings(t *testing.T) {
	for _, c := range []struct {
		state    wire.State
		code     int
		sentence string
	}{
		{wire.StateDenied, exitDenied, "again"},
		{wire.StateExpired, exitExpired, "again"},
	} {
		t.Run(string(c.state), func(t *testing.T) {
			home(t)
			i := newIssuer(t)
			p := start(t, i)
			p.until("state: pending")
			i.tell(c.state, "WDJB-MJHT")
			p.until("state: " + string(c.state))
			p.exits(c.code, c.sentence)
		})
	}
}

func TestFailureIsNoOtherEnding(t *testing.T) {
	for _, code := range []string{wire.CodeInvalidClient, wire.CodeInvalidGrant, "something_new"} {
		t.Run(code, func(t *testing.T) {
			home(t)
			i := newIssuer(t)
			i.refusePoll = code
			p := start(t, i)
			p.until("state: pending")
			p.exits(exitFailed, code)
			if got := p.states(); !slices.Equal(got, []string{"pending", "failed"}) {
				t.Errorf("states: got %q, want pending and failed", got)
			}
		})
	}
}

func TestCtrlCTellsTheServer(t *testing.T) {
	home(t)
	i := newIssuer(t)
	p := start(t, i)
	p.until("state: pending")
	i.tell(wire.StateScanned, "WDJB-MJHT") // the socket is up
	p.until("state: scanned")
	p.stop()
	p.exits(exitCancelled, "Cancelled")
	<-i.cancelled
}

func TestUnreachable(t *testing.T) {
	home(t)
	i := newIssuer(t)
	i.Close()
	p := start(t, i)
	p.exits(exitUnreachable, "Check that the server runs")
}

func TestUnknownClient(t *testing.T) {
	home(t)
	i := newIssuer(t)
	i.refuse = wire.CodeInvalidClient
	p := start(t, i)
	p.exits(exitFailed, "register its client ID")
}

func TestCommandLine(t *testing.T) {
	home(t)
	for _, c := range []struct {
		args   string
		code   int
		stdout string
		stderr string
	}{
		{"--help", exitOK, "Exit codes:", ""},
		{"--frobnicate", exitFailed, "", "Try: desktopdemo --help"},
		{"--store drawer", exitFailed, "", "--store"},
		{"--issuer http://login.acme.example", exitFailed, "", "want https"},
		{"--client-id=", exitFailed, "", "client ID is missing"},
	} {
		t.Run(c.args, func(t *testing.T) {
			var stdout, stderr strings.Builder
			if got := run(t.Context(), strings.Fields(c.args), streams{strings.NewReader(""), &stdout, &stderr}); got != c.code {
				t.Errorf("got exit code %d, want %d", got, c.code)
			}
			if !strings.Contains(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) {
				t.Errorf("got %q and on standard error %q", stdout.String(), stderr.String())
			}
		})
	}
}

func TestStandardErrorIsForPeople(t *testing.T) {
	home(t)
	i := newIssuer(t)
	i.Close()
	for _, locale := range []string{"C", "C.UTF-8", ""} {
		var stderr strings.Builder
		cmd := exec.CommandContext(t.Context(), os.Args[0], "--terminal", "--store", "file", "--issuer", i.URL)
		cmd.Env = append(os.Environ(), "DESKTOPDEMO_MAIN=1", "LANG="+locale, "LC_ALL="+locale)
		cmd.Stderr = &stderr
		var exit *exec.ExitError
		if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != exitUnreachable {
			t.Errorf("in the locale %q: got %v, want exit code %d", locale, err, exitUnreachable)
		}
		if got := stderr.String(); !strings.HasPrefix(got, "Can't reach "+i.URL) {
			t.Errorf("in the locale %q: got on standard error %q", locale, got)
		}
	}
}

func TestExitCodesDiffer(t *testing.T) {
	for want, err := range map[int]error{
		exitFailed: desktop.ErrInterrupted, exitDenied: desktop.ErrDenied, exitExpired: desktop.ErrExpired,
		exitUnreachable: desktop.ErrOffline, exitCancelled: desktop.ErrCancelled, exitSignedOut: desktop.ErrSignedOut,
	} {
		got, sentence := exit(fmt.Errorf("somewhere: %w", err), "https://login.acme.example")
		if got != want || sentence == "" {
			t.Errorf("%v: got %d %q, want %d", err, got, sentence, want)
		}
		if !strings.Contains(exitHelp, fmt.Sprintf("%5d  ", want)) {
			t.Errorf("the help does not tell of %d", want)
		}
	}
}

func TestHasDisplay(t *testing.T) {
	for _, c := range []struct {
		goos string
		env  map[string]string
		want bool
	}{
		{"linux", nil, false},
		{"linux", map[string]string{"DISPLAY": ":0"}, true},
		{"linux", map[string]string{"WAYLAND_DISPLAY": "wayland-0"}, true},
		{"freebsd", nil, false},
		{"windows", nil, true},
		{"darwin", nil, true},
	} {
		if got := hasDisplay(c.goos, func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%s with %v: got %v", c.goos, c.env, got)
		}
	}
}

func TestFileStandsInForTheKeychainAndIsSaid(t *testing.T) {
	home(t)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+os.DevNull)
	var stderr strings.Builder
	store, err := openStore("", &stderr)
	if err != nil || store == nil {
		t.Fatal(err)
	}
	if unavailableHere := stderr.Len() > 0; unavailableHere && !strings.Contains(stderr.String(), "file") {
		t.Errorf("got %q", stderr.String())
	}
}
