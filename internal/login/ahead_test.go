package login_test

import (
	"context"
	"errors"
	"testing"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
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

// crowded has a place for those alone who go ahead, while it is full.
type crowded struct {
	store.Store
	full bool
}

func (c *crowded) Update(ctx context.Context, fn func(store.Tx) error) error {
	if c.full && !store.IsAhead(ctx) {
		return store.ErrOverloaded
	}
	return c.Store.Update(ctx, fn)
}

func TestWhoHasBegunGoesOnWhileThereIsNoPlaceForStarts(t *testing.T) {
	w := newWorld(t)
	ada, key := w.Join("Ada"), w.Key()
	signing := w.AddKeyClient(auth.Client{ID: "signing", Name: "Signing"})
	a := w.Ask("browser-app", logintest.NoKey)
	w.Approve(ada, a.ID)
	tok := w.SignIn(ada, logintest.App, key)
	w.Service.Store = &crowded{Store: w.Store, full: true}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"a client's assertion", func() error {
			_, err := w.AuthenticateClient(t.Context(), signing.Assert(nil))
			return err
		}},
		{"the way back of who has approved", func() error {
			_, err := w.Return(t.Context(), ada.Browser, a.ID)
			return err
		}},
		{"a look at the person", func() error {
			_, err := w.UserInfo(t.Context(), w.Access(key, tok.Access))
			return err
		}},
	} {
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
	}
	starts := signing.Assert(nil)
	starts.Starts = true
	if _, err := w.AuthenticateClient(t.Context(), starts); !errors.Is(err, store.ErrOverloaded) {
		t.Errorf("an assertion that a start comes with: got %v, want ErrOverloaded", err)
	}
}

func TestAWastedProofIsRememberedAheadOfStarts(t *testing.T) {
	w := logintest.New(t)
	marks := &marking{Store: w.Store}
	w.Service.Store = marks
	_, err := w.Redeem(t.Context(), w.Request(logintest.App, w.Key()), secret.From("nobody's"))
	if !errors.Is(err, login.ErrUnknownCode) || marks.all.Load() != 1 || marks.ahead.Load() != 1 {
		t.Errorf("got %v and %d writes, %d of them ahead; want ErrUnknownCode and one, ahead", err, marks.all.Load(), marks.ahead.Load())
	}
}

// refusing is a storage that fails with err, where there is one.
type refusing struct {
	store.Store
	err error
}

func (r *refusing) Update(ctx context.Context, fn func(store.Tx) error) error {
	if r.err != nil {
		return r.err
	}
	return r.Store.Update(ctx, fn)
}

func TestWhatTheStorageHasRefusedMayComeAgainAsItIs(t *testing.T) {
	for _, name := range []string{"a start", "redeeming", "an exchange", "a refresh", "a look at the person", "an assertion"} {
		for _, fault := range []error{store.ErrOverloaded, store.ErrUnavailable, context.Canceled} {
			t.Run(name+": "+fault.Error(), func(t *testing.T) {
				w := newWorld(t)
				again := repeated(t, w)[name]
				broken := &refusing{Store: w.Store, err: fault}
				w.Service.Store = broken
				if err := again(); !errors.Is(err, fault) {
					t.Fatalf("got %v, want %v", err, fault)
				}
				broken.err = nil
				if err := again(); err != nil {
					t.Errorf("the same request again: %v", err)
				}
				if err := again(); !errors.Is(err, login.ErrReplay) {
					t.Errorf("the same request once more: got %v, want ErrReplay", err)
				}
			})
		}
	}
}

// repeated are requests that are the same each time, to the proof.
func repeated(t *testing.T, w *logintest.World) map[string]func() error {
	t.Helper()
	ctx, ada, key := t.Context(), w.Join("Ada"), w.Key()
	proof := w.Proof(key)
	tok := w.SignIn(ada, logintest.App, key)
	access := w.Access(key, tok.Access)
	assertion := w.AddKeyClient(auth.Client{ID: "signing", Name: "Signing"}).Assert(nil)
	app, err := w.Client(ctx, logintest.App)
	if err != nil {
		t.Fatal(err)
	}
	requests := map[string]func() error{
		"a start": func() error {
			_, _, err := w.Service.Start(ctx, login.StartRequest{Client: app, Proof: proof})
			return err
		},
		"a look at the person": func() error { _, err := w.UserInfo(ctx, access); return err },
		"an assertion":         func() error { _, err := w.AuthenticateClient(ctx, assertion); return err },
	}
	sent := w.Request("browser-app", key)
	for to, send := range tokenEndpoint(t, w) {
		name := map[string]string{"redeem": "redeeming", "exchange": "an exchange", "refresh": "a refresh"}[to]
		requests[name] = func() error { return send(w.Service, sent) }
	}
	return requests
}
