package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

func pruning() []testCase {
	return []testCase{
		{"Prune deletes what is due and keeps the rest", pruneBounds},
		{"Prune of nothing counts nothing", pruneNothing},
		{"Prune deletes more than it takes at once", pruneMany},
		{"what never expires is not pruned", pruneNever},
	}
}

// pruneBounds has two of each noun, of which one is due to the microsecond and
// the other has one more to live.
func pruneBounds(t *testing.T, s store.Store) {
	now := epoch.Add(24 * time.Hour)
	due, kept := family(0), family(1)
	for _, k := range []struct {
		*samples
		at time.Time
	}{{&due, now}, {&kept, now.Add(time.Microsecond)}} {
		k.grant.ExpiresAt = k.at.Add(-store.GrantKept)
		k.session.ExpiresAt, k.browser.ExpiresAt = k.at, k.at
		k.key.ExpiresAt, k.replay.ExpiresAt = k.at, k.at
		k.invitation.ExpiresAt, k.ceremony.ExpiresAt = k.at, k.at
		k.familiar.LastSeenAt, k.block.ExpiresAt = k.at.Add(-auth.FamiliarKept), k.at
		k.message.CreatedAt = k.at.Add(-auth.MessageKept)
		update(t, s, k.add)
	}
	got, err := s.Prune(context.Background(), now)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "pruned", got, store.Pruned{
		Grants: 1, Sessions: 1, Browsers: 1, Invitations: 1, Ceremonies: 1, Keys: 1, Replays: 1, Familiars: 1, Blocks: 1, Messages: 1,
	})

	missing(t, s, "grant", store.Tx.Grant, due.grant.ID)
	missing(t, s, "session", store.Tx.Session, due.session.ID)
	missing(t, s, "refresh token", store.Tx.Refresh, due.refresh.Hash)
	missing(t, s, "key", keyByID, due.key.ID)
	update(t, s, func(tx store.Tx) error { return tx.AddReplay(due.replay) })
	missing(t, s, "browser", store.Tx.Browser, due.browser.ID)
	missing(t, s, "invitation", store.Tx.Invitation, due.invitation.Hash)
	missing(t, s, "familiar", familiarLike, due.familiar)
	missing(t, s, "block", blockLike, due.block)
	missing(t, s, "message", messageByID, due.message.ID)
	equal(t, "audit record", found(t, s, auditBySeq, due.record.Seq), due.record)
	equal(t, "user", found(t, s, store.Tx.User, due.user.ID), due.user)
	equal(t, "client", found(t, s, store.Tx.Client, due.client.ID), due.client)
	equal(t, "passkey", found(t, s, store.Tx.Passkey, due.passkey.ID), due.passkey)
	equal(t, "recovery codes", found(t, s, store.Tx.RecoveryCodesLeft, due.user.ID), len(due.codes))
	kept.check(t, s)
}

func pruneNothing(t *testing.T, s store.Store) {
	for _, state := range []string{"empty", "with nothing due"} {
		got, err := s.Prune(context.Background(), epoch)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "pruned from a store "+state, got, store.Pruned{})
		if state == "empty" {
			seed(t, s)
		}
	}
}

func pruneMany(t *testing.T, s store.Store) {
	const n = 1203
	owner := sampleUser(0)
	update(t, s, func(tx store.Tx) error {
		if err := tx.AddUser(owner); err != nil {
			return err
		}
		for i := range n {
			if err := tx.AddGrant(sampleGrant(i)); err != nil {
				return err
			}
			if err := tx.AddCeremony(sampleCeremony(i)); err != nil {
				return err
			}
			if err := tx.AddReplay(sampleReplay(i)); err != nil {
				return err
			}
			if err := tx.PutFamiliar(sampleFamiliar(i, owner.ID)); err != nil {
				return err
			}
			if err := tx.PutBlock(sampleBlock(i, owner.ID)); err != nil {
				return err
			}
		}
		return nil
	})
	got, err := s.Prune(context.Background(), epoch.Add(24*time.Hour+auth.FamiliarKept))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "pruned", got, store.Pruned{Grants: n, Ceremonies: n, Replays: n, Familiars: n, Blocks: n})
	missing(t, s, "a code", store.Tx.GrantByUserCode, sampleGrant(n-1).Code)
}

func pruneNever(t *testing.T, s store.Store) {
	k := family(0)
	k.session.ExpiresAt, k.browser.ExpiresAt, k.invitation.ExpiresAt = time.Time{}, time.Time{}, time.Time{}
	k.key.ExpiresAt, k.replay.ExpiresAt, k.block.ExpiresAt = time.Time{}, time.Time{}, time.Time{}
	update(t, s, k.add)
	got, err := s.Prune(context.Background(), epoch.Add(24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "pruned", got, store.Pruned{Grants: 1, Ceremonies: 1})
	equal(t, "sessions", found(t, s, store.Tx.SessionsOf, k.user.ID), []auth.Session{k.session})
	equal(t, "refresh token", found(t, s, store.Tx.Refresh, k.refresh.Hash), k.refresh)
	equal(t, "key", found(t, s, keyByID, k.key.ID), k.key)
	equal(t, "block", found(t, s, blockLike, k.block), k.block)
	remembered(t, s, k.replay)
}
