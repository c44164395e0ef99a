package loginview_test

import (
	"log"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test" // a real app takes package fyne.io/fyne/v2/app
	"fyne.io/fyne/v2/widget"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/desktop/keychain"
	"github.com/qrauthd/qrauthd/desktop/loginview"
)

func Example() {
	window := test.NewApp().NewWindow("Acme Studio")
	client, err := desktop.New(desktop.Config{Issuer: "https://login.acme.example", ClientID: "acme-studio"})
	if err != nil {
		log.Fatal(err)
	}
	view := loginview.New(loginview.Options{
		Client:     client,
		AppName:    "Acme Studio",
		OnSignedIn: func(s *desktop.Session) { go func() { _ = s.Save(keychain.System("acme-studio")) }() },
		OnWelcomed: func(s *desktop.Session) { window.SetContent(widget.NewLabel("Hello!")) },
	})
	window.SetContent(view)
	window.Resize(fyne.NewSize(460, 700))
	window.SetOnClosed(func() { <-view.Close() })
	window.ShowAndRun() // the person presses "Show the code"; view.Start() does it for them
}
