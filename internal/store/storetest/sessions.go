package storetest

import (
	"errors"
	"testing"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

func sessions() []testCase {
	return []testCase{
		{"sessions without a family are no conflict and found by none", noFamily},
		{"a session that is set is no longer found by what it gave up", givenUp},
		{"a refresh token goes with its generation, in its own session alone", earlierGenerations},
		{"several refresh tokens of one generation live side by side", sameGeneration},
	}
}

func noFamily(t *testing.T, s store.Store) {
	k := family(0)
	a, b := sampleSession(0, k.user.ID, k.client.ID), sampleSession(1, k.user.ID, k.client.ID)
	a.Family, b.Family = secret.Hash{}, secret.Hash{}
	update(t, s, func(tx store.Tx) error {
		return errors.Join(tx.AddUser(k.user), tx.AddClient(k.client), tx.AddSession(a), tx.AddSession(b))
	})
	missing(t, s, "a session by no family", store.Tx.SessionByFamily, secret.Hash{})
	equal(t, "sessions", found(t, s, store.Tx.SessionsOf, k.user.ID), []auth.Session{a, b})
}

func givenUp(t *testing.T, s store.Store) {
	k := seed(t, s)
	had := k.session
	k.session.GrantID, k.session.Family = "another grant", hash("another family")
	update(t, s, func(tx store.Tx) error { return tx.SetSession(k.session) })
	missing(t, s, "the session by its grant of before", store.Tx.SessionByGrant, had.GrantID)
	missing(t, s, "the session by its family of before", store.Tx.SessionByFamily, had.Family)

	next := sampleSession(1, k.user.ID, k.client.ID)
	next.GrantID, next.Family = had.GrantID, had.Family
	update(t, s, func(tx store.Tx) error { return tx.AddSession(next) })
	equal(t, "the new owner", found(t, s, store.Tx.SessionByFamily, had.Family), next)
	k.check(t, s)
}

func earlierGenerations(t *testing.T, s store.Store) {
	k, other := seed(t, s), family(1)
	update(t, s, other.add)
	var list []auth.Refresh // of generation 0 to 4
	for i := range 5 {
		list = append(list, sampleRefresh(10+i, k.session.ID, int64(i)))
	}
	foreign := sampleRefresh(10, other.session.ID, 0)
	update(t, s, func(tx store.Tx) error {
		for _, r := range append(list, foreign) {
			if err := tx.AddRefresh(r); err != nil {
				return err
			}
		}
		return nil
	})
	for _, before := range []int64{0, 2, 3, 3} { // 0 and the last: that there is none is no error
		update(t, s, func(tx store.Tx) error { return tx.RemoveRefreshes(k.session.ID, before) })
		for _, r := range list {
			if r.Generation < before {
				missing(t, s, "a token of an earlier generation", store.Tx.Refresh, r.Hash)
				continue
			}
			equal(t, "a token of that generation or later", found(t, s, store.Tx.Refresh, r.Hash), r)
		}
	}
	update(t, s, func(tx store.Tx) error { return tx.RemoveRefreshes("nobody's", 100) })
	equal(t, "another session's token", found(t, s, store.Tx.Refresh, foreign.Hash), foreign)
	k.check(t, s)
	other.check(t, s)
}

func sameGeneration(t *testing.T, s store.Store) {
	k := seed(t, s)
	again := sampleRefresh(1, k.session.ID, k.refresh.Generation)
	update(t, s, func(tx store.Tx) error { return tx.AddRefresh(again) })
	equal(t, "the second answer's token", found(t, s, store.Tx.Refresh, again.Hash), again)
	k.check(t, s)
	update(t, s, func(tx store.Tx) error { return tx.RemoveRefreshes(k.session.ID, k.refresh.Generation+1) })
	missing(t, s, "the first answer's token", store.Tx.Refresh, k.refresh.Hash)
	missing(t, s, "the second answer's token", store.Tx.Refresh, again.Hash)
}
