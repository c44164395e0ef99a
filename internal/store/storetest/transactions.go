package storetest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

func transactions() []testCase {
	return []testCase{
		{"an error takes everything back and arrives at the caller", rollbackOnError},
		{"a panic takes everything back and arrives at the caller", rollbackOnPanic},
		{"a panic in View arrives at the caller and the store goes on", panicInView},
		{"a transaction reads what it wrote", readsOwnWrites},
		{"View cannot write", viewCannotWrite},
		{"View cannot take what works once", viewCannotTake},
		{"a transaction is dead when its function has returned", deadAfterwards},
		{"a context that has ended runs nothing", endedContext},
		{"a context that ends in the function takes everything back", contextEndsWithin},
	}
}

var errRefused = errors.New("refused")

func rollbackOnError(t *testing.T, s store.Store) {
	kept := seed(t, s)
	k := family(1)
	err := s.Update(context.Background(), func(tx store.Tx) error {
		if err := k.add(tx); err != nil {
			return err
		}
		if err := tx.RemoveUser(kept.user.ID); err != nil {
			return err
		}
		return errRefused
	})
	if !errors.Is(err, errRefused) {
		t.Errorf("got %v, want the function's error", err)
	}
	missing(t, s, "grant", store.Tx.Grant, k.grant.ID)
	missing(t, s, "code", store.Tx.GrantByUserCode, k.grant.Code)
	missing(t, s, "user", store.Tx.User, k.user.ID)
	missing(t, s, "key", keyByID, k.key.ID)
	missing(t, s, "audit record", auditBySeq, k.record.Seq)
	equal(t, "head of the audit log", head(t, s), auth.AuditHead{Seq: kept.record.Seq, Hash: kept.record.Hash})
	missing(t, s, "message", messageByID, k.message.ID)
	missing(t, s, "block", blockLike, k.block)
	update(t, s, func(tx store.Tx) error { return tx.AddReplay(k.replay) }) // no conflict: it is not remembered
	kept.check(t, s)
}

// caught returns what fn panics with.
func caught(fn func()) (value any) {
	defer func() { value = recover() }()
	fn()
	return nil
}

// panicked expects that Update has panicked with errRefused, and where it began.
func panicked(t *testing.T, value any) {
	t.Helper()
	p, ok := value.(*store.Panic)
	if !ok || !errors.Is(p, errRefused) || !strings.Contains(string(p.Stack), "storetest.") {
		t.Errorf("got panic %v, want a store.Panic of %v with the stack of the function", value, errRefused)
	}
}

func rollbackOnPanic(t *testing.T, s store.Store) {
	kept := seed(t, s)
	k := family(1)
	value := caught(func() {
		_ = s.Update(context.Background(), func(tx store.Tx) error {
			if err := k.add(tx); err != nil {
				return err
			}
			panic(errRefused)
		})
	})
	panicked(t, value)
	missing(t, s, "user", store.Tx.User, k.user.ID)
	update(t, s, k.add)
	k.check(t, s)
	kept.check(t, s)
}

func panicInView(t *testing.T, s store.Store) {
	kept := seed(t, s)
	for range 20 { // more than there are connections to lose
		value := caught(func() {
			_ = s.View(context.Background(), func(tx store.Tx) error {
				_, _ = tx.User(kept.user.ID)
				panic(errRefused)
			})
		})
		if value != errRefused {
			t.Fatalf("got panic %v, want %v", value, errRefused)
		}
	}
	kept.check(t, s)
}

func readsOwnWrites(t *testing.T, s store.Store) {
	k := family(0)
	update(t, s, func(tx store.Tx) error {
		if err := k.add(tx); err != nil {
			return err
		}
		g, err := tx.GrantByUserCode(k.grant.OldCode)
		equal(t, "grant", g, k.grant)
		return err
	})
}

