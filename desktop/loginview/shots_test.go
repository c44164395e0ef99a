package loginview

import (
	"fmt"
	"image/png"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/qrauthd/qrauthd/desktop"
)

// scenes bring a view to each of its screens.
var scenes = []struct {
	name string
	play func(r *rig)
}{
	{"idle", func(*rig) {}},
	{"starting", func(r *rig) { r.begin() }},
	{"waiting", func(r *rig) { r.tell(r.begin(), waiting()) }},
	{"copied", func(r *rig) { r.tell(r.begin(), waiting()); r.view.CopyLink() }},
	{"offline", func(r *rig) { r.tell(r.begin(), with(func(u *desktop.Update) { u.Offline = true })) }},
	{"scanned", func(r *rig) { r.tell(r.begin(), in(desktop.StateScanned)) }},
	{"confirming", func(r *rig) { r.tell(r.begin(), in(desktop.StateConfirming)) }},
	{"verifying", func(r *rig) { r.tell(r.begin(), in(desktop.StateVerifying)) }},
	{"approved", func(r *rig) { r.tell(r.begin(), in(desktop.StateApproved)) }},
	{"success", func(r *rig) { signIn(r) }},
	{"denied", ending(desktop.ErrDenied)},
	{"expired", ending(desktop.ErrExpired)},
	{"cancelled", func(r *rig) { r.tell(r.begin(), waiting()); r.view.Cancel() }},
	{"interrupted", ending(desktop.ErrInterrupted)},
	{"unreachable", func(r *rig) {
		r.startErr = fmt.Errorf("%w: %w", desktop.ErrOffline,
			&url.Error{Op: "Get", URL: "https://login.acme.example/.well-known/oauth-authorization-server", Err: errOdd})
		r.view.Start()
		r.run()
	}},
	{"refused", ending(&desktop.OAuthError{Code: "invalid_client"})},
	{"broken", ending(errOdd)},
}

func ending(err error) func(*rig) {
	return func(r *rig) {
		l := r.begin()
		r.tell(l, waiting())
		r.end(l, err)
	}
}

// signIn plays a sign-in to its welcome.
func signIn(r *rig) *desktop.Session {
	l := r.begin()
	r.tell(l, waiting())
	r.tell(l, in(desktop.StateApproved))
	session := new(desktop.Session)
	l.end(session, nil)
	r.run() // the session
	r.run() // the name
	return session
}

// TestShots writes each screen as a picture to the folder that LOGINVIEW_SHOTS
// names, for eyes.
func TestShots(t *testing.T) {
	dir := os.Getenv("LOGINVIEW_SHOTS")
	if dir == "" {
		t.Skip("set LOGINVIEW_SHOTS to a folder to get pictures of all screens")
	}
	for variant, name := range map[fyne.ThemeVariant]string{theme.VariantLight: "light", theme.VariantDark: "dark"} {
		for _, scene := range scenes {
			r := newRig(t)
			r.theme(variant)
			scene.play(r)
			f, err := os.Create(filepath.Join(dir, scene.name+"-"+name+".png"))
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(f, r.capture()); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
