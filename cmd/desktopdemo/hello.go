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
	welcome := widget.NewLabelWithStyle("Welcome, "+name, fyne.TextAlignCenter, fyne.TextStyle{Bold: true})
	welcome.SizeName = theme.SizeNameHeadingText
	welcome.Wrapping = fyne.TextWrapWord
	note := widget.NewLabelWithStyle("You're signed in to "+appName+".", fyne.TextAlignCenter, fyne.TextStyle{})
	note.Wrapping = fyne.TextWrapWord
	note.Importance = widget.LowImportance
	button := widget.NewButton("Sign out", signOut)
	foot := container.New(layout.NewCustomPaddedLayout(0, 40, 40, 40), button)
	middle := container.NewVBox(layout.NewSpacer(), welcome, note, layout.NewSpacer())
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
