package loginview

import (
	"context"
	"image/color"
	"net/url"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/qrauthd/qrauthd/desktop"
)

const (
	copiedFor  = 2 * time.Second         // how long the button says "Copied"
	welcomeFor = 1500 * time.Millisecond // how long the welcome stands before the app comes
	greetLimit = 3 * time.Second         // how long the server may take to tell the name
	settleFor  = 500 * time.Millisecond  // how long a button that has become another is not pressed
)

// Options is what a View needs. Its functions are called on Fyne's goroutine.
type Options struct {
	// Client starts the sign-ins.
	Client *desktop.Client
	// AppName is what the person is signing in to.
	AppName string
	// OnSignedIn gets the session as soon as there is one: keep it here, and off
	// Fyne's goroutine where keeping may take time. The view goes on to greet the
	// person.
	OnSignedIn func(*desktop.Session)
	// OnWelcomed is called when the welcome has been seen for a moment: show the
	// app here.
	OnWelcomed func(*desktop.Session)
	// Announce gets each screen in words, and the code letter by letter, for apps
	// that can speak to people who don't see the screen: Fyne can't.
	Announce func(sentence string)
	// Accent colours the buttons and the icons. The default is that of the phone's
	// pages.
	Accent color.Color
	// HideHere leaves the sign-in to phones. By default a quiet button below the code
	// offers this computer's browser, where the server does: it needs the redirect URI
	// http://127.0.0.1/callback of this app.
	HideHere bool
	// Words are the sentences. The default is English.
	Words *Words
}

// View is the widget. Its methods belong on Fyne's goroutine.
//
// A view that is removed from its window goes on, so that it can come back, and
// draws and counts nothing meanwhile. Call Close when it is not needed anymore.
type View struct {
	widget.BaseWidget

	opts    Options
	words   Words
	starter starter
	clock   clock
	do      func(func()) // runs on Fyne's goroutine
	open    func(link string) error

	body     *body
	override *container.ThemeOverride

	moment    moment
	shown     screen
	settled   time.Time // when the button may be pressed
	attempt   *attempt  // nil when none is under way
	next      *attempt  // takes its place once the browser is open; nil but for that moment
	offered   bool      // the server can sign in in the browser
	unopened  bool      // which has not opened by itself
	checking  bool      // a number is with the server
	miss      miss      // what came of the number before
	stopTimer func() bool
	timerTurn int // tells a stopped timer's late call from that of the next
	closed    bool
}

var _ fyne.Widget = (*View)(nil)

// New returns a view that waits for Start, or for the person to press its button.
func New(opts Options) *View {
	return newView(opts, clientStarter{opts.Client}, systemClock(), fyne.Do)
}

func newView(opts Options, s starter, c clock, do func(func())) *View {
	v := &View{
		opts: opts, words: English(), starter: s, clock: c, do: do, open: openLink,
		stopTimer: func() bool { return true },
	}
	if opts.Words != nil {
		v.words = *opts.Words
	}
	v.ExtendBaseWidget(v)
	v.body = newBody(v)
	v.override = container.NewThemeOverride(v.body, inApp{newLook(opts.Accent)})
	v.show(moment{stage: stageIdle})
	return v
}

// CreateRenderer implements fyne.Widget.
func (v *View) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(v.override)
}

// Start begins a sign-in. Call it because the person asked for one, or chose to
// open the screen (RFC 8628 section 3.1). While one is under way, and after
// Close, it does nothing.
func (v *View) Start() {
	if v.closed || v.attempt != nil {
		return
	}
	v.attempt = v.try(v.starter.start)
	v.show(moment{stage: stageStarting})
}

// try begins a sign-in on a goroutine of its own.
func (v *View) try(begin func(context.Context) (login, error)) *attempt {
	ctx, cancel := context.WithCancel(context.Background())
	a := &attempt{view: v, begin: begin, cancel: cancel, ended: make(chan struct{})}
	go a.run(ctx)
	return a
}

// turnHere is the person's wish to sign in in this computer's browser. The code
// stays on the screen, and good, until the browser is open.
func (v *View) turnHere() {
	if v.attempt != nil && v.next == nil {
		v.next = v.try(v.starter.startHere)
	}
}

// enter opens the browser and lets go of the sign-in by phone, unless that is
// about to bring the tokens: then it reports false.
func (v *View) enter(link string) bool {
	if v.moment.update.State == desktop.StateApproved {
		v.next.cancel()
		v.next = nil
		return false
	}
	v.attempt.cancel()
	v.attempt, v.next = v.next, nil
	v.unopened = v.open(link) != nil
	return true
}

// openLink opens a link in the system's browser.
func openLink(link string) error {
	u, err := url.Parse(link)
	if err != nil {
		return err
	}
	return fyne.CurrentApp().OpenURL(u)
}

// Cancel gives up the sign-in under way, and the server is told.
func (v *View) Cancel() {
	if v.attempt == nil {
		return
	}
	v.drop()
	v.show(moment{stage: stageOver, update: v.moment.update, err: desktop.ErrCancelled})
}

