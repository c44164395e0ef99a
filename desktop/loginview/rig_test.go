package loginview

import (
	"context"
	"errors"
	"image"
	"image/color"
	"strings"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"github.com/qrauthd/qrauthd/desktop"
)

// fakeLogin is a login that the test tells how it goes.
type fakeLogin struct {
	ctx     context.Context
	here    bool // in this computer's browser
	updates chan desktop.Update
	ended   chan struct{}
	session *desktop.Session
	err     error

	numbers  chan string // typed, on their way to the server
	outcomes chan error  // of each

	once      sync.Once // for end
	name      string
	discarded chan *desktop.Session

	mu      sync.Mutex // guards current
	current desktop.Update
}

func (l *fakeLogin) Updates() <-chan desktop.Update { return l.updates }
func (l *fakeLogin) Done() <-chan struct{}          { return l.ended }

func (l *fakeLogin) Wait(context.Context) (*desktop.Session, error) {
	<-l.ended
	return l.session, l.err
}

func (l *fakeLogin) greet(context.Context, *desktop.Session) string { return l.name }
func (l *fakeLogin) discard(_ context.Context, s *desktop.Session)  { l.discarded <- s }

func (l *fakeLogin) ConfirmNumber(_ context.Context, number string) error {
	l.numbers <- number
	select {
	case err := <-l.outcomes:
		return err
	case <-l.ended:
		return l.err
	}
}

// Current is the newest update, which is told here only with a number's outcome.
func (l *fakeLogin) Current() desktop.Update {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current
}

// end ends the login with a session or an error.
func (l *fakeLogin) end(s *desktop.Session, err error) {
	l.once.Do(func() {
		l.session, l.err = s, err
		close(l.updates)
		close(l.ended)
	})
}

// rig is a view in a window, with everything around it in the test's hand.
type rig struct {
	t      *testing.T
	view   *View
	window fyne.Window
	clock  *fakeClock
	jobs   chan func() // for Fyne's goroutine, which is the test's

	starts   chan *fakeLogin // each start that was asked for
	startErr error
	phone    bool // the server offers no browser
	opened   []string
	openErr  error

	signedIn, welcomed []*desktop.Session
	said               []string
}

// start implements starter.
func (r *rig) start(ctx context.Context) (login, error) { return r.asked(ctx, new(fakeLogin)) }

// startHere implements starter.
func (r *rig) startHere(ctx context.Context) (login, error) {
	return r.asked(ctx, &fakeLogin{here: true})
}

// offersHere implements starter.
func (r *rig) offersHere(context.Context) bool { return !r.phone }

