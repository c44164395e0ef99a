package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

// wantCause expects ErrUnavailable for that reason.
func wantCause(t *testing.T, err error, want store.Cause) {
	t.Helper()
	var cause store.Cause
	if !errors.Is(err, store.ErrUnavailable) || !errors.As(err, &cause) || cause != want {
		t.Errorf("got %v, want ErrUnavailable because %q", err, want)
	}
}

// wantHealthy expects that a check finds nothing.
func wantHealthy(t *testing.T, db *DB) {
	t.Helper()
	if err := db.Check(context.Background()); err != nil {
		t.Errorf("check: got %v, want that all is well", err)
	}
}

func TestACheckWritesToTheLogEachTimeAndChangesNothing(t *testing.T) {
	w := &writerConn{}
	path := newPath(t)
	db := openAt(t, path, Options{connected: w.connected})
	addUser(t, db, "alice")
	var commits atomic.Int32
	w.conn.Load().RegisterCommitHook(func() int { commits.Add(1); return 0 })
	for i := range int32(3) {
		before := size(path + "-wal")
		wantHealthy(t, db)
		if got := commits.Load(); got != i+1 {
			t.Errorf("got %d commits, want %d", got, i+1)
		}
		if after := size(path + "-wal"); after <= before {
			t.Errorf("the log has %d bytes after a check and had %d before", after, before)
		}
	}
	if !hasUser(t, db, "alice") {
		t.Error("the user has gone")
	}
}

func TestACheckTellsTheCauseAndThatItHasGone(t *testing.T) {
	for name, c := range map[string]struct {
		bring func(t *testing.T, path string, w *writerConn) (undo func())
		want  store.Cause
	}{
		"another process writes": {func(t *testing.T, path string, _ *writerConn) func() {
			other := rawConn(t, path)
			exec := func(query string) {
				if _, err := other.Exec(query, nil); err != nil {
					t.Fatal(err)
				}
			}
			exec("BEGIN IMMEDIATE")
			return func() { exec("ROLLBACK") }
		}, store.CauseLocked},
		"the connection turns read-only": {func(t *testing.T, _ string, w *writerConn) func() {
			w.exec(t, "PRAGMA query_only = 1")
			return func() {}
		}, store.CauseReadOnly},
		"the file is moved away":  {moves(""), store.CauseMoved},
		"its log is moved away":   {moves("-wal"), store.CauseMoved},
		"its index is moved away": {moves("-shm"), store.CauseMoved},
		"the file is replaced by a copy": {func(t *testing.T, path string, _ *writerConn) func() {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			undo := moves("")(t, path, nil)
			writeFile(t, path, string(content))
			return undo
		}, store.CauseMoved},
	} {
		t.Run(name, func(t *testing.T) {
			w := &writerConn{}
			path := newPath(t)
			db := openAt(t, path, Options{BusyTimeout: 50 * time.Millisecond, connected: w.connected})
			addUser(t, db, "before")
			wantHealthy(t, db)
			undo := c.bring(t, path, w)
			err := db.Check(context.Background())
			wantCause(t, err, c.want)
			if err != nil && strings.HasSuffix(err.Error(), string(c.want)) {
				t.Errorf("%q has no advice", err)
			}
			undo()
			wantHealthy(t, db)
			addUser(t, db, "after")
		})
	}
}

// moves has one of the files moved away.
func moves(suffix string) func(t *testing.T, path string, _ *writerConn) (undo func()) {
	return func(t *testing.T, path string, _ *writerConn) func() {
		rename := func(from, to string) {
			if err := os.Rename(from, to); err != nil {
				t.Fatal(err)
			}
		}
		rename(path+suffix, path+suffix+".away")
		return func() { rename(path+suffix+".away", path+suffix) }
	}
}

