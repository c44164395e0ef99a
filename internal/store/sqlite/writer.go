package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/mattn/go-sqlite3"

	"github.com/qrauthd/qrauthd/internal/store"
)

const (
	// maxBatch bounds how many callers share a commit, so that the first of them
	// does not wait for long.
	maxBatch = 128
	// queueLength bounds how many callers wait for their turn without blocking on
	// the queue itself; it is no limit, for those behind it wait too, by their context.
	queueLength = 1024
)

// writer commits the transactions of many callers with one fsync. Its goroutine
// begins a transaction, gives each waiting caller a turn within a savepoint,
// commits, and only then answers them. It never waits for more callers: those
// who come while it commits are the next batch.
//
// In its turn a caller runs its function on its own goroutine, so that a panic
// there is the caller's own, with its stack.
type writer struct {
	db    *sql.DB // of one connection
	queue chan *job
	looks chan chan<- version
	stop  chan struct{} // closed by close
	ended chan struct{} // closed when the goroutine has ended
	once  sync.Once

	session *session // nil: to be opened
}

// job is a caller's place in the queue.
type job struct {
	ctx   context.Context
	owner atomic.Bool // whoever sets it decides: the writer takes the job, or the caller withdraws it
	turn  chan *tx    // the writer's word to go ahead
	said  chan error  // what the caller's function returned
	done  chan error  // what became of it
	reply error       // what done will say if the commit succeeds
}

func startWriter(db *sql.DB) *writer {
	w := &writer{
		db:    db,
		queue: make(chan *job, queueLength),
		looks: make(chan chan<- version),
		stop:  make(chan struct{}),
		ended: make(chan struct{}),
	}
	go w.run()
	return w
}

// close lets the batch in progress come to its end; callers that still wait are told.
func (w *writer) close() {
	w.once.Do(func() { close(w.stop) })
	<-w.ended
}

