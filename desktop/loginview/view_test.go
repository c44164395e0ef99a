package loginview

import (
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/desktop"
)

// texts are all words that can be seen, from top to bottom.
func (r *rig) texts() []string {
	var texts []string
	var walk func(o fyne.CanvasObject)
	walk = func(o fyne.CanvasObject) {
		if !o.Visible() {
			return
		}
		switch o := o.(type) {
		case *canvas.Text:
			if text := strings.TrimSpace(o.Text); text != "" {
				texts = append(texts, text)
			}
		case *fyne.Container:
			for _, child := range o.Objects {
				walk(child)
			}
		case fyne.Widget:
			for _, child := range test.WidgetRenderer(o).Objects() {
				walk(child)
			}
		}
	}
	walk(r.view)
	return texts
}

func TestScreens(t *testing.T) {
	const title, host = "Sign in to Acme Studio", "login.acme.example"
	want := map[string][]string{
		"idle":     {title, "Use your phone to sign in", "Scan a code, touch the fingerprint sensor, done.", "Show the code"},
		"starting": {title, "Getting a code…"},
		"waiting": {
			host, title, "Scan with your phone's camera",
			"or open", "login.acme.example/device", "and enter", "WDJB-MJHT", "0:41", "Copy link",
		},
		"copied": {
			host, title, "Scan with your phone's camera",
			"or open", "login.acme.example/device", "and enter", "WDJB-MJHT", "0:41", "Copied",
		},
		"offline": {
			"Reconnecting, still checking", title, "Scan with your phone's camera",
			"or open", "login.acme.example/device", "and enter", "WDJB-MJHT", "0:41", "Copy link",
		},
		"scanned":    {host, title, "Confirm on your phone", "Your code", "WDJB-MJHT", "4:52", "Show a new code"},
		"confirming": {host, title, "Confirm on your phone", "Your code", "WDJB-MJHT", "4:52", "Show a new code"},
		"verifying": {
			host, title, "Type the number that your phone shows", "Your code", "WDJB-MJHT", "4:52", "Show a new code",
		},
		"approved":  {host, title, "Approved. Signing you in…"},
		"success":   {host, "Welcome, Ada", "You're signed in to Acme Studio."},
		"denied":    {host, title, "Denied on the phone.", "Nobody was signed in.", "Try again"},
		"expired":   {host, title, "This code has run out.", "Take a new one when you are ready.", "Show a new code"},
		"cancelled": {host, title, "Cancelled.", "Nobody was signed in.", "Try again"},
		"interrupted": {
			host, title, "The last step got lost.", "Your phone approved, but the answer did not arrive",
			"here. Try again with a new code.", "Try again",
		},
		"unreachable": {
			host, title, "Can't reach login.acme.example.", "Check your connection, then try again.", "Try again",
		},
		"refused": {
			host, title, "Acme Studio can't sign in here.", "Show this to whoever runs the server:",
			"the server does not know this app (invalid_client):", "register its client ID with the server's operator",
			"Try again",
		},
		"broken": {
			host, title, "Something went wrong.", "Try again. If it happens again, show this to whoever",
			"runs the server:", "desktop: the server's answer lacks a code, an", "address or a lifetime", "Try again",
		},
	}
	for _, scene := range scenes {
		t.Run(scene.name, func(t *testing.T) {
			r := newRig(t)
			scene.play(r)
			if diff := cmp.Diff(want[scene.name], r.texts()); diff != "" {
				t.Errorf("texts differ (-want +got):\n%s", diff)
			}
		})
	}
}

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

func TestCodeIsReplacedInPlace(t *testing.T) {
	r := newRig(t)
	l := r.begin()
	r.tell(l, waiting())
	before := test.WidgetRenderer(r.view.body.plate).Objects()
	place := r.view.body.plate.Position()
	r.tell(l, with(func(u *desktop.Update) {
		u.UserCode = "BCDF-GHJK"
		u.VerificationURIComplete = "https://login.acme.example/device?user_code=BCDF-GHJK"
		u.CodeExpires = epoch.Add(86 * time.Second)
	}))
	after := test.WidgetRenderer(r.view.body.plate).Objects()
	for i := range before {
		if before[i] != after[i] {
			t.Errorf("object %d of the code was built anew", i)
		}
	}
	if got := r.view.body.plate.Position(); got != place {
		t.Errorf("the code moved from %v to %v", place, got)
	}
	if got, _ := decode(t, r.capture()); got != "https://login.acme.example/device?user_code=BCDF-GHJK" {
		t.Errorf("the picture holds %q", got)
	}
	if got := r.texts(); !contains(got, "BCDF-GHJK") || contains(got, "WDJB-MJHT") || !contains(got, "1:26") {
		t.Errorf("got texts %q", got)
	}
}

