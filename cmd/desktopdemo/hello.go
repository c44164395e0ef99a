//go:build !terminal

package main

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// hello is the app's one screen.
func hello(name string, signOut func()) fyne.CanvasObject {
	return page("Welcome, "+name, "You're signed in to "+appName+".", widget.NewButton("Sign out", signOut))
}

// farewell is the screen of somebody who was signed out elsewhere.
func farewell(sentence string, again *action) fyne.CanvasObject {
	return page(sentence, "Sign in again to go on.", again)
}

// page is a sentence, a note under it, and one thing to do.
func page(sentence, note string, button fyne.CanvasObject) fyne.CanvasObject {
	lead := widget.NewLabelWithStyle(sentence, fyne.TextAlignCenter, fyne.TextStyle{Bold: true})
	lead.SizeName = theme.SizeNameHeadingText
	lead.Wrapping = fyne.TextWrapWord
	under := widget.NewLabelWithStyle(note, fyne.TextAlignCenter, fyne.TextStyle{})
	under.Wrapping = fyne.TextWrapWord
	under.Importance = widget.LowImportance
	foot := container.New(layout.NewCustomPaddedLayout(0, 40, 40, 40), button)
	middle := container.NewVBox(layout.NewSpacer(), lead, under, layout.NewSpacer())
	return container.NewBorder(nil, foot, nil, nil, middle)
}

// action is a button that Return presses too, as on the sign-in screen.
type action struct{ widget.Button }

func newAction(text string, tapped func()) *action {
	a := &action{}
	a.Text, a.OnTapped = text, tapped
	a.ExtendBaseWidget(a)
	return a
}

// TypedKey implements fyne.Focusable.
func (a *action) TypedKey(ev *fyne.KeyEvent) {
	switch ev.Name {
	case fyne.KeyReturn, fyne.KeyEnter:
		a.Tapped(nil)
	default:
		a.Button.TypedKey(ev)
	}
}

// pause is the window while the server is asked.
func pause() fyne.CanvasObject {
	dots := widget.NewActivity()
	dots.Start()
	return container.NewCenter(dots)
}

// icon is the product's mark.
func icon() fyne.Resource {
	return fyne.NewStaticResource("desktopdemo.svg", []byte(
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="256" height="256">`+
			`<rect width="32" height="32" rx="9" ry="9" fill="#3056d3"/>`+
			`<circle cx="16" cy="16" r="9.75" fill="#ffffff"/><circle cx="16" cy="16" r="7.25" fill="#3056d3"/>`+
			`<circle cx="16" cy="16" r="3.5" fill="#ffffff"/></svg>`))
}
