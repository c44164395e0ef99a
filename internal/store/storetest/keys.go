package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

func keys() []testCase {
	return []testCase{
		{"what is not there is not found", notFound},
		{"what belongs to nobody is not found", orphans},
		{"a key that is taken is a conflict", conflicts},
		{"a conflict leaves the record and the transaction as they were", conflictLeavesAll},
	}
}

// attempt is a call of one method.
type attempt struct {
	name string
	do   func(store.Tx) error
}

// expect tries each call in a transaction of its own.
func expect(t *testing.T, s store.Store, want error, calls []attempt) {
	t.Helper()
	for _, c := range calls {
		if err := s.Update(context.Background(), c.do); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", c.name, err, want)
		}
	}
}

func get[K, V any](method func(store.Tx, K) (V, error), key K) func(store.Tx) error {
	return func(tx store.Tx) error {
		_, err := method(tx, key)
		return err
	}
}

func put[V any](method func(store.Tx, V) error, v V) func(store.Tx) error {
	return func(tx store.Tx) error { return method(tx, v) }
}

func notFound(t *testing.T, s store.Store) {
	seed(t, s) // so that it is the key that misses, and not the table that is empty
	k := family(1)
	expect(t, s, store.ErrNotFound, []attempt{
		{"Grant", get(store.Tx.Grant, k.grant.ID)},
		{"GrantByUserCode", get(store.Tx.GrantByUserCode, k.grant.Code)},
		{"GrantByUserCode of nothing", get(store.Tx.GrantByUserCode, "")},
		{"SetGrant", put(store.Tx.SetGrant, k.grant)},
		{"Client", get(store.Tx.Client, k.client.ID)},
		{"SetClient", put(store.Tx.SetClient, k.client)},
		{"RemoveClient", put(store.Tx.RemoveClient, k.client.ID)},
		{"User", get(store.Tx.User, k.user.ID)},
		{"SetUser", put(store.Tx.SetUser, k.user)},
		{"RemoveUser", put(store.Tx.RemoveUser, k.user.ID)},
		{"Passkey", get(store.Tx.Passkey, k.passkey.ID)},
		{"SetPasskey", put(store.Tx.SetPasskey, k.passkey)},
		{"RemovePasskey", put(store.Tx.RemovePasskey, k.passkey.ID)},
		{"Session", get(store.Tx.Session, k.session.ID)},
		{"SessionByGrant", get(store.Tx.SessionByGrant, k.session.GrantID)},
		{"SessionByFamily", get(store.Tx.SessionByFamily, k.session.Family)},
		{"SessionByFamily of none", get(store.Tx.SessionByFamily, secret.Hash{})},
		{"SetSession", put(store.Tx.SetSession, k.session)},
		{"RemoveSession", put(store.Tx.RemoveSession, k.session.ID)},
		{"Refresh", get(store.Tx.Refresh, k.refresh.Hash)},
		{"SetKey", put(store.Tx.SetKey, k.key)},
		{"Browser", get(store.Tx.Browser, k.browser.ID)},
		{"RemoveBrowser", put(store.Tx.RemoveBrowser, k.browser.ID)},
		{"Invitation", get(store.Tx.Invitation, k.invitation.Hash)},
		{"TakeInvitation", get(store.Tx.TakeInvitation, k.invitation.Hash)},
		{"RecoveryCode", get(store.Tx.RecoveryCode, k.codes[0].Hash)},
		{"TakeRecoveryCode", get(store.Tx.TakeRecoveryCode, k.codes[0].Hash)},
		{"TakeCeremony", get(store.Tx.TakeCeremony, k.ceremony.Hash)},
		{"SetMessage", put(store.Tx.SetMessage, k.message)},
		{"RemoveMessage", put(store.Tx.RemoveMessage, k.message.ID)},
		{"RemoveBlocks", func(tx store.Tx) error { return tx.RemoveBlocks(k.block.Kind, k.block.Value) }},
	})
}