func (r *rig) asked(ctx context.Context, l *fakeLogin) (login, error) {
	if r.startErr != nil {
		return nil, r.startErr
	}
	l.ctx, l.updates, l.ended = ctx, make(chan desktop.Update), make(chan struct{})
	l.name, l.discarded = "Ada", make(chan *desktop.Session, 1)
	l.numbers, l.outcomes = make(chan string, 1), make(chan error)
	select {
	case r.starts <- l:
		context.AfterFunc(ctx, func() { l.end(nil, desktop.ErrCancelled) })
		return l, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// forced holds a theme to one variant.
type forced struct {
	fyne.Theme
	variant fyne.ThemeVariant
}

func (f forced) Color(name fyne.ThemeColorName, _ fyne.ThemeVariant) color.Color {
	return f.Theme.Color(name, f.variant)
}

func newRig(t *testing.T) *rig {
	t.Helper()
	app := test.NewTempApp(t)
	app.Settings().SetTheme(forced{theme.DefaultTheme(), theme.VariantLight})
	r := &rig{
		t:      t,
		clock:  &fakeClock{now: epoch, timers: map[int]fakeTimer{}},
		jobs:   make(chan func(), 100),
		starts: make(chan *fakeLogin),
	}
	r.view = newView(Options{
		AppName:    "Acme Studio",
		OnSignedIn: func(s *desktop.Session) { r.signedIn = append(r.signedIn, s) },
		OnWelcomed: func(s *desktop.Session) { r.welcomed = append(r.welcomed, s) },
		Announce:   func(s string) { r.said = append(r.said, s) },
	}, r, r.clock.clock(), func(f func()) { r.jobs <- f })
	r.view.open = func(link string) error {
		r.opened = append(r.opened, link)
		return r.openErr
	}
	r.window = app.NewWindow("test")
	r.window.SetPadded(false)
	r.window.SetContent(r.view)
	r.window.Resize(fyne.NewSize(460, 640))
	t.Cleanup(func() {
		ended := r.view.Close()
		for open := true; open; {
			select {
			case f := <-r.jobs:
				f()
			case <-ended:
				open = false
			}
		}
		r.window.Close()
	})
	return r
}

// run does the next thing that waits for Fyne's goroutine.
func (r *rig) run() {
	r.t.Helper()
	select {
	case f := <-r.jobs:
		f()
	case <-time.After(10 * time.Second):
		r.t.Fatal("nothing came to Fyne's goroutine")
	}
}

// begin presses on until the server has been asked.
func (r *rig) begin() *fakeLogin {
	r.t.Helper()
	r.view.Start()
	return r.started()
}

func (r *rig) started() *fakeLogin {
	r.t.Helper()
	select {
	case l := <-r.starts:
		return l
	case <-time.After(10 * time.Second):
		r.t.Fatal("no sign-in was begun")
		return nil
	}
}

// noStart says that nothing was begun unasked.
func (r *rig) noStart() {
	r.t.Helper()
	if r.view.attempt != nil {
		r.t.Fatal("a sign-in is under way that nobody asked for")
	}
}

// tell brings an update to the screen.
func (r *rig) tell(l *fakeLogin, u desktop.Update) {
	r.t.Helper()
	l.updates <- u
	for r.view.moment.stage != stageLive || r.view.moment.update != u {
		r.run()
	}
}

// end brings the end to the screen.
func (r *rig) end(l *fakeLogin, err error) {
	r.t.Helper()
	l.end(nil, err)
	r.until(stageOver)
}

// number types into the boxes as the keyboard does, and wants it to be on its way.
func (r *rig) number(l *fakeLogin, number string) {
	r.t.Helper()
	for _, digit := range number {
		r.window.Canvas().Focused().TypedRune(digit)
	}
	select {
	case got := <-l.numbers:
		if got != number {
			r.t.Fatalf("the number on its way is %q, want %q", got, number)
		}
	case <-time.After(10 * time.Second):
		r.t.Fatalf("the number %q was not sent", number)
	}
}

// outcome tells what came of the number.
func (r *rig) outcome(l *fakeLogin, err error, u desktop.Update) {
	r.t.Helper()
	l.mu.Lock()
	l.current = u
	l.mu.Unlock()
	l.outcomes <- err
	r.run()
}

// until runs on to a stage. News of a sign-in that was left may come first.
func (r *rig) until(s stage) {
	r.t.Helper()
	for r.view.moment.stage != s {
		r.run()
	}
}

// advance moves the clock, second by second as time does.
func (r *rig) advance(d time.Duration) {
	for end := r.clock.now.Add(d); r.clock.now.Before(end); {
		r.clock.mu.Lock()
		r.clock.now = r.clock.now.Add(time.Second)
		var due []func()
		for id, timer := range r.clock.timers {
			if !timer.at.After(r.clock.now) {
				due = append(due, timer.f)
				delete(r.clock.timers, id)
			}
		}
		r.clock.mu.Unlock()
		for _, f := range due {
			f()
		}
		for len(r.jobs) > 0 {
			(<-r.jobs)()
		}
	}
}

func (r *rig) theme(v fyne.ThemeVariant) {
	fyne.CurrentApp().Settings().SetTheme(forced{theme.DefaultTheme(), v})
	r.view.Refresh()
	r.view.override.Refresh()
}

func (r *rig) capture() image.Image { return r.window.Canvas().Capture() }

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

// waiting is a login whose code can be scanned.
func waiting() desktop.Update {
	return desktop.Update{
		State:                   desktop.StatePending,
		UserCode:                "WDJB-MJHT",
		VerificationURI:         "https://login.acme.example/device",
		VerificationURIComplete: "https://login.acme.example/device?user_code=WDJB-MJHT",
		CodeExpires:             epoch.Add(41 * time.Second),
		Expires:                 epoch.Add(292 * time.Second),
		Pushed:                  true,
	}
}

// inBrowser is a login that goes on in this computer's browser.
func inBrowser() desktop.Update {
	return desktop.Update{
		State:                   desktop.StatePending,
		Here:                    true,
		VerificationURI:         "https://login.acme.example/authorize",
		VerificationURIComplete: "https://login.acme.example/authorize?state=s",
		CodeExpires:             epoch.Add(600 * time.Second),
		Expires:                 epoch.Add(600 * time.Second),
	}
}

func with(change func(*desktop.Update)) desktop.Update {
	u := waiting()
	change(&u)
	return u
}

func in(s desktop.State) desktop.Update {
	return with(func(u *desktop.Update) { u.State = s })
}

// awaiting is a login that awaits the number, with some tries left.
func awaiting(left int) desktop.Update {
	return with(func(u *desktop.Update) { u.State, u.TriesLeft = desktop.StateVerifying, left })
}

var errOdd = errors.New("desktop: the server's answer lacks a code, an address or a lifetime")
