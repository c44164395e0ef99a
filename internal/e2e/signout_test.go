package e2e

import (
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/desktop/keychain"
)

// again starts the program as it was started before.
func (p *process) again() *process {
	p.t.Helper()
	return spawn(p.t, p.cmd.Env, p.cmd.Path, p.cmd.Args[1:]...)
}

// copyOfKept is what the demo has kept, as somebody has it who copied the files.
func copyOfKept(t *testing.T, home string) desktop.Store {
	t.Helper()
	until(t, "the session is kept", func() bool { return kept(t, home) })
	files := filepath.Join(t.TempDir(), "files")
	// cp keeps the modes, without which the store refuses them.
	if out, err := exec.Command("cp", "-a", filepath.Join(home, "qrauthd-desktopdemo"), files).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v\n%s", err, out)
	}
	store, err := keychain.File(files)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// stale is a store whose access tokens have run out, so that whoever restores a
// session of it has to use its refresh token.
type stale struct{ desktop.Store }

func (s stale) Load(key string) ([]byte, error) {
	data, err := s.Store.Load(key)
	record := map[string]any{}
	if err != nil || json.Unmarshal(data, &record) != nil || record["expiry"] == nil {
		return data, err // the key
	}
	record["expiry"] = time.Now().Add(-time.Hour)
	return json.Marshal(record)
}

func TestSigningOutInTheListEndsTheWindowsSession(t *testing.T) {
	t.Parallel()
	inThemes(t, signTheWindowOut)
}

func signTheWindowOut(t *testing.T, theme string) {
	s := serve(t)
	home := t.TempDir()
	w := newWindow(t, s.issuer, home, theme)
	p := newPhone(t)
	scanned := w.scannedBy(p)
	p.join("Ada")
	p.press("Approve")
	screens := w.film(scanned)
	app := screens[len(screens)-1]
	session, err := sdk(t, s.issuer).Restore(t.Context(), copyOfKept(t, home))
	if err != nil {
		t.Fatalf("what the window has kept is good for nothing: %v", err)
	}
	alive(t, session)
	later := stale{copyOfKept(t, home)}

	p.press("Your computers")
	p.inRow("ALICE-PC", "Sign out")
	tapped := time.Now()
	var took time.Duration
	until(t, "the window shows another screen", func() bool {
		now := w.picture()
		took = time.Since(tapped)
		return differs(app, now) > anotherScreen
	})
	t.Logf("%s after the tap the window showed that it is signed out, taking the picture included", took.Round(time.Millisecond))
	out := w.turn(app)
	w.keep("signed-out-"+theme, out)
	if _, shown := scan(out); shown {
		t.Error("the window shows a code that nobody has asked for")
	}
	p.see("That computer is signed out.")

	s.stop()
	s.start(t)
	over(t, session)
	if _, err := sdk(t, s.issuer).Restore(t.Context(), later); !errors.Is(err, desktop.ErrNoSession) {
		t.Errorf("a copy of the session: got %v, want ErrNoSession", err)
	}
	until(t, "the log tells that the refresh token of the copy was used", func() bool {
		return strings.Contains(s.log(), `route="POST /token" status=400`)
	})
	w.leave(out, "Return") // Sign in again
	w.link()
	w.signal(syscall.SIGTERM)
	w.exit()
	anew := &window{w.again(), w.display}
	anew.link()
}

func TestSigningOutInTheListEndsTheTerminalsSession(t *testing.T) {
	t.Parallel()
	s := serve(t)
	app := terminal(t, s.issuer, "--watch")
	p := newPhone(t)
	p.approve(app.line("link: "))
	app.line("signed in as Ada")
	p.press("Your computers")
	p.inRow("ALICE-PC", "Sign out")
	app.line("signed out")
	if code := app.exit(); code != 5 {
		t.Errorf("the demo ended with %d, want 5", code)
	}
	if !strings.Contains(app.log(), "Signed out. Start desktopdemo again to sign in.") {
		t.Errorf("on standard error there is %q", app.log())
	}
	s.stop()
	s.start(t)
	app.again().line("link: ")
}
