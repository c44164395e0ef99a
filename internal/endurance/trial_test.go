package endurance

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/load"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// trial is a server whose storage is to fail, with a computer and a phone that has an
// account. What is not as it should be ends the test.
type trial struct {
	*load.Server
	t     *testing.T
	data  string // its folder
	at    string // where it listens, each time
	log   *journal
	desk  *load.Conn
	phone *load.Phone
}

// try starts a server on the folder.
func try(t *testing.T, data string) *trial {
	t.Helper()
	port, err := quietPort()
	if err != nil {
		t.Fatal(err)
	}
	x := &trial{t: t, data: data, at: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	x.again()
	if err := x.phone.Join("Ada"); err != nil {
		t.Fatal(err)
	}
	return x
}

// again starts the server, with a phone that nobody has had yet.
func (x *trial) again() {
	x.t.Helper()
	x.Server, x.log = overheard(x.t, load.Launch{Listen: x.at, Data: x.data, Args: []string{"--limits", "off"}})
	x.desk, x.phone = x.dial(), x.newPhone()
}

func (x *trial) dial() *load.Conn {
	x.t.Helper()
	c, err := load.Dial(x.Address)
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { _ = c.Close() })
	return c
}

func (x *trial) newPhone() *load.Phone {
	x.t.Helper()
	p, err := load.NewPhone(x.Server)
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { _ = p.Close() })
	return p
}

// database is the server's file.
func (x *trial) database() string { return filepath.Join(x.data, "qrauthd.db") }

// started is a sign-in that waits for its phone.
func (x *trial) started() wire.DeviceAuthorization {
	x.t.Helper()
	d, err := x.desk.Start(x.Host, "ALICE-PC")
	if err != nil {
		x.t.Fatal(err)
	}
	return d
}

// acknowledged is a sign-in that a phone has seen approved.
func (x *trial) acknowledged() wire.DeviceAuthorization {
	x.t.Helper()
	d := x.started()
	if err := x.phone.Approve(d.VerificationURIComplete); err != nil {
		x.t.Fatal(err)
	}
	return d
}

// redeems wants the tokens.
func (x *trial) redeems(d wire.DeviceAuthorization) {
	x.t.Helper()
	if token, err := x.desk.Redeem(x.Host, d.DeviceCode); err != nil || token.AccessToken == "" {
		x.t.Errorf("no tokens for an acknowledged approval: %v", err)
	}
}

// awaits wants to hear that the sign-in is pending, soon.
func (x *trial) awaits(d wire.DeviceAuthorization) {
	x.t.Helper()
	begun := time.Now()
	_, err := x.desk.Redeem(x.Host, d.DeviceCode)
	if r := new(load.Refusal); !errors.As(err, &r) || r.Code != wire.CodeAuthorizationPending {
		x.t.Errorf("poll: got %v, want %s", err, wire.CodeAuthorizationPending)
	}
	if took := time.Since(begun); took > 2*time.Second {
		x.t.Errorf("the poll took %v", took)
	}
}

// isPutOff wants a refusal that says to come back.
func (x *trial) isPutOff(what string, err error) {
	x.t.Helper()
	r := new(load.Refusal)
	if !errors.As(err, &r) || r.Status != http.StatusServiceUnavailable || r.RetryAfter == "" {
		x.t.Errorf("%s: got %v, want 503 with Retry-After", what, err)
		return
	}
	if strings.HasPrefix(r.Path, "/confirm/") || strings.HasPrefix(r.Path, "/join/") {
		return // for the page's script
	}
	if r.Code != wire.CodeUnavailable {
		x.t.Errorf("%s: got %q, want %q", what, r.Code, wire.CodeUnavailable)
	}
}

// putsOff wants all that writes to be refused so, and a page to be shown all the same.
func (x *trial) putsOff(approved, pending wire.DeviceAuthorization) {
	x.t.Helper()
	_, err := x.desk.Start(x.Host, "ALICE-PC")
	x.isPutOff("a start", err)
	_, err = x.desk.Redeem(x.Host, approved.DeviceCode)
	x.isPutOff("redeeming", err)
	_, err = x.phone.Scan(pending.VerificationURIComplete)
	x.isPutOff("a scan", err)
	x.isPutOff("a new account", x.newPhone().Join("Bob"))
	x.shows(pending.VerificationURIComplete)
}

