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

// farewell is the screen of somebody who was signed out elsewhere. Return signs in
// again too, as on the sign-in screen; the button itself has no focus, for the colours
// of one that has are hard to read.
func farewell(w fyne.Window, sentence string, again func()) {
	leave := func() {
		w.Canvas().SetOnTypedKey(nil)
		again()
	}
	button := widget.NewButton("Sign in again", leave)
	button.Importance = widget.HighImportance
	w.SetContent(page(sentence, "Sign in again to go on.", button))
	w.Canvas().SetOnTypedKey(func(key *fyne.KeyEvent) {
		if key.Name == fyne.KeyReturn || key.Name == fyne.KeyEnter {
			leave()
		}
	})
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
