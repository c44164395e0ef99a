package sqlite

import (
	"context"
	"time"
)

// watchEvery is how soon another process's change is noticed.
const watchEvery = 500 * time.Millisecond

// version names a state of the data as far as other processes have changed it.
type version struct {
	conn *conn // of the writer, on which it was counted
	data int64
}

// Watch implements store.Store.
func (db *DB) Watch(ctx context.Context, changed func()) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	last, _ := db.writer.ask(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-db.writer.ended:
			return
		case <-tick.C:
		}
		if v, ok := db.writer.ask(ctx); ok && v != last {
			last = v
			db.checkup.others.now()
			changed()
		}
	}
}

// ask has the writer look; false when nobody can tell, for the file cannot be read
// or ctx or the writer has ended.
func (w *writer) ask(ctx context.Context) (version, bool) {
	answer := make(chan version, 1)
	select {
	case w.looks <- answer:
		v := <-answer
		return v, v != version{}
	case <-ctx.Done():
	case <-w.ended:
	}
	return version{}, false
}

// look reads the version between two batches. On this connection SQLite counts the
// commits of all others, and no other of this process commits anything
// (https://sqlite.org/pragma.html#pragma_data_version). On another connection than
// before the version is another too, for nobody counted meanwhile.
func (w *writer) look() version {
	if w.open() != nil {
		return version{}
	}
	data, err := w.conn.number("PRAGMA data_version")
	if err != nil {
		return version{}
	}
	return version{w.conn, data}
}