// shows wants the page of a link.
func (x *trial) shows(link string) {
	x.t.Helper()
	r, err := http.Get(link)
	if err != nil {
		x.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK || !strings.Contains(string(body), "ALICE-PC") {
		x.t.Errorf("the page: got %s, %v", r.Status, err)
	}
}

// tells wants the push channel to tell of the sign-in.
func (x *trial) tells(d wire.DeviceAuthorization) *load.Waiting {
	x.t.Helper()
	w, err := load.Attach(x.t.Context(), x.Server, d, nil)
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { _ = w.Close() })
	return w
}

// stays wants a desktop on the push channel not to have been cut off.
func (x *trial) stays(w *load.Waiting) {
	x.t.Helper()
	select {
	case <-w.Ended():
		x.t.Errorf("the desktop that waited was cut off: %v", w.Why())
	default:
	}
}

// health is what the health check says.
func (x *trial) health() string {
	x.t.Helper()
	a, err := x.desk.Do(load.Get(x.Host, wire.PathHealth))
	if err != nil {
		x.t.Fatal(err)
	}
	body := string(a.Body)
	if (a.Status == http.StatusOK) != (body == "ok\n") {
		x.t.Errorf("health: got %d %q", a.Status, body)
	}
	return body
}

// fallsIll waits until the health check tells the cause, and wants it told in the log,
// once and with advice.
func (x *trial) fallsIll(cause store.Cause, advice string) {
	x.t.Helper()
	until(x.t, "the health check says that "+string(cause), func() bool {
		return x.health() == "unavailable\nstore: "+string(cause)+"\n"
	})
	var told []string
	until(x.t, "the log tells of it", func() bool {
		told = x.lines("the store is unavailable", string(cause))
		return len(told) > 0
	})
	if len(told) != 1 || !strings.Contains(told[0], advice) {
		x.t.Errorf("got %d lines in the log, want 1 that says %q: %q", len(told), advice, told)
	}
}

// lines are those of the log that have all of the words.
func (x *trial) lines(words ...string) (found []string) {
	for line := range strings.Lines(x.log.String()) {
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
			found = append(found, line)
		}
	}
	return found
}

// heals waits until the health check says ok, by itself.
func (x *trial) heals() {
	x.t.Helper()
	until(x.t, "the health check says ok", func() bool { return x.health() == "ok\n" })
	until(x.t, "the log tells of it", func() bool { return len(x.lines("the store is available again")) > 0 })
}

// signsIn wants a whole new sign-in to work, with the account of before.
func (x *trial) signsIn() {
	x.t.Helper()
	x.redeems(x.acknowledged())
}

// ends stops the server, and wants the audit log to be whole and no panic in the log.
func (x *trial) ends() {
	x.t.Helper()
	if err := x.Stop(); err != nil {
		x.t.Errorf("stop: %v", err)
	}
	if strings.Contains(x.log.String(), "panic") {
		x.t.Error("there was a panic")
	}
	said, err := exec.Command(built, "audit", "verify", "--data", x.data).CombinedOutput()
	if err != nil || !strings.Contains(string(said), "intact: ") {
		x.t.Errorf("audit verify: %v, %s", err, said)
	}
}

// startFails starts a server that cannot, and returns what it says of that.
func startFails(t *testing.T, data string, as func(*exec.Cmd)) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), built, "serve", "--demo", "--listen", "127.0.0.1:0", "--data", data)
	as(cmd)
	said, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("got %v, want exit code 1:\n%s", err, said)
	}
	if strings.Contains(string(said), "goroutine ") {
		t.Errorf("a panic: %s", said)
	}
	return string(said)
}

func asOneself(*exec.Cmd) {}

// wantSaid expects each of the words.
func wantSaid(t *testing.T, said string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(said, word) {
			t.Errorf("it does not say %q:\n%s", word, said)
		}
	}
}