// Close ends the view: a sign-in under way is cancelled, and no function of the
// options is called anymore. The channel closes when the server has been told,
// which takes three seconds at most; a program that is about to exit waits for it.
func (v *View) Close() <-chan struct{} {
	v.closed = true
	v.stopTimer()
	v.body.countdown.setDeadline(time.Time{})
	done := make(chan struct{})
	attempts := v.drop()
	go func() {
		defer close(done)
		for _, a := range attempts {
			<-a.ended
		}
	}()
	return done
}

// CopyLink puts the link of the moment on the clipboard. An app may offer it by
// a shortcut or a menu of its own. Without a code on the screen it does nothing.
func (v *View) CopyLink() {
	if v.shown.deed != deedCopy {
		return
	}
	fyne.CurrentApp().Clipboard().SetContent(v.shown.copy)
	v.body.button.setText(v.words.Copied, iconCheck)
	v.announce(v.words.Copied)
	v.later(copiedFor, func() { v.body.button.setText(v.shown.button, iconNone) })
}

// drop forgets the sign-in under way, and returns what is left of it.
func (v *View) drop() (attempts []*attempt) {
	for _, a := range []*attempt{v.attempt, v.next} {
		if a != nil {
			a.cancel()
			attempts = append(attempts, a)
		}
	}
	v.attempt, v.next = nil, nil
	return attempts
}

// renew is the person's wish for a new code.
func (v *View) renew() {
	v.drop()
	v.Start()
}

// act is the button. A press that was meant for the button before it is none:
// who copies the link just when the phone scans does not want a new code.
func (v *View) act() { v.perform(v.shown.deed) }

// actSecond is the quiet button.
func (v *View) actSecond() { v.perform(v.shown.secondDeed) }

func (v *View) perform(d deed) {
	if v.clock.now().Before(v.settled) {
		return
	}
	switch d {
	case deedStart:
		v.renew()
	case deedCopy:
		v.CopyLink()
	case deedHere:
		v.turnHere()
	case deedCancel:
		v.Cancel()
	case deedReopen:
		v.unopened = v.open(v.moment.update.Link()) != nil
		v.updated(v.moment.update)
	}
}

// show makes the moment the one on the screen.
func (v *View) show(m moment) {
	before := v.shown
	m.offered, m.unopened, m.checking, m.miss = v.offered, v.unopened, v.checking, v.miss
	v.moment = m
	v.shown = screenOf(m, v.words, v.opts.AppName)
	if !v.shown.number {
		v.checking, v.miss = false, missNone
		v.body.digits.clear()
	}
	changed := v.shown.deed != before.deed
	if changed {
		v.stopTimer() // of "Copied"
	}
	if changed && (before.deed == deedCopy || v.shown.deed == deedCancel) || v.shown.secondDeed != before.secondDeed && before.secondDeed != deedNone {
		v.settled = v.clock.now().Add(settleFor)
	}
	v.body.show(v.shown)
	// Fyne forgets the theme of what was out of sight for a minute, such as the
	// button of another screen.
	v.override.Refresh()
	v.mindFocus(before)
	if said := v.shown.spoken(v.words); said != before.spoken(v.words) && !v.closed {
		v.announce(said)
	}
}

// mindFocus takes the keyboard away from what is not there anymore, and gives it
// to the one thing to do, unless something else of the app has it.
func (v *View) mindFocus(before screen) {
	c := fyne.CurrentApp().Driver().CanvasForObject(v)
	if c == nil {
		return
	}
	focused := c.Focused()
	own, ours := focused.(fyne.CanvasObject)
	ours = ours && v.body.holds(own)
	switch {
	case v.shown.main && v.moment.stage == stageOver && (focused == nil || ours):
		c.Focus(v.body.button)
	case v.shown.number && !before.number && (focused == nil || ours):
		c.Focus(v.body.digits)
	case ours && !own.Visible():
		c.Unfocus()
	}
}

func (v *View) announce(sentence string) {
	if v.opts.Announce != nil {
		v.opts.Announce(sentence)
	}
}

// later calls f on Fyne's goroutine. There is one such timer: a new one, another
// screen or Close takes the place of the old.
func (v *View) later(d time.Duration, f func()) {
	v.stopTimer()
	v.timerTurn++
	turn := v.timerTurn
	stop := v.clock.after(d, func() {
		v.do(func() {
			if turn == v.timerTurn {
				f()
			}
		})
	})
	v.stopTimer = func() bool {
		v.timerTurn++
		return stop()
	}
}

// The news of an attempt, on Fyne's goroutine.

func (v *View) updated(u desktop.Update) {
	if u.Here && v.next != nil && !v.enter(u.Link()) {
		return
	}
	v.show(moment{stage: stageLive, update: u})
}

func (v *View) signedIn(s *desktop.Session) {
	if v.moment.update.State != desktop.StateApproved {
		u := v.moment.update
		u.State, u.Offline = desktop.StateApproved, false
		v.updated(u)
	}
	if v.opts.OnSignedIn != nil {
		v.opts.OnSignedIn(s)
	}
}

func (v *View) welcomed(s *desktop.Session, name string) {
	v.drop()
	v.show(moment{stage: stageWelcome, update: v.moment.update, name: name})
	v.later(welcomeFor, func() {
		if v.opts.OnWelcomed != nil {
			v.opts.OnWelcomed(s)
		}
	})
}

func (v *View) ended(err error) {
	v.drop()
	v.show(moment{stage: stageOver, update: v.moment.update, err: err})
}