func viewCannotWrite(t *testing.T, s store.Store) {
	kept := seed(t, s)
	k := family(1)
	for _, c := range []attempt{
		{"AddGrant", put(store.Tx.AddGrant, k.grant)},
		{"SetGrant", put(store.Tx.SetGrant, kept.grant)},
		{"AddClient", put(store.Tx.AddClient, k.client)},
		{"SetClient", put(store.Tx.SetClient, kept.client)},
		{"RemoveUser", put(store.Tx.RemoveUser, kept.user.ID)},
		{"SetSession", put(store.Tx.SetSession, kept.session)},
		{"AddRefresh", put(store.Tx.AddRefresh, sampleRefresh(1, kept.session.ID, 4))},
		{"RemoveRefreshes", func(tx store.Tx) error { return tx.RemoveRefreshes(kept.session.ID, 100) }},
		{"AddKey", put(store.Tx.AddKey, k.key)},
		{"SetKey", put(store.Tx.SetKey, kept.key)},
		{"AddReplay", put(store.Tx.AddReplay, k.replay)},
		{"PutBrowser", put(store.Tx.PutBrowser, kept.browser)},
		{"SetRecoveryCodes", func(tx store.Tx) error { return tx.SetRecoveryCodes(kept.user.ID, nil) }},
		{"AddAudit", put(store.Tx.AddAudit, k.record)},
		{"ForgetAudit", func(tx store.Tx) error { _, err := tx.ForgetAudit(epoch.Add(time.Hour), 10); return err }},
		{"AddMessage", put(store.Tx.AddMessage, k.message)},
		{"SetMessage", put(store.Tx.SetMessage, kept.message)},
		{"RemoveMessage", put(store.Tx.RemoveMessage, kept.message.ID)},
		{"PutFamiliar", put(store.Tx.PutFamiliar, kept.familiar)},
		{"RemoveFamiliar", func(tx store.Tx) error {
			return tx.RemoveFamiliar(kept.user.ID, kept.familiar.Kind, kept.familiar.Value)
		}},
		{"PutBlock", put(store.Tx.PutBlock, k.block)},
		{"RemoveBlocks", func(tx store.Tx) error { return tx.RemoveBlocks(kept.block.Kind, kept.block.Value) }},
	} {
		err := s.View(context.Background(), c.do)
		if err == nil || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: got %v, want an error that blames the caller", c.name, err)
		}
	}
	missing(t, s, "client", store.Tx.Client, k.client.ID)
	kept.check(t, s)
}

func viewCannotTake(t *testing.T, s store.Store) {
	kept := seed(t, s)
	for _, c := range []attempt{
		{"TakeInvitation", get(store.Tx.TakeInvitation, kept.invitation.Hash)},
		{"TakeRecoveryCode", get(store.Tx.TakeRecoveryCode, kept.codes[0].Hash)},
		{"TakeCeremony", get(store.Tx.TakeCeremony, kept.ceremony.Hash)},
	} {
		if err := s.View(context.Background(), c.do); err == nil {
			t.Errorf("%s: got no error", c.name)
		}
	}
	kept.check(t, s)
}

func deadAfterwards(t *testing.T, s store.Store) {
	kept := seed(t, s)
	for name, run := range map[string]func(context.Context, func(store.Tx) error) error{"View": s.View, "Update": s.Update} {
		var escaped store.Tx
		if err := run(context.Background(), func(tx store.Tx) error { escaped = tx; return nil }); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := escaped.User(kept.user.ID); err == nil {
			t.Errorf("%s: reading afterwards: got no error", name)
		}
		if err := escaped.AddUser(auth.User{ID: "late"}); err == nil {
			t.Errorf("%s: writing afterwards: got no error", name)
		}
	}
	missing(t, s, "user", store.Tx.User, "late")
}

func endedContext(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name, run := range map[string]func(context.Context, func(store.Tx) error) error{"View": s.View, "Update": s.Update} {
		ran := false
		err := run(ctx, func(store.Tx) error { ran = true; return nil })
		if !errors.Is(err, context.Canceled) || ran {
			t.Errorf("%s: got %v and ran %v, want context.Canceled and false", name, err, ran)
		}
	}
	if _, err := s.Glance(ctx, "grant"); !errors.Is(err, context.Canceled) {
		t.Errorf("Glance: got %v, want context.Canceled", err)
	}
	if _, err := s.Prune(ctx, epoch); !errors.Is(err, context.Canceled) {
		t.Errorf("Prune: got %v, want context.Canceled", err)
	}
}

func contextEndsWithin(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(context.Background())
	k := family(0)
	err := s.Update(ctx, func(tx store.Tx) error {
		if err := tx.AddUser(k.user); err != nil {
			return err
		}
		cancel()
		return tx.AddClient(k.client)
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	missing(t, s, "user", store.Tx.User, k.user.ID)
}