func orphans(t *testing.T, s store.Store) {
	k, owned := family(1), seed(t, s)
	strayed, astray := owned.session, owned.session
	strayed.UserID, astray.ClientID = k.user.ID, k.client.ID
	halfOwned := sampleSession(2, owned.user.ID, k.client.ID)
	expect(t, s, store.ErrNotFound, []attempt{
		{"AddPasskey", put(store.Tx.AddPasskey, k.passkey)},
		{"AddSession without its user", put(store.Tx.AddSession, k.session)},
		{"AddSession without its client", put(store.Tx.AddSession, halfOwned)},
		{"SetSession to a user who is not there", put(store.Tx.SetSession, strayed)},
		{"SetSession to a client that is not there", put(store.Tx.SetSession, astray)},
		{"AddRefresh", put(store.Tx.AddRefresh, k.refresh)},
		{"PutBrowser", put(store.Tx.PutBrowser, k.browser)},
		{"AddInvitation", put(store.Tx.AddInvitation, k.invitation)},
		{"SetRecoveryCodes", func(tx store.Tx) error { return tx.SetRecoveryCodes(k.user.ID, k.codes) }},
		{"PutFamiliar", put(store.Tx.PutFamiliar, k.familiar)},
	})
	owned.check(t, s)
}

func conflicts(t *testing.T, s store.Store) {
	k := seed(t, s)
	other := family(1)
	update(t, s, other.add)

	freshSession := sampleSession(2, k.user.ID, k.client.ID)
	sameCode, sameOld, crossed := sampleGrant(2), sampleGrant(2), sampleGrant(2)
	sameCode.Code = k.grant.Code
	sameOld.OldCode = k.grant.OldCode
	crossed.Code = k.grant.OldCode
	sameID, sameGrant, sameFamily := freshSession, freshSession, freshSession
	sameID.ID = k.session.ID
	sameGrant.GrantID = k.session.GrantID
	sameFamily.Family = k.session.Family
	toGrant, toFamily := other.session, other.session
	toGrant.GrantID, toFamily.Family = k.session.GrantID, k.session.Family
	foreignRefresh := auth.Refresh{Hash: k.refresh.Hash, SessionID: other.session.ID}
	freshID := sampleGrant(2)
	freshID.ID = k.grant.ID
	foreign := other.grant
	foreign.OldCode = k.grant.Code

	expect(t, s, store.ErrConflict, []attempt{
		{"AddGrant", put(store.Tx.AddGrant, k.grant)},
		{"AddGrant with the ID of another", put(store.Tx.AddGrant, freshID)},
		{"AddGrant with the code of another", put(store.Tx.AddGrant, sameCode)},
		{"AddGrant with the old code of another", put(store.Tx.AddGrant, sameOld)},
		{"AddGrant with a code that is another's old one", put(store.Tx.AddGrant, crossed)},
		{"SetGrant with an old code that is another's", put(store.Tx.SetGrant, foreign)},
		{"AddClient", put(store.Tx.AddClient, k.client)},
		{"AddUser", put(store.Tx.AddUser, k.user)},
		{"AddPasskey", put(store.Tx.AddPasskey, k.passkey)},
		{"AddPasskey for another user", put(store.Tx.AddPasskey, auth.Passkey{ID: k.passkey.ID, UserID: other.user.ID})},
		{"AddSession", put(store.Tx.AddSession, k.session)},
		{"AddSession with the ID of another", put(store.Tx.AddSession, sameID)},
		{"AddSession for the grant of another", put(store.Tx.AddSession, sameGrant)},
		{"AddSession with the family of another", put(store.Tx.AddSession, sameFamily)},
		{"SetSession to the grant of another", put(store.Tx.SetSession, toGrant)},
		{"SetSession to the family of another", put(store.Tx.SetSession, toFamily)},
		{"AddRefresh", put(store.Tx.AddRefresh, k.refresh)},
		{"AddRefresh for another session", put(store.Tx.AddRefresh, foreignRefresh)},
		{"AddKey", put(store.Tx.AddKey, k.key)},
		{"AddReplay", put(store.Tx.AddReplay, k.replay)},
		{"AddReplay with another end", put(store.Tx.AddReplay, auth.Replay{Hash: k.replay.Hash, ExpiresAt: epoch.Add(2 * time.Hour)})},
		{"AddInvitation", put(store.Tx.AddInvitation, k.invitation)},
		{"SetRecoveryCodes with another user's", func(tx store.Tx) error { return tx.SetRecoveryCodes(other.user.ID, k.codes) }},
		{"AddCeremony", put(store.Tx.AddCeremony, k.ceremony)},
		{"AddAudit", put(store.Tx.AddAudit, k.record)},
		{"AddMessage", put(store.Tx.AddMessage, k.message)},
		{"AddMessage of something else", put(store.Tx.AddMessage, auth.Message{ID: k.message.ID, Body: []byte("{}")})},
	})
	other.check(t, s)
	k.check(t, s)
}

