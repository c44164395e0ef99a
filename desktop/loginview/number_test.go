package loginview

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/desktop"
)

func TestANumberIsTypedAndSentByItself(t *testing.T) {
	r := newRig(t)
	l := r.begin()
	r.tell(l, in(desktop.StateConfirming))
	r.tell(l, awaiting(3)) // and the boxes have the keyboard
	r.number(l, "07")
	r.window.Canvas().Focused().TypedRune('1') // too late
	r.outcome(l, nil, in(desktop.StateApproved))
	if got := r.view.body.note.Text; got != "Checking…" {
		t.Errorf("between the outcome and the approval: got %q", got)
	}
	r.tell(l, in(desktop.StateApproved))
	if got := r.view.body.lead.Text; got != "Approved. Signing you in…" {
		t.Errorf("got %q", got)
	}
	if r.window.Canvas().Focused() != nil {
		t.Error("the boxes are gone and have the keyboard")
	}
	if len(l.numbers) != 0 {
		t.Errorf("another number is on its way: %q", <-l.numbers)
	}
}

func TestAWrongNumberClearsTheBoxes(t *testing.T) {
	r := newRig(t)
	l := r.begin()
	r.tell(l, awaiting(3))
	r.number(l, "74")
	r.outcome(l, desktop.ErrWrongNumber, awaiting(2))
	d := r.view.body.digits
	if d.number() != "" || d.at != 0 || r.window.Canvas().Focused() != fyne.Focusable(d) {
		t.Errorf("the boxes hold %q, marked is %d", d.number(), d.at)
	}
	if got := r.view.body.note.Text; got != "That's not the number. 2 tries left." {
		t.Errorf("got %q", got)
	}
	r.tell(l, with(func(u *desktop.Update) { u.State, u.TriesLeft, u.Offline = desktop.StateVerifying, 2, true }))
	if got := r.view.body.note.Text; got != "That's not the number. 2 tries left." {
		t.Errorf("after other news: got %q", got)
	}
	r.number(l, "48")
	r.outcome(l, desktop.ErrWrongNumber, awaiting(1))
	if got := r.view.body.note.Text; got != "That's not the number. 1 try left." {
		t.Errorf("got %q", got)
	}
	r.number(l, "00")
	end := fmt.Errorf("%w (%w)", desktop.ErrDenied, desktop.ErrWrongNumber)
	r.outcome(l, end, with(func(u *desktop.Update) { u.State, u.Err = desktop.StateDenied, end }))
	r.end(l, end)
	if got := r.view.body.lead.Text; got != "Denied: the numbers didn't match." {
		t.Errorf("got %q", got)
	}
}

func TestANumberThatGotLostIsAskedForAgain(t *testing.T) {
	r := newRig(t)
	l := r.begin()
	r.tell(l, awaiting(3))
	r.number(l, "47")
	r.outcome(l, desktop.ErrOffline, awaiting(3))
	if got := r.view.body.note.Text; got != "That did not get through. Type it again." {
		t.Errorf("got %q", got)
	}
	r.number(l, "47")
}

func TestTheNextSignInKnowsNothingOfTheNumber(t *testing.T) {
	r := newRig(t)
	l := r.begin()
	r.tell(l, awaiting(3))
	r.number(l, "74")
	r.advance(time.Second)
	test.Tap(r.view.body.button) // Cancel
	<-l.ctx.Done()
	if got := r.view.body.lead.Text; got != "Cancelled." {
		t.Fatalf("got %q", got)
	}
	r.advance(time.Second)
	test.Tap(r.view.body.button) // Try again
	again := r.started()
	r.tell(again, awaiting(3))
	if got := r.view.body.digits; got.number() != "" || got.busy || got.wrong {
		t.Errorf("the boxes hold %q, busy: %v, wrong: %v", got.number(), got.busy, got.wrong)
	}
	if got := r.view.body.note.Text; got != "It is on the page where you approved." {
		t.Errorf("got %q", got)
	}
	r.number(again, "47")
}

func TestALatePressForANewCodeIsNoCancel(t *testing.T) {
	r := newRig(t)
	l := r.begin()
	r.tell(l, in(desktop.StateScanned))
	r.tell(l, awaiting(3))
	test.Tap(r.view.body.button)
	if l.ctx.Err() != nil {
		t.Error("the press ended the sign-in")
	}
}

// keys types into boxes: digits and other runes by themselves, < for Backspace, x for
// Delete, arrows by l and r.
func keys(d *digits, typed string) {
	special := map[rune]fyne.KeyName{'<': fyne.KeyBackspace, 'x': fyne.KeyDelete, 'l': fyne.KeyLeft, 'r': fyne.KeyRight}
	for _, k := range typed {
		if name, ok := special[k]; ok {
			d.TypedKey(&fyne.KeyEvent{Name: name})
			continue
		}
		d.TypedRune(k)
	}
}

