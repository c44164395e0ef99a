package login_test

import (
	"testing"

	"github.com/qrauthd/qrauthd/internal/login/logintest"
)

func TestDecisionsGoAheadOfStarts(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	numbered, _ := awaiting(t, w, ada)
	denied, _ := w.Start(logintest.App)
	cancelled, _ := w.Start(logintest.App)
	approved, _ := w.Start(logintest.App)
	marks := &marking{Store: w.Store}
	w.Service.Store = marks
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"a scan", func() error { return w.Scan(t.Context(), ada.Visitor(), approved.ID) }},
		{"an approval", func() error { w.Approve(ada, approved.ID); return nil }},
		{"a denial", func() error { return w.Deny(t.Context(), ada.Visitor(), denied.ID) }},
		{"a number", func() error {
			_, err := w.ConfirmNumber(t.Context(), logintest.App, numbered.ID, numbered.Number, logintest.Away)
			return err
		}},
		{"a cancellation", func() error { return w.Cancel(t.Context(), logintest.App, cancelled.ID, logintest.Away) }},
	} {
		marks.all.Store(0)
		marks.ahead.Store(0)
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if all, ahead := marks.all.Load(), marks.ahead.Load(); all == 0 || ahead != all {
			t.Errorf("%s: got %d writes, %d of them ahead, want all", step.name, all, ahead)
		}
	}
}
