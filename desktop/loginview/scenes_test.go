package loginview

import (
	"fmt"
	"net/url"

	"fyne.io/fyne/v2/test"

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
	{"verifying", func(r *rig) { r.tell(r.begin(), awaiting(3)) }},
	{"verifying, half", func(r *rig) {
		r.tell(r.begin(), awaiting(3))
		r.window.Canvas().Focused().TypedRune('4')
	}},
	{"verifying, checking", func(r *rig) {
		l := r.begin()
		r.tell(l, awaiting(3))
		r.number(l, "47")
	}},
	{"verifying, wrong", missing(desktop.ErrWrongNumber, 2)},
	{"verifying, last", missing(desktop.ErrWrongNumber, 1)},
	{"verifying, lost", missing(desktop.ErrOffline, 3)},
	{"numbers differ", ending(fmt.Errorf("%w (%w)", desktop.ErrDenied, desktop.ErrWrongNumber))},
	{"here", func(r *rig) { goHere(r) }},
	{"here, unopened", func(r *rig) { r.openErr = errOdd; goHere(r) }},
	{"here, offline", func(r *rig) {
		u := inBrowser()
		u.Offline = true
		r.tell(goHere(r), u)
	}},
	{"here, approved", func(r *rig) {
		u := inBrowser()
		u.State = desktop.StateApproved
		r.tell(goHere(r), u)
	}},
	{"here, denied", func(r *rig) { r.end(goHere(r), desktop.ErrDenied) }},
	{"here, expired", func(r *rig) { r.end(goHere(r), desktop.ErrExpired) }},
	{"here, interrupted", func(r *rig) { r.end(goHere(r), desktop.ErrInterrupted) }},
	{"approved", func(r *rig) { r.tell(r.begin(), in(desktop.StateApproved)) }},
	{"success", signIn},
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

// missing types a number that is not it.
func missing(err error, left int) func(*rig) {
	return func(r *rig) {
		l := r.begin()
		r.tell(l, awaiting(3))
		r.number(l, "74")
		r.outcome(l, err, awaiting(left))
	}
}

// goHere turns from a waiting code to this computer's browser.
func goHere(r *rig) *fakeLogin {
	r.t.Helper()
	r.tell(r.begin(), waiting())
	test.Tap(r.view.body.second)
	l := r.started()
	r.tell(l, inBrowser())
	return l
}

// signIn plays a sign-in to its welcome.
func signIn(r *rig) {
	l := r.begin()
	r.tell(l, waiting())
	r.tell(l, in(desktop.StateApproved))
	l.end(new(desktop.Session), nil)
	r.run() // the session
	r.run() // the name
}

// play brings a view to a scene by name.
func play(r *rig, name string) {
	r.t.Helper()
	for _, scene := range scenes {
		if scene.name == name {
			scene.play(r)
			return
		}
	}
	r.t.Fatalf("there is no scene %q", name)
}
