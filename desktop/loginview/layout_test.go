package loginview

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/qrauthd/qrauthd/desktop"
)

func TestCodeIsReplacedInPlace(t *testing.T) {
	r := newRig(t)
	l := r.begin()
	r.tell(l, waiting())
	before := test.WidgetRenderer(r.view.body.plate).Objects()
	place := r.view.body.plate.Position()
	r.tell(l, with(func(u *desktop.Update) {
		u.UserCode = "BCDF-GHJK"
		u.VerificationURIComplete = "https://login.acme.example/device?user_code=BCDF-GHJK"
		u.CodeExpires = epoch.Add(86 * time.Second)
	}))
	after := test.WidgetRenderer(r.view.body.plate).Objects()
	for i := range before {
		if before[i] != after[i] {
			t.Errorf("object %d of the code was built anew", i)
		}
	}
	if got := r.view.body.plate.Position(); got != place {
		t.Errorf("the code moved from %v to %v", place, got)
	}
	if got, _ := decode(t, r.capture()); got != "https://login.acme.example/device?user_code=BCDF-GHJK" {
		t.Errorf("the picture holds %q", got)
	}
	if got := r.texts(); !slices.Contains(got, "BCDF-GHJK") || slices.Contains(got, "WDJB-MJHT") || !slices.Contains(got, "1:26") {
		t.Errorf("got texts %q", got)
	}
}

func TestCodeStaysWhereItIs(t *testing.T) {
	type spot struct {
		at   fyne.Position
		size fyne.Size
	}
	var want spot
	for _, scene := range []string{"waiting", "offline", "scanned", "approved", "expired", "here", "here, approved"} {
		r := newRig(t)
		play(r, scene)
		p := r.view.body.plate
		got := spot{p.Position(), p.Size()}
		if scene == "waiting" {
			want = got
		}
		if got != want {
			t.Errorf("%s: got %v, want %v as when waiting", scene, got, want)
		}
	}
}

func TestWindowKeepsItsSize(t *testing.T) {
	var want fyne.Size
	for i, scene := range scenes {
		r := newRig(t)
		scene.play(r)
		got := r.view.MinSize()
		if i == 0 {
			want = got
		}
		if got != want {
			t.Errorf("%s: got a least size of %v, want %v", scene.name, got, want)
		}
	}
	if want.Width > 400 || want.Height > 600 {
		t.Errorf("the least size %v does not fit a small laptop", want)
	}
}

func TestLongAddressAndTinyWindow(t *testing.T) {
	r := newRig(t)
	r.window.Resize(r.view.MinSize())
	r.tell(r.begin(), with(func(u *desktop.Update) {
		u.VerificationURI = "https://sign-in.for-everybody.some-department.acme.example/tenants/4711/device"
		u.VerificationURIComplete = u.VerificationURI + "?user_code=WDJB-MJHT"
	}))
	if got := strings.Join(r.texts(), ""); !strings.Contains(got,
		"sign-in.for-everybody.some-department.acme.example/tenants/4711/device") {
		t.Errorf("the address is not whole: %q", got)
	}
	if got, _ := decode(t, r.capture()); !strings.HasSuffix(got, "user_code=WDJB-MJHT") {
		t.Errorf("the picture holds %q", got)
	}
	b := r.view.body
	if b.address.Position().Y+b.address.Size().Height > b.code.Position().Y {
		t.Error("address and code lie over each other")
	}
}
