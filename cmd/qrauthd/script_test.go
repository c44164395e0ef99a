package main

import (
	"bufio"
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/mattn/go-sqlite3"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/store/sqlite"
	"github.com/qrauthd/qrauthd/internal/wire"
	"github.com/qrauthd/qrauthd/server"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"qrauthd": main, "exits": exits})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start":     start,
			"end":       end,
			"sign-in":   signIn,
			"add-user":  addUser,
			"sql":       sql,
			"keep":      keep,
			"published": published,
		},
	})
}

// exits is a command of the scripts: it runs qrauthd and wants that exit code, as
// in "exits 2 serve --listen x". It is a command of the test binary, since a file
// that a script writes and runs at once may still be open in another's fork.
func exits() {
	qrauthd := exec.Command("qrauthd", os.Args[2:]...)
	qrauthd.Stdin, qrauthd.Stdout, qrauthd.Stderr = os.Stdin, os.Stdout, os.Stderr
	_ = qrauthd.Run() // the exit code is looked at below
	if got := fmt.Sprint(qrauthd.ProcessState.ExitCode()); got != os.Args[1] {
		fmt.Fprintf(os.Stderr, "exit code %s, want %s\n", got, os.Args[1])
		os.Exit(1)
	}
}

func setup(env *testscript.Env) error {
	env.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector's, a second for each command
	env.Values[processesKey{}] = map[string]process{}
	env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, "cache"))
	return nil
}

// process is a server that a script started.
type process struct {
	cmd  *exec.Cmd
	rest chan string // what it wrote on standard output after its first line
}

// start NAME ARG...: runs "qrauthd serve ARG..." until end, waits for its ready
// line, and sets $ISSUER and $ADDR to what that says. Its log goes to NAME.log.
func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: start NAME ARG...")
	}
	log, err := os.Create(ts.MkAbs(args[0] + ".log"))
	ts.Check(err)
	cmd := exec.Command(binary(ts), append([]string{"serve"}, args[1:]...)...)
	cmd.Dir, cmd.Stderr = ts.MkAbs("."), log
	for _, name := range []string{"XDG_CACHE_HOME", "GORACE"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Check(log.Close())
	ts.Defer(func() { _ = cmd.Process.Kill() })

	lines := bufio.NewScanner(out)
	lines.Scan()
	issuer, ok := strings.CutPrefix(lines.Text(), "ready ")
	if !ok {
		ts.Fatalf("the first line is %q, want ready and the issuer\n%s", lines.Text(), ts.ReadFile(args[0]+".log"))
	}
	ts.Setenv("ISSUER", issuer)
	ts.Setenv("ADDR", strings.Replace(strings.TrimPrefix(issuer, "http://"), "localhost", "127.0.0.1", 1))
	p := process{cmd, make(chan string, 1)}
	go func() {
		var rest strings.Builder
		for lines.Scan() {
			rest.WriteString(lines.Text() + "\n")
		}
		p.rest <- rest.String()
	}()
	processes(ts)[args[0]] = p
}

// end NAME: sends SIGTERM, and wants exit code 0 and no more than the one line. It is not
// called stop, for that is testscript's own: it ends the script there, and it has passed.
func end(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: end NAME")
	}
	p, ok := processes(ts)[args[0]]
	if !ok {
		ts.Fatalf("no server %s", args[0])
	}
	ts.Check(p.cmd.Process.Signal(syscall.SIGTERM))
	if rest := <-p.rest; rest != "" {
		ts.Fatalf("more than one line on standard output:\n%s", rest)
	}
	ts.Check(p.cmd.Wait())
}

func processes(ts *testscript.TestScript) map[string]process {
	return ts.Value(processesKey{}).(map[string]process)
}

type processesKey struct{}

// binary is the qrauthd that testscript put on the script's path.
func binary(ts *testscript.TestScript) string {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		file := filepath.Join(dir, "qrauthd")
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	ts.Fatalf("no qrauthd on the path")
	return ""
}

// sign-in CLIENT: begins a sign-in at $ISSUER, which the server must let it.
func signIn(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: sign-in CLIENT")
	}
	form := url.Values{wire.ParamClientID: {args[0]}}
	resp, err := http.PostForm(ts.Getenv("ISSUER")+wire.PathDeviceAuthorization, form)
	ts.Check(err)
	defer resp.Body.Close()
	var answer struct {
		wire.DeviceAuthorization
		wire.Error
	}
	ts.Check(json.NewDecoder(resp.Body).Decode(&answer))
	if began := answer.DeviceCode != ""; began == neg {
		ts.Fatalf("status %d, error %s, began a sign-in: %t", resp.StatusCode, answer.Code, began)
	}
}

// add-user DIR ID NAME: adds an account, as if somebody had made a passkey.
func addUser(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: add-user DIR ID NAME")
	}
	ctx := context.Background()
	db, err := sqlite.Open(ctx, server.Database(ts.MkAbs(args[0])), sqlite.Options{})
	ts.Check(err)
	u := auth.User{ID: auth.UserID(args[1]), Name: args[2], CreatedAt: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	ts.Check(db.Update(ctx, func(tx store.Tx) error {
		return errors.Join(tx.AddUser(u), tx.AddPasskey(auth.Passkey{ID: []byte(args[1]), UserID: u.ID, PublicKey: []byte{1}}))
	}))
	ts.Check(db.Close())
}

// sql DIR STATEMENTS: changes the database as nobody should but a script; with ! it
// must not let itself be changed so.
func sql(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: sql DIR STATEMENT")
	}
	conn, err := new(sqlite3.SQLiteDriver).Open(server.Database(ts.MkAbs(args[0])))
	ts.Check(err)
	_, err = conn.(driver.ExecerContext).ExecContext(context.Background(), args[1], nil)
	if (err != nil) != neg {
		ts.Fatalf("%s: %v", args[1], err)
	}
	ts.Check(conn.Close())
}

// keep NAME REGEXP: sets $NAME to what the first group finds on standard output.
func keep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: keep NAME REGEXP")
	}
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		ts.Fatalf("%q is not on standard output", args[1])
	}
	ts.Setenv(args[0], found[1])
}

// published ALGORITHM...: waits until these are the algorithms of the keys that
// $ISSUER publishes, in any order.
func published(ts *testscript.TestScript, neg bool, want []string) {
	if neg || len(want) == 0 {
		ts.Fatalf("usage: published ALGORITHM...")
	}
	slices.Sort(want)
	var got []string
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); {
		if got = publishedAt(ts, ts.Getenv("ISSUER")); slices.Equal(got, want) {
			return
		}
	}
	ts.Fatalf("published are %q, want %q", got, want)
}

func publishedAt(ts *testscript.TestScript, issuer string) (algorithms []string) {
	resp, err := http.Get(issuer + wire.PathJWKS)
	ts.Check(err)
	defer resp.Body.Close()
	var set jose.JSONWebKeySet
	ts.Check(json.NewDecoder(resp.Body).Decode(&set))
	for _, k := range set.Keys {
		algorithms = append(algorithms, k.Algorithm)
	}
	slices.Sort(algorithms)
	return algorithms
}
