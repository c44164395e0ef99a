package loginview

import (
	"fmt"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/desktop"
)

func TestSessionIsHandedOverBeforeTheWelcome(t *testing.T) {
	r := newRig(t)
	l := r.begin()
	r.tell(l, waiting())
	session := new(desktop.Session)
	l.end(session, nil) // without an approved state before it
	r.run()
	if len(r.signedIn) != 1 || r.signedIn[0] != session {
		t.Fatalf("got sessions %v, want the one", r.signedIn)
	}
	if got := r.view.body.lead.Text; got != "Approved. Signing you in…" {
		t.Errorf("before the name is known: got %q", got)
	}
	r.run()
	if len(r.welcomed) != 0 {
		t.Error("the welcome was over before it could be seen")
	}
	r.advance(2 * time.Second)
	if len(r.welcomed) != 1 || r.welcomed[0] != session {
		t.Errorf("after the welcome: got %v", r.welcomed)
	}
}

func TestWelcomeWithoutAName(t *testing.T) {
	r := newRig(t)
	l := r.begin()
	l.name = ""
	l.end(new(desktop.Session), nil)
	r.run()
	r.run()
	if got := r.view.body.lead.Text; got != "Welcome" {
		t.Errorf("got %q", got)
	}
}

func TestEndingIsShownByItsError(t *testing.T) {
	for _, c := range []struct {
		state desktop.State
		err   error
		lead  string
	}{
		{desktop.StateDenied, desktop.ErrDenied, "Denied on the phone."},
		{desktop.StateExpired, desktop.ErrExpired, "This code has run out."},
		{desktop.StateCancelled, desktop.ErrCancelled, "Cancelled."},
		{desktop.StateFailed, fmt.Errorf("%w: and so on", desktop.ErrOffline), "Can't reach login.acme.example."},
		{desktop.StateFailed, desktop.ErrInterrupted, "The last step got lost."},
		{desktop.StateFailed, &desktop.OAuthError{Code: "invalid_grant"}, "Acme Studio can't sign in here."},
		{desktop.StateFailed, errOdd, "Something went wrong."},
	} {
		t.Run(c.lead, func(t *testing.T) {
			r := newRig(t)
			l := r.begin()
			r.tell(l, waiting())
			l.updates <- with(func(u *desktop.Update) { u.State, u.Err = c.state, c.err })
			r.end(l, c.err)
			if got := r.view.body.lead.Text; got != c.lead {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestSessionThatNobodyTakesIsSignedOut(t *testing.T) {
	r := newRig(t)
	l := r.begin()
	r.tell(l, waiting())
	session := new(desktop.Session)
	l.end(session, nil)
	late := <-r.jobs // the session is on its way to Fyne's goroutine
	ended := r.view.Close()
	late()
	if got := <-l.discarded; got != session {
		t.Errorf("signed out %v, want the session", got)
	}
	<-ended
	if len(r.signedIn) != 0 {
		t.Error("a closed view handed a session over")
	}
}
