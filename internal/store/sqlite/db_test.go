package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/store/storetest"
)

func TestMain(m *testing.M) {
	if os.Getenv(helperEnv) != "" {
		os.Exit(openAsHelper())
	}
	goleak.VerifyTestMain(m)
}

// openAt opens the database at the path and closes it with the test.
func openAt(t testing.TB, path string, opts Options) *DB {
	t.Helper()
	db, err := Open(context.Background(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "qrauthd.db") }

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return openAt(t, newPath(t), Options{}) })
	storetest.RunDurable(t, func(t *testing.T) func() store.Store {
		path := newPath(t)
		return func() store.Store { return openAt(t, path, Options{}) }
	})
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign.db")
	rawExec(t, foreign, `CREATE TABLE bookmarks (url TEXT)`)
	newer := filepath.Join(dir, "newer.db")
	rawExec(t, newer, `PRAGMA journal_mode = WAL`,
		`CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY, version_id INTEGER, is_applied INTEGER, tstamp TIMESTAMP)`,
		`INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1), (1, 1), (9001, 1)`,
		`CREATE TABLE grants (id TEXT)`)
	text := filepath.Join(dir, "notes.txt")
	writeFile(t, text, "This is not the database that you are looking for.")
	short := filepath.Join(dir, "short.txt")
	writeFile(t, short, "SQLite")
	damaged := filepath.Join(dir, "damaged.db")
	writeFile(t, damaged, magic+strings.Repeat("\xff", 4096))

	for _, c := range []struct {
		name, path string
		want       error  // nil: any
		says       string // in its message
	}{
		{"a database of a newer release", newer, store.ErrNewerSchema, "9001"},
		{"the database of another program", foreign, nil, "another program"},
		{"a file that is no database", text, nil, "not an SQLite database"},
		{"a file that is shorter than a database's head", short, nil, "not an SQLite database"},
		{"a damaged database", damaged, store.ErrUnavailable, "damaged"},
		{"a folder", dir, store.ErrUnavailable, "directory"},
		{"a path below a file", filepath.Join(text, "x.db"), nil, "not a directory"},
		{"no path", "", nil, "memory"},
		{"a database in memory", ":memory:", nil, "memory"},
		{"a URI in memory", "file:x?mode=memory&cache=shared", nil, "memory"},
		{"another URI", "file:" + filepath.Join(dir, "x.db"), nil, "URI"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, _ := os.ReadFile(c.path)
			db, err := Open(context.Background(), c.path, Options{})
			if err == nil {
				db.Close()
				t.Fatal("got no error")
			}
			if c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %q, want it to be %v and to say %q", err, c.want, c.says)
			}
			if after, _ := os.ReadFile(c.path); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestOpenWithAContextThatHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	path := newPath(t)
	if _, err := Open(ctx, path, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file: got %v, want that there is none", err)
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "of qrauthd")
	path := filepath.Join(dir, "a 100%20odd?name#1.db")
	db := openAt(t, path, Options{})
	addUser(t, db, "alice")
	for name, want := range map[string]os.FileMode{dir: 0o700, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600} {
		info, err := os.Stat(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: got mode %o, want %o", name, got, want)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the log after Close: got %v, want that there is none", err)
	}
}

func TestAnEmptyFileIsANewDatabase(t *testing.T) {
	path := newPath(t)
	writeFile(t, path, "")
	addUser(t, openAt(t, path, Options{}), "alice")
}

