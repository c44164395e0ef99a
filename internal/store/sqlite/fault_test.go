package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mattn/go-sqlite3"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

// wantUnavailable expects ErrUnavailable, with words about what to check.
func wantUnavailable(t *testing.T, err error, says string) {
	t.Helper()
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), says) {
		t.Errorf("got %v, want ErrUnavailable that says %q", err, says)
	}
}

// writerConn keeps the newest of the writer's connections, to be reached into
// while the writer rests.
type writerConn struct {
	conn   atomic.Pointer[sqlite3.SQLiteConn]
	opened atomic.Int32
	setup  string // run on each connection that writes
}

func (w *writerConn) connected(c *sqlite3.SQLiteConn, writes bool) error {
	if !writes {
		return nil
	}
	w.conn.Store(c)
	w.opened.Add(1)
	_, err := c.Exec(w.setup, nil)
	return err
}

func (w *writerConn) exec(t *testing.T, query string) {
	t.Helper()
	if _, err := w.conn.Load().Exec(query, nil); err != nil {
		t.Fatal(err)
	}
}

func TestAFullDiskLosesNothingAndHeals(t *testing.T) {
	w := &writerConn{setup: "PRAGMA max_page_count = 100"}
	path := newPath(t)
	db := openAt(t, path, Options{connected: w.connected})

	acknowledged := make(map[string]bool)
	var failed error
	for i := 0; failed == nil; i++ {
		if i > 10_000 {
			t.Fatal("the disk never filled up")
		}
		id := fmt.Sprintf("user-%d", i)
		failed = db.Update(context.Background(), func(tx store.Tx) error {
			return tx.AddUser(auth.User{ID: auth.UserID(id), Name: strings.Repeat("x", 2000)})
		})
		if failed == nil {
			acknowledged[id] = true
		} else if hasUser(t, db, auth.UserID(id)) {
			t.Error("a user is there who was refused")
		}
	}
	wantUnavailable(t, failed, "disk is full")
	wantUnavailable(t, db.Update(context.Background(), func(tx store.Tx) error {
		// Swallowing the error must not turn half a transaction into an acknowledged one.
		_ = tx.AddUser(auth.User{ID: "half", Name: strings.Repeat("x", 8000)})
		return nil
	}), "disk is full")

	w.exec(t, "PRAGMA max_page_count = 1000000")
	addUser(t, db, "after")
	if hasUser(t, db, "half") {
		t.Error("half a transaction is there")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openAt(t, path, Options{})
	for id := range acknowledged {
		if !hasUser(t, db, auth.UserID(id)) {
			t.Errorf("%s was acknowledged and is lost", id)
		}
	}
}

func TestAFullDiskFailsTheWholeBatchButNoCallerAlone(t *testing.T) {
	w := &writerConn{}
	db := openAt(t, newPath(t), Options{connected: w.connected})
	addUser(t, db, "first")
	w.exec(t, "PRAGMA max_page_count = 1") // SQLite makes that the present size
	answers := batch(t, db, func(i int, tx store.Tx) error {
		return tx.AddUser(auth.User{ID: auth.UserID(fmt.Sprintf("user-%d", i)), Name: strings.Repeat("x", 1000)})
	})
	refused := 0
	for i, err := range answers {
		if is := hasUser(t, db, auth.UserID(fmt.Sprintf("user-%d", i))); is != (err == nil) {
			t.Errorf("caller %d: got the answer %v, while the user's being there is %v", i, err, is)
		}
		if err != nil {
			refused++
			wantUnavailable(t, err, "disk is full")
		}
	}
	if refused == 0 {
		t.Error("no caller was refused")
	}
	w.exec(t, "PRAGMA max_page_count = 1000000")
	addUser(t, db, "after")
}

// batch has 20 callers share a batch with one that holds it open until all of them wait.
func batch(t *testing.T, db *DB, fn func(i int, tx store.Tx) error) []error {
	t.Helper()
	const n = 20
	answers := make([]chan error, n)
	if err := db.Update(context.Background(), func(store.Tx) error {
		for i := range answers {
			answers[i] = make(chan error, 1)
			go func() {
				answers[i] <- db.Update(context.Background(), func(tx store.Tx) error { return fn(i, tx) })
			}()
		}
		waitFor(func() bool { return waiting(db) == n })
		return nil
	}); err != nil && !errors.Is(err, store.ErrUnavailable) {
		t.Fatal(err)
	}
	errs := make([]error, n)
	for i := range answers {
		errs[i] = <-answers[i]
	}
	return errs
}

// waitFor yields until the condition holds; the test's own timeout bounds it.
func waitFor(condition func() bool) {
	for !condition() {
		runtime.Gosched()
	}
}

func TestACommitThatFailsIsAnsweredToAllAndHeals(t *testing.T) {
	w := &writerConn{}
	db := openAt(t, newPath(t), Options{connected: w.connected})
	addUser(t, db, "taken")
	var commits atomic.Int32
	w.conn.Load().RegisterCommitHook(func() int { // a non-zero answer fails the commit
		commits.Add(1)
		return 1
	})
	answers := batch(t, db, func(i int, tx store.Tx) error {
		switch i % 3 {
		case 0:
			return tx.AddUser(auth.User{ID: "taken"}) // a conflict, seen in a transaction that never was
		case 1:
			return nil
		}
		return tx.AddUser(auth.User{ID: auth.UserID(fmt.Sprintf("user-%d", i))})
	})
	for i, err := range answers {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("caller %d: got %v, want ErrUnavailable", i, err)
		}
		if hasUser(t, db, auth.UserID(fmt.Sprintf("user-%d", i))) {
			t.Errorf("caller %d: the user is there", i)
		}
	}
	if got := commits.Load(); got != 1 {
		t.Errorf("got %d commits, want 1 for all", got)
	}
	before := w.opened.Load()
	addUser(t, db, "after")
	if got := w.opened.Load(); got != before+1 {
		t.Errorf("got %d connections, want a new one after the %d before", got, before)
	}
}

