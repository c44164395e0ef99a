package storetest

import (
	"cmp"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

func familiars() []testCase {
	return []testCase{
		{"a familiar that is put again replaces that of the user, kind and value", familiarsReplaced},
		{"removing a familiar leaves the others, and none is no error", familiarRemoved},
	}
}

// familiarsOf are the user's, by kind and value.
func familiarsOf(t *testing.T, s store.Store, user auth.UserID) []auth.Familiar {
	t.Helper()
	list := found(t, s, store.Tx.FamiliarsOf, user)
	slices.SortFunc(list, func(a, b auth.Familiar) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value))
	})
	return list
}

// fourFamiliars differ from the first in one part of the key each: in the value, in
// the kind, and in the user.
func fourFamiliars(t *testing.T, s store.Store) []auth.Familiar {
	t.Helper()
	alice, bob := sampleUser(0), sampleUser(1)
	first := auth.Familiar{UserID: alice.ID, Kind: auth.FamiliarKey, Value: "a", FirstSeenAt: epoch, LastSeenAt: epoch}
	list := []auth.Familiar{first, first, first, first}
	list[1].Value, list[2].Kind, list[3].UserID = "b", auth.FamiliarNetwork, bob.ID
	update(t, s, func(tx store.Tx) error {
		if err := errors.Join(tx.AddUser(alice), tx.AddUser(bob)); err != nil {
			return err
		}
		for _, i := range []int{3, 1, 2, 0} {
			if err := tx.PutFamiliar(list[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return list
}

func familiarsReplaced(t *testing.T, s store.Store) {
	list := fourFamiliars(t, s)
	for i := range list[:3] {
		list[i].FirstSeenAt, list[i].LastSeenAt = epoch.Add(time.Duration(i)*time.Second), epoch.Add(time.Duration(i)*time.Minute)
		update(t, s, func(tx store.Tx) error { return tx.PutFamiliar(list[i]) })
		equal(t, "the one's", familiarsOf(t, s, list[0].UserID), list[:3])
		equal(t, "the other's", familiarsOf(t, s, list[3].UserID), list[3:])
	}
	equal(t, "nobody's", familiarsOf(t, s, "nobody"), nil)
}

func familiarRemoved(t *testing.T, s store.Store) {
	list := fourFamiliars(t, s)
	first := list[0]
	for range 2 {
		update(t, s, func(tx store.Tx) error { return tx.RemoveFamiliar(first.UserID, first.Kind, first.Value) })
		equal(t, "the one's", familiarsOf(t, s, first.UserID), list[1:3])
		equal(t, "the other's", familiarsOf(t, s, list[3].UserID), list[3:])
	}
}