func TestACheckThatHasNoTimeSaysWhatTheNewestWriteMet(t *testing.T) {
	path := newPath(t)
	db := openAt(t, path, Options{BusyTimeout: 100 * time.Millisecond})
	hasty := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		return db.Check(ctx)
	}
	if err := db.Update(context.Background(), func(store.Tx) error { // the writer is busy until it returns
		wantCause(t, hasty(), store.CauseSlow)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	wantHealthy(t, db)
	other := rawConn(t, path)
	if _, err := other.Exec("BEGIN IMMEDIATE", nil); err != nil {
		t.Fatal(err)
	}
	wantCause(t, tryAddUser(db, "during"), store.CauseLocked)
	wantCause(t, hasty(), store.CauseLocked)
	if _, err := other.Exec("ROLLBACK", nil); err != nil {
		t.Fatal(err)
	}
	wantHealthy(t, db)
}

func TestACheckOfAStoreThatHasTooMuchToDoSaysThat(t *testing.T) {
	db := openAt(t, newPath(t), Options{})
	ctx, giveUp := context.WithCancel(store.Ahead(context.Background()))
	var others sync.WaitGroup
	if err := db.Update(context.Background(), func(store.Tx) error { // the writer is busy until it returns
		for range queueLength {
			others.Go(func() { _ = db.Update(ctx, func(store.Tx) error { return nil }) })
		}
		waitFor(func() bool { return waiting(db) == queueLength })
		if err := db.Check(context.Background()); !errors.Is(err, store.ErrOverloaded) || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("got %v, want ErrOverloaded", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	giveUp()
	others.Wait()
	wantHealthy(t, db)
}

func TestACheckThatNobodyWaitsForIsNoVerdict(t *testing.T) {
	db := openAt(t, newPath(t), Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := db.Check(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestACheckOfAClosedDatabase(t *testing.T) {
	db := openAt(t, newPath(t), Options{})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Check(context.Background()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}

// damagedAt makes a database with two users far apart, opens it, and spoils the page
// that has the one who is called Bob. Mend brings the page back.
func damagedAt(t *testing.T) (db *DB, mend func()) {
	t.Helper()
	path := newPath(t)
	first := openAt(t, path, Options{})
	if err := first.Update(context.Background(), func(tx store.Tx) error {
		for _, u := range []auth.User{
			{ID: "alice", Name: strings.Repeat("A", 3000)},
			{ID: "bob", Name: strings.Repeat("Bob", 1000)},
			{ID: "carol", Name: strings.Repeat("C", 3000)},
		} {
			if err := tx.AddUser(u); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	db = openAt(t, path, Options{})
	return db, spoil(t, path, "BobBobBob")
}

// pageSize is SQLite's.
const pageSize = 4096

// spoil writes nonsense over the page that has the text, and returns what undoes it.
func spoil(t *testing.T, path, text string) (mend func()) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(content, []byte(text))
	if at < 0 {
		t.Fatalf("%q is not in the file", text)
	}
	at -= at % pageSize
	good := content[at : at+pageSize]
	writeAt(t, path, bytes.Repeat([]byte{0x5a}, pageSize), int64(at))
	return func() { writeAt(t, path, good, int64(at)) }
}

func writeAt(t *testing.T, path string, b []byte, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(b, at)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// readUser finds the user, or fails.
func readUser(db *DB, id auth.UserID) error {
	return db.View(context.Background(), func(tx store.Tx) error {
		_, err := tx.User(id)
		return err
	})
}

// inspected waits for the inspection under way, and lets the next check begin another.
func (c *checkup) inspected() {
	waitFor(func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return !c.inspecting
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rest = time.Time{}
}

func TestDamageIsRememberedUntilAnInspectionFindsNone(t *testing.T) {
	db, mend := damagedAt(t)
	wantHealthy(t, db) // nobody has met it yet
	wantCause(t, readUser(db, "bob"), store.CauseDamaged)
	for range 3 {
		wantCause(t, db.Check(context.Background()), store.CauseDamaged)
		db.checkup.inspected()
	}
	if err := readUser(db, "alice"); err != nil {
		t.Errorf("what is whole: %v", err)
	}
	addUser(t, db, "dave")
	wantCause(t, db.Check(context.Background()), store.CauseDamaged)

	db.checkup.inspected()
	mend()
	wantCause(t, db.Check(context.Background()), store.CauseDamaged) // nobody has looked yet
	db.checkup.inspected()
	wantHealthy(t, db)
	if err := readUser(db, "bob"); err != nil {
		t.Errorf("what was mended: %v", err)
	}
}

func TestDamageThatWritingMeetsIsRememberedAsWell(t *testing.T) {
	db, _ := damagedAt(t)
	err := db.Update(context.Background(), func(tx store.Tx) error {
		_ = tx.SetUser(auth.User{ID: "bob", Name: "Robert"}) // swallowed
		return nil
	})
	wantCause(t, err, store.CauseDamaged)
	wantCause(t, db.Check(context.Background()), store.CauseDamaged)
}

func TestInspectionsRestBetween(t *testing.T) {
	db, mend := damagedAt(t)
	wantCause(t, readUser(db, "bob"), store.CauseDamaged)
	c := db.checkup
	wantCause(t, db.Check(context.Background()), store.CauseDamaged)
	waitFor(func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return !c.inspecting
	})
	mend()
	for range 100 {
		wantCause(t, db.Check(context.Background()), store.CauseDamaged)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inspecting || time.Until(c.rest) < inspectionRest/2 {
		t.Errorf("the next inspection is due in %v, want %v after the one before", time.Until(c.rest), inspectionRest)
	}
}

func TestClosingEndsAnInspection(t *testing.T) {
	db, _ := damagedAt(t)
	wantCause(t, readUser(db, "bob"), store.CauseDamaged)
	wantCause(t, db.Check(context.Background()), store.CauseDamaged)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	c := db.checkup
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inspecting {
		t.Error("it goes on")
	}
}

func TestChecksDoNotKeepWakingAnotherProcess(t *testing.T) {
	path := newPath(t)
	w := &writerConn{}
	db, other := openAt(t, path, Options{connected: w.connected}), openAt(t, path, Options{})
	var commits atomic.Int32
	w.conn.Load().RegisterCommitHook(func() int { commits.Add(1); return 0 })
	seen := make(chan struct{})
	go db.Watch(t.Context(), sync.OnceFunc(func() { close(seen) }))
	waitFor(func() bool { // what is written before Watch has begun to look is no news
		addUser(t, other, auth.UserID(fmt.Sprint("theirs", time.Now().UnixNano())))
		select {
		case <-seen:
			return true
		default:
			return false
		}
	})
	for range 3 {
		wantHealthy(t, db)
	}
	if got := commits.Load(); got != 1 {
		t.Errorf("with nothing written before: got %d commits of 3 checks, want 1", got)
	}
	addUser(t, db, "ours")
	wantHealthy(t, db)
	if got := commits.Load(); got != 2 {
		t.Errorf("after a commit of ours: got %d commits, want 2", got)
	}
	w.exec(t, "PRAGMA query_only = 1")
	wantUnavailable(t, tryAddUser(db, "during"), "read-only")
	if db.writer.kept.within(time.Hour) {
		t.Error("after a failure the commits before still show that writing works")
	}
	wantHealthy(t, db)
	if !db.writer.kept.within(time.Hour) {
		t.Error("the check after a failure did not write")
	}
}

func TestAnUpdateThatWritesNothingShowsNothing(t *testing.T) {
	db := openAt(t, newPath(t), Options{})
	for name, fn := range map[string]func(store.Tx) error{
		"no statement":   func(store.Tx) error { return nil },
		"no record":      func(tx store.Tx) error { return tx.RemoveBrowsersOf("nobody", "") },
		"rolled back":    func(tx store.Tx) error { _ = tx.AddUser(auth.User{ID: "x"}); return store.ErrNotFound },
		"only a reading": func(tx store.Tx) error { _, err := tx.Keys(); return err },
	} {
		_ = db.Update(t.Context(), fn)
		if db.writer.kept.within(time.Hour) {
			t.Errorf("%s: a commit is taken for one that has written", name)
		}
	}
	addUser(t, db, "alice")
	if !db.writer.kept.within(time.Hour) {
		t.Error("a commit that has written is not taken for one")
	}
}
