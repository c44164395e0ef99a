//go:build !terminal

package main

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"github.com/qrauthd/qrauthd/desktop/loginview"
)

func TestFarewell(t *testing.T) {
	app := test.NewTempApp(t)
	app.Settings().SetTheme(loginview.Theme(nil))
	for _, key := range []fyne.KeyName{fyne.KeyReturn, fyne.KeyEnter} {
		pressed := 0
		w := app.NewWindow(appName)
		farewell(w, "You were signed out\nfrom your phone.", func() { pressed++ })
		w.Canvas().OnTypedKey()(&fyne.KeyEvent{Name: fyne.KeySpace})
		w.Canvas().OnTypedKey()(&fyne.KeyEvent{Name: key})
		if pressed != 1 || w.Canvas().OnTypedKey() != nil {
			t.Errorf("%s signs in %d times, want once, and no more after that", key, pressed)
		}
		w.Close()
	}
}

func TestHello(t *testing.T) {
	app := test.NewTempApp(t)
	app.Settings().SetTheme(loginview.Theme(nil))
	pressed := false
	w := app.NewWindow(appName)
	defer w.Close()
	w.SetContent(hello("Ada", func() { pressed = true }))

	var words []string
	for _, o := range test.LaidOutObjects(w.Content()) {
		switch o := o.(type) {
		case *widget.Label:
			words = append(words, o.Text)
		case *widget.Button:
			words = append(words, o.Text)
			o.Tapped(&fyne.PointEvent{})
		}
	}
	if len(words) != 3 || words[0] != "Sign out" && words[0] != "Welcome, Ada" {
		t.Errorf("got words %q", words)
	}
	if !pressed {
		t.Error("Sign out does nothing")
	}
}