func TestTheBoxesAreFilled(t *testing.T) {
	cases := []struct {
		name, typed string
		want        string
		at          int
		sent        []string
	}{
		{"one digit", "4", "4", 1, nil},
		{"both", "47", "47", 1, []string{"47"}},
		{"a zero first", "07", "07", 1, []string{"07"}},
		{"with what is no digit between", "a4-. 7", "47", 1, []string{"47"}},
		{"wide digits", "４７", "47", 1, []string{"47"}},
		{"digits of another script are none", "٤٧", "", 0, nil},
		{"one taken back", "4<", "", 0, nil},
		{"one taken back and another", "4<74", "74", 1, []string{"74"}},
		{"taken back more often than typed", "4<<<", "", 0, nil},
		{"deleted in place", "4lx", "", 0, nil},
		{"the second first", "r74", "47", 0, []string{"47"}},
		{"the first replaced", "4l57", "57", 1, []string{"57"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			test.NewTempApp(t)
			var sent []string
			d := newDigits(func(number string) { sent = append(sent, number) }, func(string) {})
			keys(d, tc.typed)
			if d.number() != tc.want || d.at != tc.at {
				t.Errorf("got %q, marked is %d, want %q and %d", d.number(), d.at, tc.want, tc.at)
			}
			if diff := cmp.Diff(tc.sent, sent); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

func TestANumberIsPasted(t *testing.T) {
	for content, want := range map[string]string{
		"47": "47", " 4 7\n": "47", "07": "07", "Type 47": "47", "4": "", "470": "", "forty-seven": "", "": "",
	} {
		t.Run(content, func(t *testing.T) {
			test.NewTempApp(t)
			var sent string
			d := newDigits(func(number string) { sent = number }, func(string) {})
			d.TypedRune('9')
			clipboard := fyne.CurrentApp().Clipboard()
			clipboard.SetContent(content)
			d.TypedShortcut(&fyne.ShortcutPaste{Clipboard: clipboard})
			if sent != want {
				t.Errorf("got %q, want %q", sent, want)
			}
			if want == "" && d.number() != "9" {
				t.Errorf("the boxes hold %q, want what was there", d.number())
			}
		})
	}
}

func TestAClickMarksABox(t *testing.T) {
	r := newRig(t)
	r.tell(r.begin(), awaiting(3))
	r.window.Canvas().Unfocus()
	d := r.view.body.digits
	test.TapAt(d, fyne.NewPos(d.Size().Width-1, 1))
	if d.at != 1 || r.window.Canvas().Focused() != fyne.Focusable(d) {
		t.Errorf("marked is %d, want the second box, with the keyboard", d.at)
	}
	test.TapAt(d, fyne.NewPos(1, 1))
	if d.at != 0 {
		t.Errorf("marked is %d, want the first box", d.at)
	}
}

func TestTheKeyboardReachesCancel(t *testing.T) {
	r := newRig(t)
	l := r.begin()
	r.tell(l, awaiting(3))
	r.advance(time.Second)
	test.FocusNext(r.window.Canvas())
	r.window.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	<-l.ctx.Done()
}

func TestTheBoxesLeaveTheAppItsKeyboard(t *testing.T) {
	r := newRig(t)
	other := newButton(func() {}, func() {})
	r.window.SetContent(container.New(stacked{}, r.view, other))
	r.window.Canvas().Focus(other)
	r.tell(r.begin(), awaiting(3))
	if r.window.Canvas().Focused() != fyne.Focusable(other) {
		t.Error("the boxes took the keyboard from the app")
	}
}

func TestTheNumberIsSpoken(t *testing.T) {
	r := newRig(t)
	l := r.begin()
	r.tell(l, in(desktop.StateConfirming))
	before := len(r.said)
	r.tell(l, awaiting(3))
	keys(r.view.body.digits, "4<")
	r.number(l, "74")
	r.outcome(l, desktop.ErrWrongNumber, awaiting(2))
	want := []string{
		"Type the number that your phone shows. It is on the page where you approved",
		"4", "erased", "7", "4",
		"Type the number that your phone shows. Checking…",
		"That's not the number. 2 tries left. Type the number that your phone shows",
	}
	if diff := cmp.Diff(want, r.said[before:]); diff != "" {
		t.Errorf("announcements differ (-want +got):\n%s", diff)
	}
}

func TestTheBoxesFitTheLeastWindow(t *testing.T) {
	r := newRig(t)
	r.window.Resize(r.view.MinSize())
	l := r.begin()
	r.tell(l, awaiting(3))
	r.number(l, "47")
	r.outcome(l, desktop.ErrOffline, awaiting(3)) // the longest note
	b := r.view.body
	under := func(above, below fyne.CanvasObject) bool {
		return below.Position().Y >= above.Position().Y+above.Size().Height
	}
	order := []fyne.CanvasObject{b.title, b.badge, b.lead, b.digits, b.note, b.button}
	for i, o := range order[1:] {
		if !under(order[i], o) {
			t.Errorf("object %d lies over the one above it", i+1)
		}
	}
	if !slices.Contains(r.texts(), "Cancel") {
		t.Errorf("got texts %q", r.texts())
	}
}