func TestManyMayOpenANewDatabaseAtOnce(t *testing.T) {
	path := newPath(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			db, err := Open(context.Background(), path, Options{})
			if err != nil {
				t.Error(err)
				return
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	addUser(t, openAt(t, path, Options{}), "alice")
}

// TestPragmasHoldOnEveryConnection holds all connections of a pool at once, so
// that none is asked twice.
func TestPragmasHoldOnEveryConnection(t *testing.T) {
	const readers = 5
	db := openAt(t, newPath(t), Options{Readers: readers})
	want := map[string]string{
		"foreign_keys": "1", "journal_mode": "wal", "synchronous": "2", "busy_timeout": "5000",
		"temp_store": "2", "trusted_schema": "0",
	}
	check := func(who string, c *conn, queryOnly string) {
		want["query_only"] = queryOnly
		for pragma, value := range want {
			if got := ask(t, c, "PRAGMA "+pragma)[0]; got != value {
				t.Errorf("%s: %s: got %s, want %s", who, pragma, got, value)
			}
		}
	}
	for range readers {
		c, err := db.readers.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer db.readers.give(c)
		check("reader", c, "1")
	}
	if err := db.Update(context.Background(), func(opened store.Tx) error {
		check("writer", opened.(*tx).conn, "0")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// ask is the last column of each record that the query finds.
func ask(t testing.TB, c *conn, query string) (answers []string) {
	t.Helper()
	s, err := c.query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer s.end()
	for s.next() {
		answers = append(answers, fmt.Sprint(s.row.values[len(s.row.values)-1]))
	}
	if s.row.err != nil {
		t.Fatal(s.row.err)
	}
	return answers
}

// askReader asks over a connection of its readers.
func askReader(t testing.TB, db *DB, query string) []string {
	t.Helper()
	c, err := db.readers.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.readers.give(c)
	return ask(t, c, query)
}

func TestHotStatementsUseAnIndex(t *testing.T) {
	db := openAt(t, newPath(t), Options{})
	for name, query := range map[string]string{
		"grant by ID":             `SELECT ` + grantColumns + ` FROM grants WHERE id = 'x'`,
		"grant by code":           `SELECT id FROM grants WHERE id = (SELECT grant_id FROM user_codes WHERE code = 'x')`,
		"session by ID":           findSession + `id = 'x'`,
		"session by grant":        findSession + `grant_id = 'x'`,
		"session by family":       findSession + `family_hash = x'00'`,
		"refresh token":           `SELECT ` + refreshColumns + ` FROM refreshes WHERE hash = x'00'`,
		"earlier refresh tokens":  `DELETE FROM refreshes WHERE session_id = 'x' AND generation < 2`,
		"the cascade's search":    `SELECT hash FROM refreshes WHERE session_id = 'x'`,
		"live grants of a client": `SELECT id FROM grants WHERE expires_at > 1 AND client_id = 'x' ORDER BY expires_at, rowid`,
		"grants to prune":         `SELECT rowid FROM grants WHERE expires_at <= 1 ORDER BY expires_at, rowid LIMIT 5`,
		"replays to prune":        `SELECT hash FROM replays WHERE expires_at <= 1 ORDER BY expires_at LIMIT 5`,
		"others to prune":         `SELECT rowid FROM sessions WHERE expires_at <= 1 ORDER BY expires_at LIMIT 5`,
		"a page of the audit log": `SELECT ` + auditColumns + ` FROM audit WHERE seq > 1 ORDER BY seq LIMIT 5`,
		"records to forget":       `SELECT seq FROM audit WHERE personal IS NOT NULL AND at < 1 ORDER BY at, seq LIMIT 5`,
		"due messages":            `SELECT ` + messageColumns + ` FROM messages WHERE due_at <= 1 ORDER BY due_at, rowid LIMIT 5`,
		"familiars":               `SELECT ` + familiarColumns + ` FROM familiars WHERE user_id = 'x' ORDER BY kind, value`,
		"familiars to prune":      `SELECT user_id, kind, value FROM familiars WHERE last_seen_at <= 1 ORDER BY last_seen_at LIMIT 5`,
		"blocks on a value":       `SELECT ` + blockColumns + ` FROM blocks WHERE kind = 'x' AND value = 'y' ORDER BY user_id`,
		"blocks to prune":         `SELECT rowid FROM blocks WHERE expires_at <= 1 ORDER BY expires_at LIMIT 5`,
		"codes to remove":         `DELETE FROM user_codes WHERE code IN ('x', 'y')`,
	} {
		for _, detail := range askReader(t, db, "EXPLAIN QUERY PLAN "+query) {
			if strings.Contains(detail, "SCAN") || strings.Contains(detail, "B-TREE") {
				t.Errorf("%s: %s", name, detail)
			}
		}
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// rawExec runs statements as another program would.
func rawExec(t testing.TB, path string, queries ...string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range queries {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
}

func tryAddUser(db *DB, id auth.UserID) error {
	return db.Update(context.Background(), func(tx store.Tx) error { return tx.AddUser(auth.User{ID: id}) })
}

func addUser(t *testing.T, db *DB, id auth.UserID) {
	t.Helper()
	if err := tryAddUser(db, id); err != nil {
		t.Fatal(err)
	}
}

func hasUser(t *testing.T, db *DB, id auth.UserID) bool {
	t.Helper()
	err := db.View(context.Background(), func(tx store.Tx) error {
		_, err := tx.User(id)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}
