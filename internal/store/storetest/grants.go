package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/store"
)

func grants() []testCase {
	return []testCase{
		{"rotation keeps both codes and drops the one before", rotation},
		{"two grants without codes are no conflict", noCodes},
		{"a code that a grant gave up is another's to have", codeGivenUp},
		{"a grant's two codes may change places", codesSwapped},
		{"pruning a grant frees its codes", pruneFreesCodes},
		{"the grants of a client and of a user are those that expire later", grantsOf},
		{"grants that began after a time expire at another, and the others when they would", expireGrants},
	}
}

func rotation(t *testing.T, s store.Store) {
	g := freshGrant(0)
	update(t, s, func(tx store.Tx) error { return tx.AddGrant(g) })
	for i := 1; i <= 3; i++ {
		before := g
		var err error
		if g, err = g.Rotate(g.RotationDue(), sampleCode(10+i)); err != nil {
			t.Fatal(err)
		}
		update(t, s, func(tx store.Tx) error { return tx.SetGrant(g) })
		equal(t, "by the new code", found(t, s, store.Tx.GrantByUserCode, g.Code), g)
		equal(t, "by the code before", found(t, s, store.Tx.GrantByUserCode, before.Code), g)
		if before.OldCode != "" {
			missing(t, s, "the code before that", store.Tx.GrantByUserCode, before.OldCode)
		}
	}
}

func noCodes(t *testing.T, s store.Store) {
	update(t, s, func(tx store.Tx) error {
		for i := range 2 {
			g := freshGrant(i)
			g.Code = ""
			if err := tx.AddGrant(g); err != nil {
				return err
			}
		}
		return nil
	})
}

func codeGivenUp(t *testing.T, s store.Store) {
	g, other := sampleGrant(0), sampleGrant(1)
	update(t, s, func(tx store.Tx) error { return tx.AddGrant(g) })
	other.Code, g.Code = g.Code, sampleCode(50)
	update(t, s, func(tx store.Tx) error {
		if err := tx.SetGrant(g); err != nil {
			return err
		}
		return tx.AddGrant(other)
	})
	equal(t, "the new owner", found(t, s, store.Tx.GrantByUserCode, other.Code), other)
	equal(t, "the one who gave it up", found(t, s, store.Tx.Grant, g.ID), g)
}

func codesSwapped(t *testing.T, s store.Store) {
	g := sampleGrant(0)
	update(t, s, func(tx store.Tx) error { return tx.AddGrant(g) })
	for _, codes := range [][2]grant.UserCode{{g.OldCode, g.Code}, {g.Code, g.Code}, {"", g.Code}, {g.Code, g.OldCode}} {
		g.Code, g.OldCode = codes[0], codes[1]
		update(t, s, func(tx store.Tx) error { return tx.SetGrant(g) })
		for _, code := range codes {
			if code != "" {
				equal(t, "grant", found(t, s, store.Tx.GrantByUserCode, code), g)
			}
		}
	}
}

func pruneFreesCodes(t *testing.T, s store.Store) {
	g := sampleGrant(0)
	update(t, s, func(tx store.Tx) error { return tx.AddGrant(g) })
	if _, err := s.Prune(context.Background(), g.ExpiresAt.Add(store.GrantKept+time.Minute)); err != nil {
		t.Fatal(err)
	}
	missing(t, s, "its code", store.Tx.GrantByUserCode, g.Code)
	missing(t, s, "its old code", store.Tx.GrantByUserCode, g.OldCode)
	next := sampleGrant(1)
	next.Code, next.OldCode = g.OldCode, g.Code
	update(t, s, func(tx store.Tx) error { return tx.AddGrant(next) })
}

func expireGrants(t *testing.T, s store.Store) {
	old, fresh, over := freshGrant(0), freshGrant(1), freshGrant(2)
	begun := old.CreatedAt
	fresh.CreatedAt = begun.Add(time.Microsecond)
	over.CreatedAt, over.ExpiresAt = fresh.CreatedAt, begun.Add(-time.Hour)
	update(t, s, func(tx store.Tx) error {
		return errors.Join(tx.AddGrant(old), tx.AddGrant(fresh), tx.AddGrant(over))
	})
	at := begun.Add(-time.Minute)
	for _, want := range []int{1, 0} {
		update(t, s, func(tx store.Tx) error {
			n, err := tx.ExpireGrants(begun, at)
			equal(t, "how many", n, want)
			return err
		})
	}
	fresh.ExpiresAt = at
	for _, g := range []grant.Grant{old, fresh, over} {
		equal(t, "grant", found(t, s, store.Tx.Grant, g.ID), g)
		equal(t, "by its code", found(t, s, store.Tx.GrantByUserCode, g.Code), g)
	}
}

func grantsOf(t *testing.T, s store.Store) {
	early, late, foreign := freshGrant(0), freshGrant(1), freshGrant(2)
	late.ExpiresAt = early.ExpiresAt.Add(time.Minute)
	foreign.ClientID, foreign.ExpiresAt = "another-client", late.ExpiresAt
	for _, g := range []*grant.Grant{&early, &late} {
		g.UserID = "alice"
	}
	update(t, s, func(tx store.Tx) error {
		return errors.Join(tx.AddGrant(early), tx.AddGrant(late), tx.AddGrant(foreign))
	})
	for _, c := range []struct {
		name string
		find func(tx store.Tx) ([]grant.Grant, error)
		want []grant.Grant
	}{
		{"of the client", func(tx store.Tx) ([]grant.Grant, error) {
			return tx.GrantsOfClient(early.ClientID, early.ExpiresAt.Add(-time.Second))
		}, []grant.Grant{early, late}},
		{"of the client, later", func(tx store.Tx) ([]grant.Grant, error) {
			return tx.GrantsOfClient(early.ClientID, early.ExpiresAt)
		}, []grant.Grant{late}},
		{"of a client that never asked", func(tx store.Tx) ([]grant.Grant, error) {
			return tx.GrantsOfClient("nobody", epoch)
		}, nil},
		{"of the user", func(tx store.Tx) ([]grant.Grant, error) {
			return tx.GrantsOfUser("alice", early.ExpiresAt)
		}, []grant.Grant{late}},
		{"of a user who approved none", func(tx store.Tx) ([]grant.Grant, error) {
			return tx.GrantsOfUser("bob", epoch)
		}, nil},
	} {
		var got []grant.Grant
		view(t, s, func(tx store.Tx) (err error) {
			got, err = c.find(tx)
			return err
		})
		equal(t, c.name, got, c.want)
	}
}
