package loginview

import (
	"testing"

	"fyne.io/fyne/v2/test"
)

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
