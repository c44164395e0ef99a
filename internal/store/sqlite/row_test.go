package sqlite

import (
	"database/sql/driver"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

func TestNullIsReadOnlyWhereItStandsForNothing(t *testing.T) {
	for name, c := range map[string]struct {
		read func(*row)
		ok   bool
	}{
		"a time":          {func(r *row) { r.instant() }, true},
		"a hash":          {func(r *row) { r.digest() }, true},
		"bytes":           {func(r *row) { r.blob() }, true},
		"a text or none":  {func(r *row) { r.optional() }, true},
		"a text":          {func(r *row) { text[string](r) }, false},
		"a number":        {func(r *row) { number[int](r) }, false},
		"yes or no":       {func(r *row) { r.flag() }, false},
		"words":           {func(r *row) { r.words() }, false},
		"an address":      {func(r *row) { r.address() }, false},
		"an object":       {func(r *row) { var v any; r.object(&v) }, false},
		"a client's keys": {func(r *row) { r.clientSecrets() }, false},
	} {
		r := &row{values: []driver.Value{nil}}
		if c.read(r); (r.err == nil) != c.ok {
			t.Errorf("%s: got %v, want an error: %t", name, r.err, !c.ok)
		}
		if r.read != 1 {
			t.Errorf("%s: %d columns were read, want 1", name, r.read)
		}
	}
}

func TestAStatementHoldsNothingBetweenTwoUses(t *testing.T) {
	db := openAt(t, newPath(t), Options{})
	key := auth.Key{ID: "k", Use: auth.KeySigns, Material: []byte("private"), CreatedAt: time.Now()}
	var conns []*conn
	if err := db.Update(t.Context(), func(t store.Tx) error {
		conns = append(conns, t.(*tx).conn)
		return t.AddKey(key)
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.View(t.Context(), func(t store.Tx) error {
		conns = append(conns, t.(*tx).conn)
		_, err := t.Keys()
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range conns {
		for query, s := range c.statements {
			for _, a := range s.args {
				if a.Value != nil {
					t.Errorf("%s: an argument is held", query)
				}
			}
			for _, v := range s.row.values {
				if v != nil {
					t.Errorf("%s: a value is held", query)
				}
			}
		}
	}
}
