package loginview

import (
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"

	"github.com/qrauthd/qrauthd/desktop"
)

func TestNothingBeginsUnasked(t *testing.T) {
	for _, end := range []error{desktop.ErrDenied, desktop.ErrExpired, desktop.ErrOffline, desktop.ErrInterrupted, errOdd} {
		t.Run(end.Error(), func(t *testing.T) {
			r := newRig(t)
			r.noStart()
			l := r.begin()
			r.tell(l, waiting())
			r.end(l, end)
			r.advance(time.Minute)
			r.noStart()

			test.Tap(r.view.body.button) // the person asks
			r.tell(r.started(), waiting())
			if got := r.view.body.lead.Text; got != "Scan with your phone's camera" {
				t.Errorf("after %q the screen says %q", r.view.body.button.text, got)
			}
		})
	}
}

func TestStartWhileUnderWayDoesNothing(t *testing.T) {
	r := newRig(t)
	l := r.begin()
	r.tell(l, waiting())
	r.view.Start()
	if l.ctx.Err() != nil || r.view.shown.code == "" {
		t.Error("a second Start disturbed the sign-in under way")
	}
}

func TestCancelTellsTheServerAndThePerson(t *testing.T) {
	r := newRig(t)
	r.view.Cancel() // nothing is under way
	l := r.begin()
	r.tell(l, in(desktop.StateScanned))
	r.view.Cancel()
	<-l.ctx.Done()
	if got := r.view.body.lead.Text; got != "Cancelled." {
		t.Errorf("got %q", got)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	r := newRig(t)
	l := r.begin()
	r.tell(l, waiting())
	said := len(r.said)
	ended := r.view.Close()
	<-l.ctx.Done()
	<-ended
	if n := r.clock.waiting(); n != 0 {
		t.Errorf("%d timers wait after Close", n)
	}
	r.view.Start()
	r.noStart()
	r.advance(time.Minute)
	if len(r.said) != said {
		t.Errorf("a closed view said %q", r.said[said:])
	}
}

func TestNewCodeWhileAPhoneHoldsTheOld(t *testing.T) {
	r := newRig(t)
	l := r.begin()
	r.tell(l, in(desktop.StateScanned))
	test.Tap(r.view.body.button)
	<-l.ctx.Done()
	r.tell(r.started(), waiting())
	if got := r.view.body.button.text; got != "Copy link" {
		t.Errorf("the button says %q", got)
	}
}

func TestLatePressOfCopyLinkIsNoWishForANewCode(t *testing.T) {
	r := newRig(t)
	l := r.begin()
	r.tell(l, waiting())
	r.tell(l, in(desktop.StateScanned))
	test.Tap(r.view.body.button)
	if l.ctx.Err() != nil {
		t.Fatal("the press ended the sign-in")
	}
	r.advance(time.Second)
	test.Tap(r.view.body.button)
	<-l.ctx.Done()
	r.started()
}

func TestCopyLink(t *testing.T) {
	r := newRig(t)
	clipboard := fyne.CurrentApp().Clipboard()
	r.view.CopyLink() // there is none
	if got := clipboard.Content(); got != "" {
		t.Errorf("without a link the clipboard got %q", got)
	}
	l := r.begin()
	r.tell(l, waiting())
	test.Tap(r.view.body.button)
	if got := clipboard.Content(); got != waiting().VerificationURIComplete {
		t.Errorf("the clipboard holds %q", got)
	}
	if got := r.view.body.button.text; got != "Copied" {
		t.Errorf("the button says %q", got)
	}
	r.tell(l, with(func(u *desktop.Update) { u.Offline = true }))
	if got := r.view.body.button.text; got != "Copied" {
		t.Errorf("after other news the button says %q", got)
	}
	r.advance(2 * time.Second)
	if got := r.view.body.button.text; got != "Copy link" {
		t.Errorf("after a moment the button says %q", got)
	}
}

func TestKeyboard(t *testing.T) {
	r := newRig(t)
	c := r.window.Canvas()
	press := func(key fyne.KeyName) { c.Focused().TypedKey(&fyne.KeyEvent{Name: key}) }
	shortcut := func() {
		c.Focused().(fyne.Shortcutable).TypedShortcut(&fyne.ShortcutCopy{Clipboard: fyne.CurrentApp().Clipboard()})
	}
	clipboard := fyne.CurrentApp().Clipboard()

	test.FocusNext(c)
	press(fyne.KeyReturn) // Show the code
	l := r.started()
	r.tell(l, waiting())

	c.Unfocus()
	for _, want := range []string{
		"login.acme.example/device", "WDJB-MJHT", "https://login.acme.example/device?user_code=WDJB-MJHT",
	} {
		test.FocusNext(c)
		shortcut()
		if got := clipboard.Content(); got != want {
			t.Errorf("at a stop of the Tab key the copy shortcut took %q, want %q", got, want)
		}
	}

	test.FocusPrevious(c) // the code
	r.tell(l, in(desktop.StateApproved))
	if c.Focused() != nil {
		t.Error("what is hidden keeps the keyboard")
	}
	r.end(l, desktop.ErrDenied)
	r.advance(time.Second)
	press(fyne.KeySpace) // Try again has it by itself
	r.started()
}

func TestFocusOfTheAppIsLeftAlone(t *testing.T) {
	r := newRig(t)
	other := newButton(func() {}, func() {})
	r.window.SetContent(container.New(stacked{}, r.view, other))
	r.window.Canvas().Focus(other)
	l := r.begin()
	r.tell(l, waiting())
	r.end(l, desktop.ErrDenied)
	if r.window.Canvas().Focused() != other {
		t.Error("the view took the keyboard from the app")
	}
}

type stacked struct{}

func (stacked) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Resize(size)
	}
}

func (stacked) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(400, 600) }
