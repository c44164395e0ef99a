package sqlite

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/mattn/go-sqlite3"

	"github.com/qrauthd/qrauthd/internal/store"
)

var (
	errClosed   = fmt.Errorf("%w: %w", store.ErrUnavailable, store.CauseClosed)
	errReadOnly = errors.New("a transaction of View cannot write")
	errOver     = errors.New("the transaction is over")
	// errLeft is what a caller's function has said when it said nothing: it panicked.
	errLeft = errors.New("the function did not return")
)

// causes are why SQLite cannot do its work, by primary result code.
var causes = map[sqlite3.ErrNo]store.Cause{
	sqlite3.ErrFull:     store.CauseFull,
	sqlite3.ErrIoErr:    store.CauseDisk,
	sqlite3.ErrBusy:     store.CauseLocked,
	sqlite3.ErrLocked:   store.CauseLocked,
	sqlite3.ErrProtocol: store.CauseLocked,
	sqlite3.ErrReadonly: store.CauseReadOnly,
	sqlite3.ErrCantOpen: store.CauseAccess,
	sqlite3.ErrPerm:     store.CauseAccess,
	sqlite3.ErrAuth:     store.CauseAccess,
	sqlite3.ErrCorrupt:  store.CauseDamaged,
	sqlite3.ErrNotADB:   store.CauseDamaged,
	sqlite3.ErrNomem:    store.CauseMemory,
}

// systemCauses are what the system's own error tells more exactly than SQLite does,
// which calls all of them errors of the disk.
var systemCauses = map[syscall.Errno]store.Cause{
	syscall.ENOSPC: store.CauseFull,
	syscall.EDQUOT: store.CauseFull,
	syscall.EROFS:  store.CauseReadOnly,
	syscall.EPERM:  store.CauseReadOnly,
	syscall.EACCES: store.CauseAccess,
}

// advice says what to do about a cause.
var advice = map[store.Cause]string{
	store.CauseFull:     "free some space; what was acknowledged is safe",
	store.CauseDisk:     "check the disk, its free space and the system's log",
	store.CauseLocked:   "see whether a backup or a second server runs",
	store.CauseReadOnly: "check the owner and mode of the file and of its folder, and how the disk is mounted",
	store.CauseAccess:   "check the owner and mode of the file and of its folder",
	store.CauseDamaged:  "stop the server and restore a backup",
	store.CauseMoved:    "it was moved, removed or replaced under the running server, which still writes to the old one; restart the server on the right one",
	store.CauseSlow:     "see whether the disk is overloaded or another process holds the database locked",
	store.CauseMemory:   "see what uses it",
}

// becauseOf is ErrUnavailable with the cause, what to do about it, and what was
// reported, if anything was.
func becauseOf(cause store.Cause, err error) error {
	if err == nil {
		return fmt.Errorf("%w: %w: %s", store.ErrUnavailable, cause, advice[cause])
	}
	return fmt.Errorf("%w: %w: %s: %w", store.ErrUnavailable, cause, advice[cause], err)
}

// fileFailure is becauseOf for what the system says of a file or a folder.
func fileFailure(err error) error {
	var e syscall.Errno
	if errors.As(err, &e) {
		if c, ok := systemCauses[e]; ok {
			return becauseOf(c, err)
		}
	}
	return becauseOf(store.CauseAccess, err)
}

// causeOf is why SQLite failed; false when it is not the storage's fault.
func causeOf(e sqlite3.Error) (store.Cause, bool) {
	if e.Code == sqlite3.ErrIoErr || e.Code == sqlite3.ErrCantOpen {
		if c, ok := systemCauses[e.SystemErrno]; ok {
			return c, true
		}
	}
	c, ok := causes[e.Code]
	return c, ok
}

// failure turns what SQLite reports into the contract's errors.
// What is neither, or has been turned already, passes as it is.
func failure(err error) error {
	if err == nil || errors.Is(err, store.ErrUnavailable) {
		return err
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
	if c, ok := causeOf(e); ok {
		return becauseOf(c, err)
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
