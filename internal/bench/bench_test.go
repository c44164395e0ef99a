package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain plays the roles that a run starts this binary again for, and that of a server
// which does not come up.
func TestMain(m *testing.M) {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "serve" {
		os.Exit(1)
	}
	if play := roleOf(args); play != nil {
		os.Exit(tell(os.Stderr, play(context.Background(), args[1:], os.Stdin, os.Stdout)))
	}
	// What was built with the race detector waits a second before it ends, for reports
	// of other goroutines: those of the roles have ended by then.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=20 "+os.Getenv("GORACE")); err != nil {
		os.Exit(tell(os.Stderr, err))
	}
	code, err := run(m)
	if err != nil {
		os.Exit(tell(os.Stderr, err))
	}
	os.Exit(code)
}

// built is the server, as a run builds it.
var built string

func run(m *testing.M) (code int, err error) {
	folder, err := os.MkdirTemp("", "qrauthd-bench-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(folder)
	b := bench{folder: folder, progress: io.Discard}
	if err := b.build(context.Background()); err != nil {
		return 1, err
	}
	built = b.binary
	return m.Run(), nil
}

// tiny is as little as can be measured.
var tiny = amounts{
	Clients: 4, Rounds: 2, Turn: 20 * time.Millisecond, Yardstick: 10 * time.Millisecond,
	Polled: 2, Redeems: 8, Refreshes: 8, Approvals: 8, Finishes: 8,
	Crowds: []int{0, 3}, SignIns: 3, People: 2, Settle: 10 * time.Millisecond, Grants: 10, Sessions: 2, Starts: 2, Growth: 8,
}

func TestARunMeasuresAndComparesAndLeavesNothing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells what a process takes")
	}
	s := settings{
		amounts: tiny, binary: built, data: t.TempDir(), json: filepath.Join(t.TempDir(), "new", "bench.json"), timeout: 3 * time.Minute,
		only: regexp.MustCompile(`s$|ready|size|growth`), // not what takes its time
	}
	var first strings.Builder
	if err := s.run(t.Context(), &first, io.Discard); err != nil {
		t.Fatalf("%v\n%s", err, first.String())
	}
	for _, want := range []string{
		"yardstick", "starts", "polls", "redeems", "refreshes", "dpop-refreshes", "approvals", "finishes", "A DPoP proof costs",
		`tokens after the phone was told "approved", 0 waiting`, "tokens after the phone sent the approval, 3 waiting",
		"server binary, stripped", "ready", "ready, after a kill", "a sign-in, its session pruned as well, pages in use",
	} {
		if !strings.Contains(first.String(), want) {
			t.Errorf("the report does not tell of %q", want)
		}
	}
	s.compare, s.json, s.only = s.json, "", regexp.MustCompile("polls|size")
	var second strings.Builder
	if err := s.run(t.Context(), &second, io.Discard); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`server binary, stripped +[0-9.]+ +[0-9.]+ +MiB +\+0\.0 %`).MatchString(second.String()) {
		t.Errorf("the second run is not compared with the first:\n%s", second.String())
	}
	if left, err := os.ReadDir(s.data); err != nil || len(left) > 0 {
		t.Errorf("what was left is %v, %v", left, err)
	}
}

func TestAProfileOfPolls(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells what a process takes")
	}
	s := settings{amounts: tiny, binary: built, data: t.TempDir(), profile: t.TempDir(), timeout: time.Minute, only: regexp.MustCompile("polls")}
	var out strings.Builder
	if err := s.run(t.Context(), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cpu", "heap", "goroutine"} {
		info, err := os.Stat(filepath.Join(s.profile, "polls", name+".pprof"))
		if err != nil || info.Size() == 0 {
			t.Errorf("the profile %s: %v", name, err)
		}
	}
	if want := fmt.Sprintf("go tool pprof -top %s/polls/cpu.pprof", s.profile); !strings.Contains(out.String(), want) {
		t.Errorf("it does not say %q", want)
	}
}

func TestARunThatCannotBe(t *testing.T) {
	for name, s := range map[string]settings{
		"without the binary":            {binary: "/nowhere/qrauthd"},
		"of what is no program":         {binary: "bench_test.go"},
		"compared with what is not":     {binary: os.Args[0], compare: "/nowhere/bench.json"},
		"compared with what is no run":  {binary: os.Args[0], compare: "bench_test.go"},
		"with its data below a file":    {binary: os.Args[0], data: "bench_test.go/data"},
		"with its log in a folder":      {binary: os.Args[0], log: os.TempDir()},
		"whose server does not come up": {binary: os.Args[0], amounts: tiny, only: regexp.MustCompile("growth")},
	} {
		if s.data == "" {
			s.data = t.TempDir()
		}
		s.timeout = time.Minute
		if err := s.run(t.Context(), io.Discard, io.Discard); err == nil {
			t.Errorf("a run %s is no error", name)
		}
	}
}

func TestTheCommandLine(t *testing.T) {
	for name, args := range map[string][]string{
		"a flag that is not known":   {"-fast"},
		"no regular expression":      {"-only", "("},
		"nothing that there is":      {"-only", "logins"},
		"a duration without a unit":  {"-timeout", "10"},
		"words that nobody asks for": {"starts"},
	} {
		var said strings.Builder
		if _, err := parse(args, &said); err == nil || said.Len() == 0 {
			t.Errorf("%s: got %v, told %q, want an error that was told", name, err, said.String())
		}
	}
	s, err := parse([]string{"-short", "-rounds", "7", "-only", "polls"}, io.Discard)
	if err != nil || s.Rounds != 7 || s.Turn != brief.Turn || s.only.MatchString("starts") {
		t.Errorf("got %+v, %v", s, err)
	}
}