func TestCodeStaysWhereItIs(t *testing.T) {
	type spot struct {
		at   fyne.Position
		size fyne.Size
	}
	var want spot
	for _, scene := range []string{"waiting", "offline", "scanned", "approved", "expired"} {
		r := newRig(t)
		play(r, scene)
		p := r.view.body.plate
		got := spot{p.Position(), p.Size()}
		if scene == "waiting" {
			want = got
		}
		if got != want {
			t.Errorf("%s: got %v, want %v as when waiting", scene, got, want)
		}
	}
}

func TestWindowKeepsItsSize(t *testing.T) {
	var want fyne.Size
	for i, scene := range scenes {
		r := newRig(t)
		scene.play(r)
		got := r.view.MinSize()
		if i == 0 {
			want = got
		}
		if got != want {
			t.Errorf("%s: got a least size of %v, want %v", scene.name, got, want)
		}
	}
	if want.Width > 400 || want.Height > 600 {
		t.Errorf("the least size %v does not fit a small laptop", want)
	}
}

func TestCountdown(t *testing.T) {
	r := newRig(t)
	l := r.begin()
	r.tell(l, waiting())
	ring := test.WidgetRenderer(r.view.body.countdown).(*countdownRenderer)
	for _, step := range []struct {
		wait  time.Duration
		text  string
		angle float32
	}{{0, "0:41", 360}, {time.Second, "0:40", 360 * 40.0 / 41}, {40 * time.Second, "0:00", 0}} {
		r.advance(step.wait)
		if got := ring.text.Text; got != step.text {
			t.Errorf("got %q, want %q", got, step.text)
		}
		if got := ring.rest.EndAngle; got < step.angle-1 || got > step.angle+1 {
			t.Errorf("at %s the ring spans %v degrees, want %v", step.text, got, step.angle)
		}
	}
	if n := r.clock.waiting(); n != 0 {
		t.Errorf("%d timers wait after the countdown", n)
	}
}

func TestFigures(t *testing.T) {
	for left, want := range map[time.Duration]string{
		0: "0:00", time.Millisecond: "0:01", time.Second: "0:01", 59*time.Second + 1: "1:00", 10 * time.Minute: "10:00",
	} {
		if got := figures(left); got != want {
			t.Errorf("%v: got %q, want %q", left, got, want)
		}
	}
}