// conflictLeavesAll goes on in the same transaction, as one does who draws
// another user code.
func conflictLeavesAll(t *testing.T, s store.Store) {
	k := seed(t, s)
	other := family(1)
	update(t, s, other.add)
	added, again := freshGrant(3), freshGrant(3)
	again.ID = k.grant.ID
	changed := other.grant
	update(t, s, func(tx store.Tx) error {
		taken := added
		taken.OldCode, taken.Code = sampleCode(100), k.grant.Code
		if err := tx.AddGrant(taken); !errors.Is(err, store.ErrConflict) {
			t.Errorf("AddGrant with a code that is taken: got %v, want ErrConflict", err)
		}
		if err := tx.AddGrant(again); !errors.Is(err, store.ErrConflict) {
			t.Errorf("AddGrant with an ID that is taken: got %v, want ErrConflict", err)
		}
		if err := tx.AddGrant(added); err != nil {
			t.Errorf("AddGrant with the code that was not used: got %v", err)
		}
		half := changed
		half.Code, half.OldCode = sampleCode(101), k.grant.Code
		if err := tx.SetGrant(half); !errors.Is(err, store.ErrConflict) {
			t.Errorf("SetGrant with a code that is taken: got %v, want ErrConflict", err)
		}
		if err := tx.SetRecoveryCodes(other.user.ID, append(sampleCodes("new", 1), k.codes...)); !errors.Is(err, store.ErrConflict) {
			t.Errorf("SetRecoveryCodes with another user's: got %v, want ErrConflict", err)
		}
		if err := tx.AddReplay(k.replay); !errors.Is(err, store.ErrConflict) {
			t.Errorf("AddReplay of a value that was used: got %v, want ErrConflict", err)
		}
		if err := tx.AddAudit(other.record); !errors.Is(err, store.ErrConflict) {
			t.Errorf("AddAudit of a record that is there: got %v, want ErrConflict", err)
		}
		if err := tx.AddMessage(auth.Message{ID: k.message.ID}); !errors.Is(err, store.ErrConflict) {
			t.Errorf("AddMessage of one that is there: got %v, want ErrConflict", err)
		}
		return nil
	})
	equal(t, "the grant that was added at last", found(t, s, store.Tx.GrantByUserCode, added.Code), added)
	equal(t, "the grant that was not set", found(t, s, store.Tx.GrantByUserCode, changed.Code), changed)
	equal(t, "the same by its old code", found(t, s, store.Tx.GrantByUserCode, changed.OldCode), changed)
	missing(t, s, "a code of a grant that was not added", store.Tx.GrantByUserCode, sampleCode(100))
	missing(t, s, "a code of a grant that was not set", store.Tx.GrantByUserCode, sampleCode(101))
	other.check(t, s)
	k.check(t, s)
}
