package loginview

import (
	"testing"

	"fyne.io/fyne/v2/test"
)

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
