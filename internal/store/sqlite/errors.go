package sqlite

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/mattn/go-sqlite3"

	"github.com/qrauthd/qrauthd/internal/store"
)

var (
	errClosed   = fmt.Errorf("%w: the database is closed", store.ErrUnavailable)
	errReadOnly = errors.New("a transaction of View cannot write")
	errOver     = errors.New("the transaction is over")
	// errLeft is what a caller's function has said when it said nothing: it panicked.
	errLeft = errors.New("the function did not return")
)

const adviceAccess = "the database file cannot be opened for writing: check the owner and mode of the file and of its folder"

// advice says what to check when SQLite cannot do its work, by primary result code.
var advice = map[sqlite3.ErrNo]string{
	sqlite3.ErrFull:     "the disk is full: free some space",
	sqlite3.ErrIoErr:    "the disk reports an error: check the disk, its free space and the system's log",
	sqlite3.ErrBusy:     "another process holds the database locked: see whether a backup or a second server runs",
	sqlite3.ErrLocked:   "another process holds the database locked: see whether a backup or a second server runs",
	sqlite3.ErrProtocol: "another process holds the database locked: see whether a backup or a second server runs",
	sqlite3.ErrReadonly: "the database is read-only: check the mode of the file and of its folder, and how the disk is mounted",
	sqlite3.ErrCantOpen: adviceAccess,
	sqlite3.ErrPerm:     adviceAccess,
	sqlite3.ErrAuth:     adviceAccess,
	sqlite3.ErrCorrupt:  "the database is damaged: stop the server and restore a backup",
	sqlite3.ErrNotADB:   "the file is not an SQLite database, or it is damaged",
	sqlite3.ErrNomem:    "the system is out of memory",
}

// failure turns what SQLite or database/sql reports into the contract's errors.
// What is neither, or has been turned already, passes as it is.
func failure(err error) error {
	switch {
	case err == nil || errors.Is(err, store.ErrUnavailable):
		return err
	case errors.Is(err, sql.ErrNoRows):
		return store.ErrNotFound
	case errors.Is(err, sql.ErrConnDone):
		return errClosed
	}
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.ExtendedCode {
	case sqlite3.ErrConstraintUnique, sqlite3.ErrConstraintPrimaryKey, sqlite3.ErrConstraintRowID:
		return store.ErrConflict
	case sqlite3.ErrConstraintForeignKey:
		return store.ErrNotFound // what the record belongs to is missing
	}
	if a, ok := advice[e.Code]; ok {
		return fmt.Errorf("%w: %s: %w", store.ErrUnavailable, a, err)
	}
	return err
}

// unavailable reports whether the error is the storage's fault.
func unavailable(err error) bool { return errors.Is(failure(err), store.ErrUnavailable) }

// passing reports whether a connection that met the error is as good as before,
// once its transaction is rolled back.
func passing(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrFull || e.Code == sqlite3.ErrBusy)
}
