package storetest

import (
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/store"
)

func removals() []testCase {
	return []testCase{
		{"removing a user removes all that is theirs but their grants, their reports and what the log tells", removeUser},
		{"removing a client removes its sessions but not its grants", removeClient},
		{"removing one record leaves the others", removeOne},
		{"removing a user's browsers keeps the one to keep and everybody else's", removeBrowsersOf},
		{"browsers lose what was proved after a time, and no more", unproveBrowsers},
	}
}

func removeUser(t *testing.T, s store.Store) {
	k, other := family(0), family(1)
	update(t, s, k.add)
	update(t, s, other.add)
	update(t, s, func(tx store.Tx) error { return tx.RemoveUser(k.user.ID) })

	missing(t, s, "user", store.Tx.User, k.user.ID)
	missing(t, s, "passkey", store.Tx.Passkey, k.passkey.ID)
	missing(t, s, "session", store.Tx.Session, k.session.ID)
	missing(t, s, "refresh token", store.Tx.Refresh, k.refresh.Hash)
	missing(t, s, "browser", store.Tx.Browser, k.browser.ID)
	missing(t, s, "invitation", store.Tx.Invitation, k.invitation.Hash)
	missing(t, s, "recovery code", store.Tx.RecoveryCode, k.codes[0].Hash)
	equal(t, "recovery codes left", found(t, s, store.Tx.RecoveryCodesLeft, k.user.ID), 0)
	missing(t, s, "familiar", familiarLike, k.familiar)
	equal(t, "block", found(t, s, blockLike, k.block), k.block)
	equal(t, "audit record", found(t, s, auditBySeq, k.record.Seq), k.record)
	equal(t, "message", found(t, s, messageByID, k.message.ID), k.message)
	equal(t, "grant", found(t, s, store.Tx.Grant, k.grant.ID), k.grant)
	equal(t, "client", found(t, s, store.Tx.Client, k.client.ID), k.client)
	other.check(t, s)
}

func removeClient(t *testing.T, s store.Store) {
	k, other := family(0), family(1)
	update(t, s, k.add)
	update(t, s, other.add)
	update(t, s, func(tx store.Tx) error { return tx.RemoveClient(k.client.ID) })

	missing(t, s, "client", store.Tx.Client, k.client.ID)
	missing(t, s, "session", store.Tx.Session, k.session.ID)
	missing(t, s, "refresh token", store.Tx.Refresh, k.refresh.Hash)
	equal(t, "grant", found(t, s, store.Tx.Grant, k.grant.ID), k.grant)
	equal(t, "user", found(t, s, store.Tx.User, k.user.ID), k.user)
	equal(t, "passkey", found(t, s, store.Tx.Passkey, k.passkey.ID), k.passkey)
	other.check(t, s)
}

func removeBrowsersOf(t *testing.T, s store.Store) {
	k, other := family(0), family(1)
	update(t, s, k.add)
	update(t, s, other.add)
	kept := k.browser
	kept.ID = "the one to keep"
	update(t, s, func(tx store.Tx) error { return tx.PutBrowser(kept) })
	for range 2 { // that there is none is no error
		update(t, s, func(tx store.Tx) error { return tx.RemoveBrowsersOf(k.user.ID, kept.ID) })
	}
	missing(t, s, "browser", store.Tx.Browser, k.browser.ID)
	equal(t, "browser", found(t, s, store.Tx.Browser, kept.ID), kept)
	other.check(t, s)
}

func removeOne(t *testing.T, s store.Store) {
	k, other := family(0), family(1)
	update(t, s, k.add)
	update(t, s, other.add)
	update(t, s, func(tx store.Tx) error {
		if err := tx.RemovePasskey(k.passkey.ID); err != nil {
			return err
		}
		if err := tx.RemoveSession(k.session.ID); err != nil {
			return err
		}
		return tx.RemoveBrowser(k.browser.ID)
	})
	missing(t, s, "passkey", store.Tx.Passkey, k.passkey.ID)
	missing(t, s, "session", store.Tx.Session, k.session.ID)
	missing(t, s, "refresh token", store.Tx.Refresh, k.refresh.Hash)
	missing(t, s, "browser", store.Tx.Browser, k.browser.ID)
	equal(t, "user", found(t, s, store.Tx.User, k.user.ID), k.user)
	other.check(t, s)
}

func unproveBrowsers(t *testing.T, s store.Store) {
	k, other := family(0), family(1)
	other.browser.ProvedAt = k.browser.ProvedAt.Add(time.Microsecond)
	update(t, s, k.add)
	update(t, s, other.add)
	update(t, s, func(tx store.Tx) error { return tx.UnproveBrowsers(k.browser.ProvedAt) })
	other.browser.ProvedAt = time.Time{}
	k.check(t, s)
	other.check(t, s)
}
