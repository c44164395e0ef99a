package sqlite

import "testing"

func TestOnlyOthersChangesMakeAnotherVersion(t *testing.T) {
	path := newPath(t)
	db, other := openAt(t, path, Options{}), openAt(t, path, Options{})
	ask := func() version {
		v, ok := db.writer.ask(t.Context())
		if !ok {
			t.Error("the writer cannot tell")
		}
		return v
	}
	before := ask()
	addUser(t, db, "ours")
	if !hasUser(t, other, "ours") {
		t.Fatal("the two are not of one file")
	}
	if got := ask(); got != before {
		t.Errorf("after a change of one's own: got %v, want %v", got, before)
	}
	addUser(t, other, "theirs")
	changed := ask()
	if changed == before {
		t.Error("another's change went unnoticed")
	}
	if got := ask(); got != changed {
		t.Errorf("without a change: got %v, want %v", got, changed)
	}
}

func TestAClosedDatabaseWatchesNoLonger(t *testing.T) {
	db := openAt(t, newPath(t), Options{})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db.Watch(t.Context(), func() { t.Error("a change was told") })
}
