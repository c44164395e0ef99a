package login_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/store"
)

// marking counts the writes, and those of them that go ahead.
type marking struct {
	store.Store
	all, ahead atomic.Int32
}

func (m *marking) Update(ctx context.Context, fn func(store.Tx) error) error {
	m.all.Add(1)
	if store.IsAhead(ctx) {
		m.ahead.Add(1)
	}
	return m.Store.Update(ctx, fn)
}

func TestWhatEndsASignInGoesAheadOfStarts(t *testing.T) {
	w := logintest.New(t)
	ada, key := w.Join("Ada"), w.Key()
	g, code := startFor(t, w, key)
	w.Approve(ada, g.ID)
	marks := &marking{Store: w.Store}
	w.Service.Store = marks
	var tok login.Tokens
	for _, step := range []struct {
		name  string
		do    func() error
		ahead bool
	}{
		{"a start", func() error { startFor(t, w, key); return nil }, false},
		{"redeeming", func() (err error) { tok, err = w.Redeem(t.Context(), w.Request(logintest.App, key), code); return err }, true},
		{"redeeming once more", func() (err error) { tok, err = w.Redeem(t.Context(), w.Request(logintest.App, key), code); return err }, true},
		{"a refresh", func() error {
			_, err := w.Refresh(t.Context(), login.RefreshRequest{TokenRequest: w.Request(logintest.App, key), Token: tok.Refresh})
			return err
		}, true},
	} {
		marks.all.Store(0)
		marks.ahead.Store(0)
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		want := int32(0)
		if step.ahead {
			want = 1
		}
		if all, ahead := marks.all.Load(), marks.ahead.Load(); all != 1 || ahead != want {
			t.Errorf("%s: got %d writes, %d of them ahead, want 1, %d", step.name, all, ahead, want)
		}
	}
}
