package loginview

import (
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/qrauthd/qrauthd/desktop"
)

func TestTheCodeStaysUntilTheBrowserIsOpen(t *testing.T) {
	r := newRig(t)
	phone := r.begin()
	r.tell(phone, waiting())
	test.Tap(r.view.body.second)
	browser := r.started()
	test.Tap(r.view.body.second) // impatience
	r.tell(phone, with(func(u *desktop.Update) { u.Offline = true }))
	if phone.ctx.Err() != nil || r.view.shown.code != "WDJB-MJHT" || len(r.opened) != 0 {
		t.Errorf("before the browser is open: the code is %q, and opened was %q", r.view.shown.code, r.opened)
	}
	if !browser.here {
		t.Error("another sign-in by phone was begun")
	}
	r.tell(browser, inBrowser())
	<-phone.ctx.Done()
	if !slices.Equal(r.opened, []string{inBrowser().Link()}) {
		t.Errorf("opened %q, want the link, once", r.opened)
	}
	if r.view.body.plate.code.Size() != 0 {
		t.Error("the browser's link is shown as a code for phones")
	}
	r.tell(browser, with(func(u *desktop.Update) { *u = inBrowser(); u.Offline = true }))
	if len(r.opened) != 1 {
		t.Errorf("other news opened the browser again: %q", r.opened)
	}
}

func TestTheBrowserIsOpenedAgain(t *testing.T) {
	r := newRig(t)
	l := goHere(r)
	r.advance(time.Second)
	test.Tap(r.view.body.button)
	if !slices.Equal(r.opened, []string{inBrowser().Link(), inBrowser().Link()}) || l.ctx.Err() != nil {
		t.Errorf("opened %q", r.opened)
	}
	r.openErr = errOdd
	test.Tap(r.view.body.button)
	if got := r.view.body.button.text; got != "Copy link" {
		t.Fatalf("when it can't be opened the button says %q", got)
	}
	r.advance(time.Second)
	test.Tap(r.view.body.button)
	if got := fyne.CurrentApp().Clipboard().Content(); got != inBrowser().Link() {
		t.Errorf("the clipboard holds %q", got)
	}
}

func TestBackToThePhone(t *testing.T) {
	r := newRig(t)
	l := goHere(r)
	test.Tap(r.view.body.second) // the second click of a double one
	if l.ctx.Err() != nil {
		t.Fatal("a double click led to the browser and back")
	}
	r.advance(time.Second)
	test.Tap(r.view.body.second)
	<-l.ctx.Done()
	phone := r.started()
	if phone.here {
		t.Error("it is the browser again")
	}
	r.tell(phone, waiting())
	if got := r.view.shown.code; got != "WDJB-MJHT" {
		t.Errorf("the code is %q", got)
	}
}

func TestASignInInTheBrowserEndsInTheWelcome(t *testing.T) {
	r := newRig(t)
	l := goHere(r)
	session := new(desktop.Session)
	l.end(session, nil)
	r.until(stageWelcome)
	if got := r.view.body.lead.Text; got != "Welcome, Ada" || len(r.signedIn) != 1 || r.signedIn[0] != session {
		t.Errorf("got %q with sessions %v", got, r.signedIn)
	}
}

func TestAPhoneThatHasApprovedIsNotLeft(t *testing.T) {
	r := newRig(t)
	phone := r.begin()
	r.tell(phone, waiting())
	test.Tap(r.view.body.second)
	browser := r.started()
	r.tell(phone, in(desktop.StateApproved))
	browser.updates <- inBrowser()
	r.run()
	<-browser.ctx.Done()
	if phone.ctx.Err() != nil || len(r.opened) != 0 {
		t.Errorf("the sign-in by phone was left for the browser: opened %q", r.opened)
	}
}

func TestABrowserSignInThatCannotBeginIsSaid(t *testing.T) {
	r := newRig(t)
	phone := r.begin()
	r.tell(phone, waiting())
	r.startErr = desktop.ErrOffline
	test.Tap(r.view.body.second)
	r.until(stageOver)
	<-phone.ctx.Done()
	if got := r.view.body.lead.Text; got != "Can't reach login.acme.example." {
		t.Errorf("got %q", got)
	}
	r.noStart()
}

func TestCloseWaitsForBothSignIns(t *testing.T) {
	r := newRig(t)
	phone := r.begin()
	r.tell(phone, waiting())
	test.Tap(r.view.body.second)
	browser := r.started()
	<-r.view.Close()
	if phone.ctx.Err() == nil || browser.ctx.Err() == nil {
		t.Error("a sign-in goes on after Close")
	}
}

func TestTheBrowserIsOfferedOnlyWhereItIsOffered(t *testing.T) {
	for name, hide := range map[string]func(r *rig){
		"the server has none": func(r *rig) { r.phone = true },
		"the app hides it":    func(r *rig) { r.view.opts.HideHere = true },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			hide(r)
			r.tell(r.begin(), waiting())
			if r.view.body.second.Visible() || slices.Contains(r.texts(), "Sign in on this computer") {
				t.Errorf("got texts %q", r.texts())
			}
			r.view.actSecond()
			if r.view.next != nil {
				t.Error("it was begun")
			}
		})
	}
}

func TestTheKeyboardReachesTheQuietButton(t *testing.T) {
	r := newRig(t)
	r.tell(r.begin(), waiting())
	c := r.window.Canvas()
	c.Unfocus()
	test.FocusPrevious(c)
	if c.Focused() != r.view.body.second {
		t.Fatalf("the last stop of the Tab key is %v", c.Focused())
	}
	c.Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
	r.tell(r.started(), inBrowser())
	if c.Focused() != r.view.body.second {
		t.Error("the button lost the keyboard")
	}
}