func TestALockedFileIsUnavailableInBoundedTimeAndHeals(t *testing.T) {
	path := newPath(t)
	const timeout = 50 * time.Millisecond
	db := openAt(t, path, Options{BusyTimeout: timeout})
	addUser(t, db, "before")
	other := rawConn(t, path)
	if _, err := other.Exec("BEGIN IMMEDIATE", nil); err != nil {
		t.Fatal(err)
	}

	const n = 300 // more than a batch: all are refused together
	begin := time.Now()
	errs := make(chan error, n)
	for i := range n {
		go func() { errs <- tryAddUser(db, auth.UserID(fmt.Sprintf("user-%d", i))) }()
	}
	for range n {
		wantUnavailable(t, <-errs, "locked")
	}
	if took := time.Since(begin); took > 100*timeout {
		t.Errorf("took %v with a timeout of %v", took, timeout)
	}
	if !hasUser(t, db, "before") {
		t.Error("reading does not go on while the file is locked for writing")
	}

	if _, err := other.Exec("ROLLBACK", nil); err != nil {
		t.Fatal(err)
	}
	addUser(t, db, "after")
}

func TestOpeningADatabaseThatIsLocked(t *testing.T) {
	for name, c := range map[string]struct {
		lock  string
		opens bool
	}{
		"for writing, by a backup": {"BEGIN IMMEDIATE", true},
		"altogether, by a program that changes its journal": {
			"PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			if err := openAt(t, path, Options{}).Close(); err != nil {
				t.Fatal(err)
			}
			other := rawConn(t, path)
			if _, err := other.Exec(c.lock, nil); err != nil {
				t.Fatal(err)
			}
			opts := Options{BusyTimeout: 50 * time.Millisecond}
			db, err := Open(context.Background(), path, opts)
			if db != nil {
				wantCause(t, db.Check(context.Background()), store.CauseLocked)
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			}
			if c.opens && err != nil {
				t.Error(err)
			} else if !c.opens {
				wantCause(t, err, store.CauseLocked)
			}
			if _, err := other.Exec("ROLLBACK", nil); err != nil {
				t.Fatal(err)
			}
			addUser(t, openAt(t, path, opts), "alice")
		})
	}
}

