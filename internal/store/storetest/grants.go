package storetest

import (
	"context"
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
