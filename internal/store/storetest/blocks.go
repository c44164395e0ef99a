package storetest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

func blocks() []testCase {
	return []testCase{
		{"the blocks on a value are everybody's, in force or not", blocksOnValue},
		{"a block that is put again replaces that of the kind, value and user", blocksReplaced},
		{"lifting the blocks on a value lifts all of them and no others", blocksLifted},
		{"blocks come oldest first", blocksInOrder},
	}
}

// blocksOn are those on the value, by who reported it.
func blocksOn(t *testing.T, s store.Store, kind auth.BlockKind, value string) (list []auth.Block) {
	t.Helper()
	view(t, s, func(tx store.Tx) (err error) {
		list, err = tx.BlocksOn(kind, value)
		return err
	})
	slices.SortFunc(list, func(a, b auth.Block) int { return cmp.Compare(a.UserID, b.UserID) })
	return list
}

func allBlocks(t *testing.T, s store.Store) (list []auth.Block) {
	t.Helper()
	view(t, s, func(tx store.Tx) (err error) {
		list, err = tx.Blocks()
		return err
	})
	return list
}

// reports are three blocks on one value, of which one is for good and one is over,
// and then one on another value and one of another kind. Nobody of theirs is a user.
func reports(t *testing.T, s store.Store) []auth.Block {
	t.Helper()
	list := make([]auth.Block, 5)
	for i := range list {
		list[i] = auth.Block{
			Kind: auth.BlockAddress, Value: "192.0.2.1", UserID: "a",
			CreatedAt: epoch.Add(time.Duration(i) * time.Microsecond), ExpiresAt: epoch.Add(time.Hour),
		}
	}
	list[1].UserID, list[1].ExpiresAt = "b", time.Time{}
	list[2].UserID, list[2].ExpiresAt = "c", epoch.AddDate(-1, 0, 0)
	list[3].Value = "192.0.2.10"
	list[4].Kind = auth.BlockKey
	update(t, s, func(tx store.Tx) error {
		for _, i := range []int{4, 2, 0, 3, 1} {
			if err := tx.PutBlock(list[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return list
}

func blocksOnValue(t *testing.T, s store.Store) {
	list := reports(t, s)
	equal(t, "on the value", blocksOn(t, s, auth.BlockAddress, "192.0.2.1"), list[:3])
	equal(t, "on another value", blocksOn(t, s, auth.BlockAddress, "192.0.2.10"), list[3:4])
	equal(t, "on a key of that name", blocksOn(t, s, auth.BlockKey, "192.0.2.1"), list[4:])
	for _, value := range []string{"", "192.0.2", "192.0.2.1%", "192.0.2._"} {
		equal(t, "on "+value, blocksOn(t, s, auth.BlockAddress, value), nil)
	}
}

func blocksReplaced(t *testing.T, s store.Store) {
	list := reports(t, s)
	list[1].CreatedAt, list[1].ExpiresAt = epoch.Add(time.Minute), epoch.Add(2*time.Hour)
	update(t, s, func(tx store.Tx) error { return tx.PutBlock(list[1]) })
	equal(t, "on the value", blocksOn(t, s, auth.BlockAddress, "192.0.2.1"), list[:3])
	equal(t, "all", len(allBlocks(t, s)), len(list))
}

func blocksLifted(t *testing.T, s store.Store) {
	list := reports(t, s)
	lift := func(tx store.Tx) error { return tx.RemoveBlocks(auth.BlockAddress, "192.0.2.1") }
	update(t, s, lift)
	equal(t, "what is left", allBlocks(t, s), list[3:])
	if err := s.Update(context.Background(), lift); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("lifted again: got %v, want ErrNotFound", err)
	}
	equal(t, "what is left then", allBlocks(t, s), list[3:])
}

func blocksInOrder(t *testing.T, s store.Store) {
	equal(t, "no blocks", allBlocks(t, s), nil)
	list := reports(t, s)
	equal(t, "all, oldest first", allBlocks(t, s), list)
}
