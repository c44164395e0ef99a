// Package sqlite is the embedded engine of the store: one SQLite file, in WAL
// mode with synchronous=FULL, so that what was acknowledged survives the death
// of the process and of the machine.
//
// Writing and reading are apart. One goroutine owns the only connection that
// writes, and commits the transactions of all callers that are waiting with one
// fsync, each in a savepoint of its own (writer.go). Reads go over a pool of
// connections that cannot write (reader.go). Other processes, such as the
// command line, may write to the same file meanwhile.
//
// The schema is in migrations/, applied when the file is opened.
package sqlite
