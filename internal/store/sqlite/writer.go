package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/qrauthd/qrauthd/internal/store"
)

// maxBatch bounds how many callers share a commit, so that the first of them
// does not wait for long.
const maxBatch = 128

// writer commits the transactions of many callers with one fsync. Its goroutine
// begins a transaction, runs the function of each waiting caller within a
// savepoint, commits, and only then answers them. It never waits for more callers:
// those who come while it commits are the next batch.
type writer struct {
	connector *connector
	line      *line
	looks     chan chan<- version
	stop      chan struct{} // closed by close
	ended     chan struct{} // closed when the goroutine has ended
	once      sync.Once
	kept      moment // when the newest commit has written something; never: it has failed since

	// What follows is the goroutine's own.
	conn  *conn  // nil: to be opened
	batch []*job // whom the commit that comes will answer
	wrote bool   // it has something to write
	mover mover
}

// job is a caller's place in the queue.
type job struct {
	ctx  context.Context
	fn   func(store.Tx) error
	done chan struct{}
	// Where it waits, and between whom; nil when it does not. Of the line.
	queue         *queue
	before, after *job
	// What became of it, told by done.
	reply error
	fault *store.Panic // fn panicked
	left  bool         // fn ended its goroutine
}

func startWriter(c *connector, r *readers) (*writer, error) {
	w := &writer{
		connector: c,
		line:      newLine(),
		looks:     make(chan chan<- version),
		kept:      newMoment(),
		stop:      make(chan struct{}),
		ended:     make(chan struct{}),
		mover:     mover{readers: r},
	}
	if err := w.open(); err != nil {
		return nil, err
	}
	go w.run()
	return w, nil
}

// close lets the batch in progress come to its end; callers that still wait are
// told. Then it closes the connection.
func (w *writer) close() error {
	w.once.Do(func() { close(w.stop) })
	<-w.ended
	w.mover.work.Wait()
	if w.conn == nil {
		return nil
	}
	return w.conn.close()
}