func (w *writer) update(ctx context.Context, fn func(store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{ctx: ctx, turn: make(chan *tx, 1), said: make(chan error, 1), done: make(chan error, 1)}
	select {
	case w.queue <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.ended:
		return errClosed
	}
	select {
	case t := <-j.turn:
		return j.run(t, fn)
	case err := <-j.done:
		return err
	case <-ctx.Done():
		if j.claim() {
			return ctx.Err()
		}
	case <-w.ended:
		if j.claim() {
			return errClosed
		}
	}
	// The writer was quicker and will answer.
	select {
	case t := <-j.turn:
		return j.run(t, fn)
	case err := <-j.done:
		return err
	}
}

// claim decides the fate of a waiting job; it returns true once.
func (j *job) claim() bool { return j.owner.CompareAndSwap(false, true) }

// run is the caller's turn. From here on it waits for the commit whatever
// becomes of its context, so that its answer is the truth.
func (j *job) run(t *tx, fn func(store.Tx) error) error {
	j.call(t, fn)
	return <-j.done
}

func (j *job) call(t *tx, fn func(store.Tx) error) {
	err := errLeft
	defer func() {
		t.conn = nil
		j.said <- err // also when fn panics: the writer rolls back and goes on
	}()
	if ended := j.ctx.Err(); ended != nil {
		err = ended
		return
	}
	err = fn(t)
}

func (w *writer) run() {
	defer close(w.ended)
	defer func() { w.drop() }()
	for {
		select {
		case <-w.stop:
			return
		case j := <-w.queue:
			if j.claim() {
				w.commit(j)
			}
		case answer := <-w.looks:
			answer <- w.look()
		}
		select { // the queue may never be empty, and select is fair to neither
		case <-w.stop:
			return
		default:
		}
	}
}

// next is a job that waits already; nil when none does.
func (w *writer) next() *job {
	for {
		select {
		case j := <-w.queue:
			if j.claim() {
				return j
			}
		default:
			return nil
		}
	}
}

// commit runs one batch, of which first is the first.
func (w *writer) commit(first *job) {
	if err := w.begin(); err != nil {
		w.refuse(first, failure(err))
		return
	}
	batch := make([]*job, 0, 16)
	err := w.takeTurns(first, &batch)
	if err == nil {
		err = w.session.exec(w.session.commit)
	}
	if err != nil {
		err = failure(err)
		if !errors.Is(err, store.ErrUnavailable) {
			err = fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
		w.abandon(err)
	}
	for _, j := range batch {
		if err != nil {
			// Also those who were refused: what they saw was never true.
			j.reply = err
		}
		j.done <- j.reply
	}
}

// takeTurns gives first and those who come meanwhile their turns. Its error is
// the storage's: the batch as a whole has failed.
func (w *writer) takeTurns(first *job, batch *[]*job) error {
	for j := first; j != nil; j = w.next() {
		*batch = append(*batch, j)
		if err := w.takeTurn(j); err != nil {
			return err
		}
		if len(*batch) == maxBatch {
			break
		}
	}
	return nil
}

func (w *writer) takeTurn(j *job) error {
	t := newTx(j.ctx, w.session.conn)
	t.writer = w.session
	j.turn <- t
	j.reply = <-j.said
	switch {
	case t.broken != nil:
		return t.broken
	case !t.saved:
		return nil
	case j.reply != nil:
		if err := w.session.exec(w.session.undo); err != nil {
			return err
		}
	}
	return w.session.exec(w.session.release)
}

// open sees to it that there is a connection.
func (w *writer) open() error {
	if w.session != nil {
		return nil
	}
	s, err := newSession(w.db)
	if err != nil {
		return err
	}
	w.session = s
	return nil
}

// begin starts a transaction.
func (w *writer) begin() error {
	if err := w.open(); err != nil {
		return err
	}
	err := w.session.exec(w.session.begin)
	if err != nil {
		w.abandon(err)
	}
	return err
}

// refuse answers first and all who wait now, for they have waited as long for
// the storage as one caller should. It takes them all before it answers any:
// whoever comes after an answer gets a try of its own.
func (w *writer) refuse(first *job, err error) {
	refused := []*job{first}
	for range len(w.queue) {
		if j := w.next(); j != nil {
			refused = append(refused, j)
		}
	}
	for _, j := range refused {
		j.done <- err
	}
}

// abandon rolls everything back, and gives the connection up unless it is
// certain to be as good as before.
func (w *writer) abandon(cause error) {
	// Fails when SQLite has rolled back by itself, which it does on some errors.
	_, _ = w.session.conn.ExecContext(context.Background(), "ROLLBACK")
	if !passing(cause) || !w.session.idle() {
		w.drop()
	}
}

func (w *writer) drop() {
	if w.session == nil {
		return
	}
	w.session.close()
	w.session = nil
}

// session is the writer's connection, with the statements that frame its work.
type session struct {
	conn                *sql.Conn
	begin, commit       *sql.Stmt
	save, undo, release *sql.Stmt
}

func newSession(db *sql.DB) (*session, error) {
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn}
	for _, p := range []struct {
		stmt  **sql.Stmt
		query string
	}{
		{&s.begin, "BEGIN IMMEDIATE"},
		{&s.commit, "COMMIT"},
		{&s.save, "SAVEPOINT caller"},
		{&s.undo, "ROLLBACK TO caller"},
		{&s.release, "RELEASE caller"},
	} {
		if *p.stmt, err = conn.PrepareContext(ctx, p.query); err != nil {
			discard(conn)
			return nil, err
		}
	}
	return s, nil
}

func (s *session) exec(stmt *sql.Stmt) error {
	_, err := stmt.ExecContext(context.Background())
	return err
}

func (s *session) savepoint(ctx context.Context) error {
	_, err := s.save.ExecContext(ctx)
	return err
}

// idle reports that no transaction is open.
func (s *session) idle() (idle bool) {
	err := s.conn.Raw(func(c any) error {
		idle = c.(*sqlite3.SQLiteConn).AutoCommit()
		return nil
	})
	return err == nil && idle
}

func (s *session) close() {
	for _, stmt := range []*sql.Stmt{s.begin, s.commit, s.save, s.undo, s.release} {
		_ = stmt.Close()
	}
	discard(s.conn)
}
