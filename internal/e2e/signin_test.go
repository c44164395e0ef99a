package e2e

import (
	"context"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/desktop"
)

const demoClient = "desktop-demo"

// terminal runs the demo app in the terminal.
func terminal(t *testing.T, issuer string, args ...string) *process {
	t.Helper()
	home := t.TempDir()
	env := []string{"DISPLAY=", "WAYLAND_DISPLAY=", "HOME=" + home, "XDG_CONFIG_HOME=" + home, "DBUS_SESSION_BUS_ADDRESS="}
	return spawn(t, env, binary("desktopdemo"),
		append([]string{"--issuer", issuer, "--terminal", "--store", "file", "--device-name", "ALICE-PC"}, args...)...)
}

// sdk is a client of the SDK for the demo server.
func sdk(t *testing.T, issuer string, change ...func(*desktop.Config)) *desktop.Client {
	t.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	c := desktop.Config{
		Issuer: issuer, ClientID: demoClient,
		Device:     desktop.Device{Name: "ALICE-PC", Platform: "Windows 11", AppVersion: "1.4.2"},
		HTTPClient: &http.Client{Transport: transport},
	}
	for _, f := range change {
		f(&c)
	}
	client, err := desktop.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// begin starts a sign-in that ends with the test.
func begin(t *testing.T, c *desktop.Client) *desktop.Login {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	login, err := c.Start(ctx)
	if err != nil {
		stop()
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); <-login.Done() })
	return login
}

// reach waits for the state. The updates hold the newest only, so a state that
// was quickly left may never be seen.
func reach(t *testing.T, login *desktop.Login, want desktop.State) desktop.Update {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case u, ok := <-login.Updates():
			if u.State == want {
				return u
			}
			if !ok {
				t.Fatalf("ended as %s (%v) before it was %s", login.Current().State, login.Current().Err, want)
			}
		case <-late:
			t.Fatalf("still %s, want %s", login.Current().State, want)
		}
	}
}

// signedIn waits, with patience, and wants a session.
func signedIn(t *testing.T, login *desktop.Login) *desktop.Session {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	session, err := login.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func name(t *testing.T, s *desktop.Session) string {
	t.Helper()
	info, err := s.UserInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return info.Name
}

func TestANewPhoneJoinsAndSignsTheDemoIn(t *testing.T) {
	s := serve(t)
	app := terminal(t, s.issuer)
	link := app.line("link: ")
	app.line("state: pending")
	p := newPhone(t)
	p.open(link)
	app.line("state: scanned")
	p.see("ALICE-PC")
	p.shoot("confirm-newcomer")
	p.join("Ada")
	p.see("Approve")
	p.shoot("confirm")
	p.press("Approve")
	app.line("signed in as Ada")
	if code := app.exit(); code != 0 {
		t.Errorf("the demo ended with %d, want 0", code)
	}
	p.see("You're signed in on ALICE-PC")
	p.shoot("signed-in")
}

func TestAPhoneKnownAlreadyNeedsOneTapAndOneTouch(t *testing.T) {
	s := serve(t)
	p := newPhone(t)
	p.signUp(s, "Ada")
	p.shoot("recovery-codes")

	login := begin(t, sdk(t, s.issuer))
	p.open(login.Current().Link())
	if u := reach(t, login, desktop.StateScanned); !u.Pushed {
		t.Error("the socket is not up")
	}
	p.press("Approve") // and nothing else
	if who := name(t, signedIn(t, login)); who != "Ada" {
		t.Errorf("got a session of %q, want Ada's", who)
	}
	p.see("You're signed in on ALICE-PC")
}

func TestTheApprovalComesWithoutWaitingForAnInterval(t *testing.T) {
	// The front counts the polls: push must make the one that redeems.
	s, front := serveBehind(t)
	p := newPhone(t)
	p.signUp(s, "Ada")

	login := begin(t, sdk(t, s.issuer))
	p.open(login.Current().Link())
	reach(t, login, desktop.StateScanned)
	before := front.polls.Load()
	p.press("Approve")
	signedIn(t, login)
	if n := front.polls.Load() - before; n != 1 {
		t.Errorf("%d polls after the tap on Approve, want the one that redeems", n)
	}
}

func TestDenied(t *testing.T) {
	s := serve(t)
	app := terminal(t, s.issuer)
	p := newPhone(t)
	p.open(app.line("link: "))
	app.line("state: scanned")
	p.press("Deny")
	p.see("Nobody was signed in")
	p.shoot("denied")
	if code := app.exit(); code != 2 {
		t.Errorf("the demo ended with %d, want 2", code)
	}
	if !strings.Contains(app.log(), "Denied") {
		t.Errorf("the demo's standard error does not say so: %q", app.log())
	}
	p.must(back(p))
	if p.has("Approve") {
		t.Error("going back after Deny offers Approve")
	}
}

func TestCancelledOnTheComputer(t *testing.T) {
	s := serve(t)
	app := terminal(t, s.issuer)
	p := newPhone(t)
	p.open(app.line("link: "))
	app.line("state: scanned")
	app.signal(syscall.SIGINT)
	p.see("Cancelled on ALICE-PC")
	p.shoot("cancelled")
	if code := app.exit(); code == 0 {
		t.Error("the demo ended with 0 after it was interrupted")
	}
}

func TestUnreachable(t *testing.T) {
	app := terminal(t, "http://localhost:1")
	if code := app.exit(); code != 4 {
		t.Errorf("the demo ended with %d, want 4", code)
	}
	if app.log() == "" {
		t.Error("nothing on standard error")
	}
}
