//go:build !terminal

package main

import (
	"context"
	"errors"
	"fmt"

	"fyne.io/fyne/v2"
	fyneapp "fyne.io/fyne/v2/app"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/desktop/loginview"
)

// appID names this app's settings in Fyne.
const appID = "io.github.qrauthd.desktopdemo"

// window signs in in a window and ends when it is closed.
func (a app) window(ctx context.Context) error {
	ui := fyneapp.NewWithID(appID)
	ui.SetIcon(icon())
	ui.Settings().SetTheme(loginview.Theme(nil))
	w := ui.NewWindow(appName)
	w.SetPadded(false)
	w.Resize(fyne.NewSize(460, 700))
	w.CenterOnScreen()

	f := &face{app: a, ctx: ctx, window: w, unwatch: func() {}}
	w.SetOnClosed(f.close)
	stop := context.AfterFunc(ctx, func() { fyne.Do(w.Close) })
	defer stop()
	f.open()
	w.ShowAndRun()
	if f.told == nil { // somebody is signed in
		return nil
	}
	<-f.told
	return ctx.Err()
}

// face is what the window shows. Its methods belong on Fyne's goroutine.
type face struct {
	app
	ctx    context.Context // of the program
	window fyne.Window

	view    *loginview.View    // nil while somebody is signed in
	unwatch context.CancelFunc // of who is signed in
	told    <-chan struct{}    // closed when the server knows that a sign-in was left; nil when none was
}

// open signs in silently, or shows the code: whoever starts this app asks to sign
// in.
func (f *face) open() {
	f.window.SetContent(pause())
	go func() {
		session, err := f.client.Restore(f.ctx, f.store)
		if err == nil {
			name := nameOf(f.ctx, session)
			fyne.Do(func() { f.greet(session, name) })
			return
		}
		if !errors.Is(err, desktop.ErrNoSession) && f.ctx.Err() == nil {
			fmt.Fprintf(f.stderr, "The kept session can't be used, so sign in anew (%v).\n", err)
		}
		fyne.Do(func() {
			f.login()
			f.view.Start()
		})
	}()
}

// login shows the sign-in screen.
func (f *face) login() {
	f.view = loginview.New(loginview.Options{
		Client:     f.client,
		AppName:    appName,
		OnSignedIn: func(s *desktop.Session) { go f.keep(s) },
		OnWelcomed: func(s *desktop.Session) {
			go func() {
				name := nameOf(f.ctx, s)
				fyne.Do(func() { f.greet(s, name) })
			}()
		},
	})
	f.window.SetContent(f.view)
}

// keep runs on a goroutine of its own: a keychain may ask the person first.
func (f *face) keep(s *desktop.Session) {
	if err := s.Save(f.store); err != nil {
		fmt.Fprintf(f.stderr, "You are signed in, but the next start will ask again (%v).\n", err)
	}
}

// greet shows the app: all that this one does is to say hello.
func (f *face) greet(s *desktop.Session, name string) {
	if f.view != nil {
		f.view.Close()
		f.view = nil
	}
	f.window.SetContent(hello(name, func() { f.signOut(s) }))
	ctx, stop := context.WithCancel(f.ctx)
	f.unwatch = stop
	go func() {
		err := s.Watch(ctx)
		fyne.Do(func() {
			if ctx.Err() == nil { // and nobody has signed out here, or closed the window
				f.ended(err)
			}
		})
	}()
}

// ended says that the session is over, and waits for the person.
func (f *face) ended(err error) {
	f.unwatch()
	sentence := "You were signed out\nfrom your phone."
	if !errors.Is(err, desktop.ErrSignedOut) {
		sentence = "Your sign-in has run out."
	}
	farewell(f.window, sentence, func() {
		f.login()
		f.view.Start()
	})
}

func (f *face) signOut(s *desktop.Session) {
	f.unwatch()
	f.window.SetContent(pause())
	go func() {
		ctx, stop := context.WithTimeout(f.ctx, greetLimit)
		defer stop()
		if err := s.SignOut(ctx); err != nil {
			fmt.Fprintf(f.stderr, "You are signed out here, but the server may not know it yet (%v).\n", err)
		}
		fyne.Do(f.login) // and wait: nobody has asked for a code
	}()
}

// close ends the sign-in screen, or the watching, with the window.
func (f *face) close() {
	f.unwatch()
	if f.view != nil {
		f.told = f.view.Close()
	}
}