func TestCountdownEndsWithItsRenderer(t *testing.T) {
	r := newRig(t)
	r.tell(r.begin(), waiting())
	if r.clock.waiting() != 1 {
		t.Fatalf("%d timers wait, want that of the countdown", r.clock.waiting())
	}
	test.WidgetRenderer(r.view.body.countdown).Destroy()
	if n := r.clock.waiting(); n != 0 {
		t.Errorf("%d timers wait after Destroy", n)
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

func TestSelection(t *testing.T) {
	r := newRig(t)
	r.tell(r.begin(), waiting())
	test.Tap(r.view.body.code)
	if got := r.view.body.code.SelectedText(); got != "WDJB-MJHT" {
		t.Errorf("a click on the code selects %q", got)
	}
	test.Tap(r.view.body.address)
	if got := r.view.body.code.SelectedText(); got != "" {
		t.Errorf("the code is still selected: %q", got)
	}
}

func TestAnnouncements(t *testing.T) {
	r := newRig(t)
	l := r.begin()
	r.tell(l, waiting())
	r.tell(l, waiting()) // no news
	r.tell(l, with(func(u *desktop.Update) { u.Offline = true }))
	r.tell(l, in(desktop.StateScanned))
	r.tell(l, in(desktop.StateConfirming)) // the same to a person
	r.end(l, desktop.ErrDenied)
	want := []string{
		"Use your phone to sign in. Scan a code, touch the fingerprint sensor, done",
		"Getting a code…",
		"Scan with your phone's camera. or open login.acme.example/device. and enter W, D, J, B, dash, M, J, H, T",
		"Reconnecting, still checking. Scan with your phone's camera. or open login.acme.example/device. " +
			"and enter W, D, J, B, dash, M, J, H, T",
		"Confirm on your phone. Your code W, D, J, B, dash, M, J, H, T",
		"Denied on the phone. Nobody was signed in",
	}
	if diff := cmp.Diff(want, r.said); diff != "" {
		t.Errorf("announcements differ (-want +got):\n%s", diff)
	}
}

func TestLongAddressAndTinyWindow(t *testing.T) {
	r := newRig(t)
	r.window.Resize(r.view.MinSize())
	r.tell(r.begin(), with(func(u *desktop.Update) {
		u.VerificationURI = "https://sign-in.for-everybody.some-department.acme.example/tenants/4711/device"
		u.VerificationURIComplete = u.VerificationURI + "?user_code=WDJB-MJHT"
	}))
	if got := strings.Join(r.texts(), ""); !strings.Contains(got,
		"sign-in.for-everybody.some-department.acme.example/tenants/4711/device") {
		t.Errorf("the address is not whole: %q", got)
	}
	if got, _ := decode(t, r.capture()); !strings.HasSuffix(got, "user_code=WDJB-MJHT") {
		t.Errorf("the picture holds %q", got)
	}
	b := r.view.body
	if b.address.Position().Y+b.address.Size().Height > b.code.Position().Y {
		t.Error("address and code lie over each other")
	}
}

func TestWordsAreData(t *testing.T) {
	test.NewTempApp(t)
	words := English()
	words.Title, words.ShowCode = "Bei {app} anmelden", "Code zeigen"
	v := New(Options{AppName: "Acme Studio", Words: &words})
	if got := v.body.title.Text; got != "Bei Acme Studio anmelden" {
		t.Errorf("got %q", got)
	}
	if got := v.body.button.text; got != "Code zeigen" {
		t.Errorf("got %q", got)
	}
	v = New(Options{})
	if got := v.body.title.Text; got != "Sign in" {
		t.Errorf("without a name: got %q", got)
	}
}

func TestLookFollowsTheApp(t *testing.T) {
	for variant, want := range map[fyne.ThemeVariant]uint32{theme.VariantLight: 0xffffff, theme.VariantDark: 0x171a21} {
		r := newRig(t)
		r.theme(variant)
		r.tell(r.begin(), waiting())
		card := test.WidgetRenderer(r.view.body).(*bodyRenderer).card
		if card.FillColor != rgb(want) {
			t.Errorf("variant %d: the card is %v, want %v", variant, card.FillColor, rgb(want))
		}
	}
}

func TestTextCanBeRead(t *testing.T) {
	for _, accent := range []uint32{0x3056d3, 0xffd400, 0x000000, 0xffffff, 0x777777} {
		r := newRig(t)
		l := newLook(rgb(accent))
		for _, variant := range []fyne.ThemeVariant{theme.VariantLight, theme.VariantDark} {
			r.theme(variant)
			color := func(name fyne.ThemeColorName) [2]any { return [2]any{name, l.Color(name, variant)} }
			for _, pair := range [][2][2]any{
				{color(theme.ColorNameForeground), color(colorCard)},
				{color(theme.ColorNamePlaceHolder), color(colorCard)},
				{color(theme.ColorNamePlaceHolder), color(theme.ColorNameInputBackground)},
				{color(theme.ColorNameForeground), color(theme.ColorNameInputBackground)},
				{color(theme.ColorNameWarning), color(colorWarnTint)},
				{color(theme.ColorNameForegroundOnPrimary), color(theme.ColorNamePrimary)},
				{color(colorAccentInk), color(colorCard)},
			} {
				if got := contrast(nrgba(pair[0][1]), nrgba(pair[1][1])); got < textContrast {
					t.Errorf("accent %06x, variant %d: %v on %v has a contrast of %.1f", accent, variant, pair[0][0], pair[1][0], got)
				}
			}
		}
	}
}

func contains(texts []string, want string) bool {
	for _, text := range texts {
		if text == want {
			return true
		}
	}
	return false
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
