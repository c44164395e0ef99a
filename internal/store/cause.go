package store

// Cause is why a storage is unavailable, in words that may be told to anybody: no
// paths, and nothing that is stored. An engine puts one into the chain of an
// ErrUnavailable where it knows it; errors.As finds it.
type Cause string

func (c Cause) Error() string { return string(c) }

// The causes.
const (
	CauseFull     Cause = "the disk is full"
	CauseDisk     Cause = "the disk reports an error"
	CauseLocked   Cause = "another process holds the database locked"
	CauseReadOnly Cause = "the database is read-only"
	CauseAccess   Cause = "the database file cannot be opened for writing"
	CauseDamaged  Cause = "the database is damaged"
	CauseMoved    Cause = "the database file is not where it was"
	CauseSlow     Cause = "the storage does not answer in time"
	CauseMemory   Cause = "the system is out of memory"
	CauseClosed   Cause = "the database is closed"
)