func TestALockThatIsLetGoInTimeIsWaitedFor(t *testing.T) {
	path := newPath(t)
	db := openAt(t, path, Options{})
	other := rawConn(t, path)
	if _, err := other.Exec("BEGIN IMMEDIATE; INSERT INTO users VALUES ('other', '', 0, NULL)", nil); err != nil {
		t.Fatal(err)
	}
	answer := make(chan error, 1)
	go func() { answer <- tryAddUser(db, "ours") }()
	waitFor(func() bool { return waiting(db) == 0 })
	if _, err := other.Exec("COMMIT", nil); err != nil {
		t.Fatal(err)
	}
	if err := <-answer; err != nil {
		t.Error(err)
	}
	if !hasUser(t, db, "other") {
		t.Error("what the other process wrote is not read")
	}
}

func rawConn(t *testing.T, path string) *sqlite3.SQLiteConn {
	t.Helper()
	c, err := (&sqlite3.SQLiteDriver{}).Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*sqlite3.SQLiteConn)
}

func TestTwoHandlesWriteToOneFile(t *testing.T) {
	path := newPath(t)
	handles := []*DB{openAt(t, path, Options{}), openAt(t, path, Options{})}
	const each = 50
	errs := make(chan error)
	for h, db := range handles {
		go func() {
			var err error
			for i := 0; i < each && err == nil; i++ {
				err = tryAddUser(db, auth.UserID(fmt.Sprintf("user-%d-%d", h, i)))
			}
			errs <- err
		}()
	}
	for range handles {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	for _, db := range handles {
		if err := db.View(context.Background(), func(tx store.Tx) error {
			users, err := tx.Users()
			if len(users) != 2*each {
				t.Errorf("got %d users, want %d", len(users), 2*each)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	}
}

func TestADatabaseThatTurnsReadOnlyIsUnavailableAndHeals(t *testing.T) {
	w := &writerConn{}
	db := openAt(t, newPath(t), Options{connected: w.connected})
	addUser(t, db, "before")
	w.exec(t, "PRAGMA query_only = 1")
	wantUnavailable(t, tryAddUser(db, "during"), "read-only")
	if hasUser(t, db, "during") || !hasUser(t, db, "before") {
		t.Error("the users are not those of before")
	}
	addUser(t, db, "after") // over a new connection
}

func TestADamagedPageIsReported(t *testing.T) {
	path := newPath(t)
	db := openAt(t, path, Options{})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	empty, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	db = openAt(t, path, Options{})
	if err := db.Update(context.Background(), func(tx store.Tx) error {
		for i := range 500 {
			if err := tx.AddUser(auth.User{ID: auth.UserID(fmt.Sprintf("user-%d", i)), Name: strings.Repeat("x", 100)}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	// Everything but the schema and the version, which are in the pages of before.
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := content[empty.Size():]
	for i := range damaged {
		damaged[i] = 0x5a
	}
	writeFile(t, path, string(content))
	db = openAt(t, path, Options{})
	err = db.View(context.Background(), func(tx store.Tx) error {
		_, err := tx.Users()
		return err
	})
	wantUnavailable(t, err, "damaged")
}

// left is what a machine that died has left of a database: the file and its log.
type left struct{ path string }

// leftBehind has users user-0 to user-9, each in a commit of its own, all of them only
// in the log. Each copy may be spoiled.
func leftBehind(t *testing.T) (again func(t *testing.T) left) {
	t.Helper()
	alive := left{newPath(t)}
	first := openAt(t, alive.path, Options{})
	if err := first.Close(); err != nil { // the schema is in the file
		t.Fatal(err)
	}
	db := openAt(t, alive.path, Options{})
	for i := range 10 {
		addUser(t, db, auth.UserID(fmt.Sprintf("user-%d", i)))
	}
	contents := alive.contents()
	return func(t *testing.T) left {
		l := left{newPath(t)}
		for suffix, content := range contents {
			writeFile(t, l.path+suffix, string(content))
		}
		return l
	}
}

func (l left) truncate(t *testing.T, suffix string, size int64) {
	t.Helper()
	if err := os.Truncate(l.path+suffix, size); err != nil {
		t.Fatal(err)
	}
}

// TestWhatIsLeftOfADatabase says what SQLite's rules come to
// (https://sqlite.org/walformat.html section 4): the log counts up to its first frame
// that is not whole.
func TestWhatIsLeftOfADatabase(t *testing.T) {
	again := leftBehind(t)
	for name, c := range map[string]struct {
		spoil func(t *testing.T, l left)
		users int    // that are there; the first ones
		says  string // the error of opening it; empty: it opens
		cause store.Cause
	}{
		"all is whole": {func(*testing.T, left) {}, 10, "", ""},
		"the log was cut off within its last commit": {func(t *testing.T, l left) {
			l.truncate(t, "-wal", size(l.path+"-wal")-1)
		}, 9, "", ""},
		"a bit of the log's last commit is another": {func(t *testing.T, l left) {
			flip(t, l.path+"-wal", size(l.path+"-wal")-pageSize/2)
		}, 9, "", ""},
		"a bit of the log's first commit is another, and with it the log is gone": {func(t *testing.T, l left) {
			flip(t, l.path+"-wal", pageSize/2)
		}, 0, "", ""},
		"the log is nonsense": {func(t *testing.T, l left) {
			writeFile(t, l.path+"-wal", strings.Repeat("nonsense", 4096))
		}, 0, "", ""},
		"the log's index is nonsense": {func(t *testing.T, l left) {
			writeFile(t, l.path+"-shm", strings.Repeat("nonsense", 4096))
		}, 10, "", ""},
		"the log is lost": {func(t *testing.T, l left) {
			if err := os.Remove(l.path + "-wal"); err != nil {
				t.Fatal(err)
			}
		}, 0, "", ""},
		"the file is empty, and the log is there": {func(t *testing.T, l left) {
			l.truncate(t, "", 0)
		}, 0, "keep the log", store.CauseDamaged},
		"the file is lost, and the log is there": {func(t *testing.T, l left) {
			if err := os.Remove(l.path); err != nil {
				t.Fatal(err)
			}
		}, 0, "keep the log", store.CauseDamaged},
		"the file has only its first page": {func(t *testing.T, l left) {
			l.truncate(t, "", pageSize)
			l.truncate(t, "-wal", 0)
		}, 0, "restore a backup", store.CauseDamaged},
		"the file's first page is nonsense below its name": {func(t *testing.T, l left) {
			writeAt(t, l.path, bytes.Repeat([]byte{0xff}, pageSize-len(magic)), int64(len(magic)))
			l.truncate(t, "-wal", 0)
		}, 0, "restore a backup", store.CauseDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			l := again(t)
			c.spoil(t, l)
			before := l.contents()
			db, err := Open(context.Background(), l.path, Options{})
			if c.says != "" {
				if err == nil {
					_ = db.Close()
				}
				wantUnavailable(t, err, c.says)
				wantCause(t, err, c.cause)
				if diff := cmp.Diff(before, l.contents()); diff != "" {
					t.Error("the files were changed")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			for i := range 10 {
				id := auth.UserID(fmt.Sprintf("user-%d", i))
				if got, want := hasUser(t, db, id), i < c.users; got != want {
					t.Errorf("%s is there: got %v, want %v", id, got, want)
				}
			}
			addUser(t, db, "after")
			wantHealthy(t, db)
			if !isSound(context.Background(), l.path, Options{}.withDefaults()) {
				t.Error("the file is not sound")
			}
		})
	}
}

// contents are the bytes of the file and its log.
func (l left) contents() map[string][]byte {
	all := make(map[string][]byte, 2)
	for _, suffix := range []string{"", "-wal"} {
		all[suffix], _ = os.ReadFile(l.path + suffix)
	}
	return all
}

// flip changes one bit.
func flip(t *testing.T, path string, at int64) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	writeAt(t, path, []byte{content[at] ^ 1}, at)
}

// helperEnv names the file that a helper process is to open.
const helperEnv = "QRAUTHD_TEST_OPEN"

// openAsHelper opens the file in a process of its own, and prints what comes of it.
func openAsHelper() int {
	db, err := Open(context.Background(), os.Getenv(helperEnv), Options{})
	if err != nil {
		fmt.Print(err)
		if errors.Is(err, store.ErrUnavailable) {
			return 3
		}
		return 1
	}
	_ = db.Close()
	return 0
}
