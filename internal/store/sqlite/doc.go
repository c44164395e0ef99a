// Package sqlite is the embedded engine of the store: one SQLite file, in WAL
// mode with synchronous=FULL, so that what was acknowledged survives the death
// of the process and of the machine.
//
// Writing and reading are apart. One goroutine owns the only connection that
// writes, runs the functions of all callers that are waiting, each in a savepoint of
// its own, and commits them with one fsync (writer.go). Reads go over connections
// that cannot write (reader.go). All of them are the driver's own (conn.go). Other
// processes, such as the command line, may write to the same file meanwhile.
//
// The schema is in migrations/, applied when the file is opened.
package sqlite
