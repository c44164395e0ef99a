package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/qrauthd/qrauthd/internal/store"
)

// DefaultBusyTimeout is how long a transaction waits for another process to let
// go of the file.
const DefaultBusyTimeout = 5 * time.Second

// Options tune a DB. The zero value is what a server wants.
type Options struct {
	// BusyTimeout bounds the wait for another process's lock; 0 is DefaultBusyTimeout.
	BusyTimeout time.Duration
	// Readers is the number of connections for reading; 0 is one a processor, and four at least.
	Readers int

	// connected is called with each new connection; tests reach into SQLite by it.
	connected func(c *sqlite3.SQLiteConn, writes bool) error
}

// DB is a store in one SQLite file. Open makes one; Close ends it.
type DB struct {
	readers *readers
	writer  *writer
	checkup *checkup
	close   func() error
}

var _ store.Store = (*DB)(nil)

// Open opens the database at the path, creates it when it is missing (mode 0600,
// in a folder of mode 0700 when that is missing too) and brings its schema up to
// date. A file of a newer release is ErrNewerSchema; it and a file of any other
// origin are left as they are.
func Open(ctx context.Context, path string, opts Options) (*DB, error) {
	db, err := open(ctx, path, opts.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, failure(err))
	}
	return db, nil
}

func (o Options) withDefaults() Options {
	if o.BusyTimeout == 0 {
		o.BusyTimeout = DefaultBusyTimeout
	}
	if o.Readers == 0 {
		o.Readers = max(4, runtime.GOMAXPROCS(0))
	}
	return o
}

func open(ctx context.Context, path string, opts Options) (*DB, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	path, err := plainPath(path)
	if err != nil {
		return nil, err
	}
	if err := createFile(path); err != nil {
		return nil, err
	}
	if err := checkOrigin(ctx, path, opts); err != nil {
		return nil, err
	}
	migrations := sql.OpenDB(newConnector(path, opts, writes))
	defer migrations.Close() // not the last to close, which would remove the log
	migrations.SetMaxOpenConns(1)
	if err := prepare(ctx, migrations, opts); err != nil {
		return nil, err
	}
	return start(ctx, path, opts)
}

// prepare makes the file what the connections of a DB rely on.
func prepare(ctx context.Context, db *sql.DB, opts Options) error {
	if err := migrate(ctx, db, opts.BusyTimeout); err != nil {
		return err
	}
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("the file system cannot keep a write-ahead log (journal mode %q): use a local disk", mode)
	}
	return nil
}

func start(ctx context.Context, path string, opts Options) (*DB, error) {
	r := newReaders(newConnector(path, opts, reads), opts.Readers)
	// A reader that is open from the start holds the log's index, which could not
	// be made again on a full disk.
	c, err := r.take(ctx)
	if err != nil {
		return nil, err
	}
	r.give(c)
	w, err := startWriter(newConnector(path, opts, writes), r)
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	db := &DB{readers: r, writer: w, checkup: newCheckup(path, opts)}
	db.close = sync.OnceValue(db.end)
	return db, nil
}

// Update implements store.Store. It must not be called from within the function
// of another Update, which it would wait for.
func (db *DB) Update(ctx context.Context, fn func(store.Tx) error) error {
	return db.checkup.updated(db.writer.update(ctx, fn))
}

// Close lets the transactions that have begun come to their end and fails the
// others. Closing twice is no error.
func (db *DB) Close() error { return db.close() }

func (db *DB) end() error {
	db.checkup.close()
	// The last connection to close moves the log into the database and removes it.
	if err := errors.Join(db.readers.close(), db.writer.close()); err != nil {
		return fmt.Errorf("close database: %w", failure(err))
	}
	return nil
}

// plainPath refuses what SQLite would not keep in a file: such a database is a
// different one for each connection, and gone with the last.
func plainPath(path string) (string, error) {
	switch {
	case path == "" || strings.Contains(path, ":memory:") || strings.Contains(path, "mode=memory"):
		return "", errors.New("a database in memory loses everything and is different for each connection: give the path of a file")
	case strings.HasPrefix(path, "file:"):
		return "", errors.New("give the path of a file, not a URI")
	}
	return filepath.Abs(path)
}

// createFile sees to the file's mode, which SQLite gives to its companions too.
func createFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fileFailure(err)
	}
	// The log first, for another process may be making both.
	if size(path+"-wal") > 0 && size(path) == 0 {
		return becauseOf(store.CauseDamaged, errEmptied)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fileFailure(err)
	}
	defer f.Close()
	head := make([]byte, len(magic))
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fileFailure(err)
	}
	if n != 0 && !bytes.Equal(head, []byte(magic)) {
		return errors.New("the file is not an SQLite database")
	}
	return nil
}

// errEmptied: SQLite makes the file before its log, and would take an empty file for
// a new database and delete the log, with all that is in it.
var errEmptied = errors.New("the file is empty or gone, but the log beside it (-wal) is not: keep the log")

// size is that of the file, 0 when there is none.
func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// magic is how an SQLite database begins (https://sqlite.org/fileformat2.html section 1.3.1).
const magic = "SQLite format 3\x00"

// What a connection is for.
type purpose int

const (
	reads    purpose = iota // over a consistent reading, never writes
	writes                  // the one that writes
	inspects                // looks at a file that may not be ours, and changes no byte of it
)

// connector makes connections on which everything that must hold for each of
// them does: a PRAGMA given to a pool would hold for whichever connection ran it.
type connector struct {
	driver *sqlite3.SQLiteDriver
	dsn    string
}

func newConnector(path string, opts Options, p purpose) *connector {
	c := &connector{driver: &sqlite3.SQLiteDriver{}, dsn: dsn(path, opts, p)}
	c.driver.ConnectHook = func(conn *sqlite3.SQLiteConn) error {
		if p == inspects {
			return nil
		}
		if _, err := conn.Exec(pragmas, nil); err != nil {
			return err
		}
		if opts.connected == nil {
			return nil
		}
		return opts.connected(conn, p == writes)
	}
	return c
}

// pragmas are those that the driver's DSN has no name for.
//
//   - temp_store: the journal of a savepoint, kept in memory rather than spilled to a file.
//   - wal_autocheckpoint: 40 MiB of log, so that a page written by many commits is
//     moved into the database once. It is read again within a tenth of a second after
//     a crash. See mover for quieter times.
//   - journal_size_limit: what a burst left of the log is given back.
//   - secure_delete: what a page no longer holds is overwritten when the page is
//     written, such as a key of the server that has been sealed or has expired.
//   - trusted_schema, cell_size_check: a damaged or tampered file is met with an error.
const pragmas = `
PRAGMA temp_store = MEMORY;
PRAGMA wal_autocheckpoint = 10000;
PRAGMA journal_size_limit = 67108864;
PRAGMA secure_delete = FAST;
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;`

func dsn(path string, opts Options, p purpose) string {
	q := url.Values{}
	q.Set("_busy_timeout", strconv.FormatInt(opts.BusyTimeout.Milliseconds(), 10))
	switch p {
	case inspects:
		q.Set("mode", "ro")
	case reads:
		q.Set("mode", "rw")
		q.Set("_query_only", "on")
	case writes:
		q.Set("mode", "rw")
		q.Set("_txlock", "immediate") // for the migrations; the writer says so itself
	}
	if p != inspects {
		q.Set("_foreign_keys", "on")
		q.Set("_journal_mode", "WAL")
		q.Set("_synchronous", "FULL")
		q.Set("_mutex", "no") // each is used by one goroutine at a time
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a Windows drive
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
}

// Connect implements driver.Connector.
func (c *connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return c.driver }