func (w *writer) update(ctx context.Context, fn func(store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{ctx: ctx, fn: fn, done: make(chan struct{})}
	if err := w.enter(j); err != nil {
		return err
	}
	// Once the writer has taken the job, the caller waits for the commit whatever
	// becomes of its context, so that its answer is the truth.
	select {
	case <-j.done:
	case <-ctx.Done():
		if w.line.leave(j) {
			return ctx.Err()
		}
		<-j.done
	case <-w.ended:
		if w.line.leave(j) {
			return errClosed
		}
		<-j.done
	}
	return j.outcome()
}

// enter takes a place in the queue, or says at once that there is none.
func (w *writer) enter(j *job) error {
	select {
	case <-w.ended:
		return errClosed
	default:
	}
	return w.line.join(j)
}

// outcome is the caller's: an error, or what its function would have done to its
// own goroutine.
func (j *job) outcome() error {
	if j.fault != nil {
		panic(j.fault)
	}
	if j.left {
		runtime.Goexit()
	}
	return j.reply
}

// run is the writer's goroutine. A caller's function that ends it, as the testing
// package's FailNow does, fails its batch, and another goroutine goes on.
func (w *writer) run() {
	left := true
	defer func() {
		if left {
			w.fail(errLeft)
			go w.run()
			return
		}
		close(w.ended)
	}()
	for w.serve() {
	}
	left = false
}

// serve runs a batch if anybody waits, and waits for somebody otherwise; false when
// the writer is to stop.
func (w *writer) serve() bool {
	select { // first, for the line may never be empty
	case <-w.stop:
		return false
	case answer := <-w.looks:
		answer <- w.look()
	default:
	}
	if j := w.next(); j != nil {
		w.commit(j)
		return true
	}
	select {
	case <-w.stop:
		return false
	case answer := <-w.looks:
		answer <- w.look()
	case <-w.line.came:
	}
	return true
}

// next is a job that waits already; nil when none does. Those who go ahead are first,
// but the last place of a batch is for the others, who would starve otherwise.
func (w *writer) next() *job {
	return w.line.next(len(w.batch) == maxBatch-1)
}

// commit runs one batch, of which first is the first.
func (w *writer) commit(first *job) {
	if err := w.begin(); err != nil {
		w.refuse(first, failure(err))
		return
	}
	err := w.takeTurns(first)
	if err == nil {
		_, err = w.conn.exec(commit)
	}
	if err == nil && w.wrote {
		w.kept.now()
	}
	if err != nil {
		w.fail(err)
		return
	}
	w.mover.begin(w.conn, len(w.batch))
	w.answer()
	w.mover.end(w.conn)
}

// takeTurns runs first and those who come meanwhile. Its error is the storage's:
// the batch as a whole has failed.
func (w *writer) takeTurns(first *job) error {
	w.wrote = false
	for j := first; j != nil; j = w.next() {
		w.batch = append(w.batch, j)
		if err := w.takeTurn(j); err != nil {
			return err
		}
		if len(w.batch) == maxBatch {
			break
		}
	}
	return nil
}

func (w *writer) takeTurn(j *job) error {
	t := &tx{ctx: j.ctx, conn: w.conn, writes: true}
	j.call(t)
	switch {
	case t.broken != nil:
		return t.broken
	case !t.saved:
		return nil
	case j.reply != nil:
		if _, err := w.conn.exec(undo); err != nil {
			return err
		}
	default:
		w.wrote = w.wrote || t.wrote
	}
	_, err := w.conn.exec(release)
	return err
}

// call runs the caller's function. A panic in it is kept for the caller, with its
// stack, which is still there when this recovers.
func (j *job) call(t *tx) {
	if j.reply = j.ctx.Err(); j.reply != nil {
		t.conn = nil
		return
	}
	j.reply, j.left = errLeft, true
	defer func() {
		t.conn = nil
		if v := recover(); v != nil {
			j.fault, j.left = &store.Panic{Value: v, Stack: debug.Stack()}, false
		}
	}()
	j.reply, j.left = j.fn(t), false
}

// answer tells the batch what became of each.
func (w *writer) answer() {
	for i, j := range w.batch {
		close(j.done)
		w.batch[i] = nil
	}
	w.batch = w.batch[:0]
}

// fail rolls the batch back and tells all of it, also those who were refused: what
// they saw was never true.
func (w *writer) fail(err error) {
	w.kept.never()
	err = failure(err)
	if !errors.Is(err, store.ErrUnavailable) {
		err = fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	w.abandon(err)
	for _, j := range w.batch {
		j.reply = err
	}
	w.answer()
}

// open sees to it that there is a connection.
func (w *writer) open() (err error) {
	if w.conn == nil {
		w.conn, err = w.connector.connect()
	}
	return err
}

// begin starts a transaction.
func (w *writer) begin() error {
	if err := w.open(); err != nil {
		return err
	}
	_, err := w.conn.exec(beginWriting)
	if err != nil {
		w.abandon(err)
	}
	return err
}

// refuse answers first and all who wait now, for they have waited as long for
// the storage as one caller should. It takes them all before it answers any:
// whoever comes after an answer gets a try of its own.
func (w *writer) refuse(first *job, err error) {
	w.kept.never()
	refused := []*job{first}
	for len(refused) < 2*queueLength {
		j := w.next()
		if j == nil {
			break
		}
		refused = append(refused, j)
	}
	for _, j := range refused {
		j.reply = err
		close(j.done)
	}
}

// abandon rolls everything back, and gives the connection up unless it is
// certain to be as good as before.
func (w *writer) abandon(cause error) {
	if w.conn == nil {
		return
	}
	// Fails when SQLite has rolled back by itself, which it does on some errors.
	_, _ = w.conn.exec(rollback)
	if !passing(cause) || !w.conn.idle() {
		_ = w.conn.close()
		w.conn = nil
	}
}
