package sqlite

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

// TestAKeyThatIsSealedLeavesNoTrace: the operator's key file would be worth
// little if the file still held the key as it was before.
func TestAKeyThatIsSealedLeavesNoTrace(t *testing.T) {
	path := newPath(t)
	db := openAt(t, path, Options{})
	open := bytes.Repeat([]byte("private key "), 100) // as long as that of RS256
	k := auth.Key{ID: "k", Use: auth.KeySigns, Material: open}
	change := func(fn func(store.Tx) error) {
		t.Helper()
		if err := db.Update(context.Background(), fn); err != nil {
			t.Fatal(err)
		}
	}
	change(func(tx store.Tx) error { return tx.AddKey(k) })
	k.Material, k.Sealed = []byte("sealed"), true
	change(func(tx store.Tx) error { return tx.SetKey(k) })
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(content, k.Material) {
		t.Fatal("the sealed key is not in the file")
	}
	if bytes.Contains(content, open[:24]) {
		t.Error("the key as it was before is still in the file")
	}
}
