package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

func TestManyCallersShareACommit(t *testing.T) {
	w := &writerConn{}
	db := openAt(t, newPath(t), Options{connected: w.connected})
	var commits int
	w.conn.Load().RegisterCommitHook(func() int { commits++; return 0 })
	for i, err := range batch(t, db, func(i int, tx store.Tx) error {
		return tx.AddUser(auth.User{ID: auth.UserID(fmt.Sprintf("user-%d", i))})
	}) {
		if err != nil {
			t.Errorf("caller %d: %v", i, err)
		}
	}
	if commits != 1 {
		t.Errorf("got %d commits, want 1", commits)
	}
}

func TestACallerWhoseContextEndsInTheQueueDoesNotRun(t *testing.T) {
	db := openAt(t, newPath(t), Options{})
	ctx, cancel := context.WithCancel(context.Background())
	answer := make(chan error, 1)
	var ran atomic.Bool
	if err := db.Update(context.Background(), func(store.Tx) error {
		go func() {
			answer <- db.Update(ctx, func(store.Tx) error {
				ran.Store(true)
				return nil
			})
		}()
		waitFor(func() bool { return waiting(db) == 1 })
		cancel()
		if err := <-answer; !errors.Is(err, context.Canceled) { // while this function still holds the writer
			t.Errorf("got %v, want context.Canceled", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	addUser(t, db, "after")
	if ran.Load() {
		t.Error("the function ran")
	}
}

func TestACallerWhoseContextEndsDuringItsCommitLearnsTheTruth(t *testing.T) {
	db := openAt(t, newPath(t), Options{})
	ctx, cancel := context.WithCancel(context.Background())
	err := db.Update(ctx, func(tx store.Tx) error {
		defer cancel()
		return tx.AddUser(auth.User{ID: "alice"})
	})
	if err != nil || !hasUser(t, db, "alice") {
		t.Errorf("got %v, want nil and the user", err)
	}
}

func TestContextsThatEndAtAnyMomentAreAnsweredTruly(t *testing.T) {
	db := openAt(t, newPath(t), Options{})
	var wg sync.WaitGroup
	for i := range 200 {
		id := auth.UserID(fmt.Sprintf("user-%d", i))
		ctx, cancel := context.WithCancel(context.Background())
		wg.Go(func() {
			err := db.Update(ctx, func(tx store.Tx) error { return tx.AddUser(auth.User{ID: id}) })
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			if is := hasUser(t, db, id); is != (err == nil) {
				t.Errorf("got the answer %v, while the user's being there is %v", err, is)
			}
		})
		wg.Go(cancel)
	}
	wg.Wait()
}

func TestCloseAnswersEveryCallerTruly(t *testing.T) {
	path := newPath(t)
	db := openAt(t, path, Options{})
	const n = 200
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = tryAddUser(db, auth.UserID(fmt.Sprintf("user-%d", i))) })
		if i == n/2 {
			wg.Go(func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	db = openAt(t, path, Options{})
	for i, err := range errs {
		if err != nil && !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("caller %d: got %v, want ErrUnavailable", i, err)
		}
		if is := hasUser(t, db, auth.UserID(fmt.Sprintf("user-%d", i))); is != (err == nil) {
			t.Errorf("caller %d: got the answer %v, while the user's being there is %v", i, err, is)
		}
	}
}

func TestAFunctionThatEndsItsGoroutineIsRolledBackAndEndsItsCallers(t *testing.T) {
	db := openAt(t, newPath(t), Options{})
	done := make(chan struct{})
	went := true
	go func() {
		defer close(done)
		_ = db.Update(context.Background(), func(tx store.Tx) error {
			_ = tx.AddUser(auth.User{ID: "gone"})
			went = false
			runtime.Goexit() // as the testing package's FailNow does
			return nil
		})
		went = true
	}()
	<-done
	if went {
		t.Error("the caller went on")
	}
	addUser(t, db, "after")
	if hasUser(t, db, "gone") {
		t.Error("what it wrote is there")
	}
}

func TestAViewThatFindsNoFreeConnectionWaitsByItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := openAt(t, newPath(t), Options{Readers: 1})
		ctx, cancel := context.WithCancel(t.Context())
		if err := db.View(t.Context(), func(store.Tx) error {
			answer := make(chan error, 1)
			go func() { answer <- db.View(ctx, func(store.Tx) error { return nil }) }()
			synctest.Wait() // it waits
			cancel()
			if err := <-answer; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestWhoeverComesAfterARefusalGetsATryOfItsOwn: a caller that tries again at
// once after its refusal must not meet the failure of the try before.
func TestWhoeverComesAfterARefusalGetsATryOfItsOwn(t *testing.T) {
	w := &writerConn{}
	db := openAt(t, newPath(t), Options{connected: w.connected})
	for i := range 200 {
		addUser(t, db, auth.UserID(fmt.Sprintf("before-%d", i)))
		w.exec(t, "PRAGMA query_only = 1")
		wantUnavailable(t, tryAddUser(db, "during"), "read-only")
		addUser(t, db, auth.UserID(fmt.Sprintf("after-%d", i)))
	}
}

func TestTheLogIsMovedBesideTheWriterAndBeginsAnew(t *testing.T) {
	path := newPath(t)
	db := openAt(t, path, Options{})
	if err := db.Update(context.Background(), func(tx store.Tx) error {
		for i := range moveAt {
			if err := tx.AddUser(auth.User{ID: auth.UserID(fmt.Sprint(i)), Name: strings.Repeat("x", 4096)}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	waitFor(func() bool { return db.writer.mover.state.Load() == moved })
	addUser(t, db, "the rest of the log is moved")
	addUser(t, db, "the log begins anew")
	full := size(path + "-wal")
	for i := range 20 {
		addUser(t, db, auth.UserID(fmt.Sprint("after ", i)))
	}
	if got := size(path + "-wal"); got != full {
		t.Errorf("the log has grown from %d to %d bytes, want that it is written from its beginning", full, got)
	}
	if got := db.writer.mover.state.Load(); got != resting {
		t.Errorf("got the state %d, want that it rests", got)
	}
}

// held runs fn while the writer is held by a transaction, which then ends. In fn as
// many callers as have called come to wait.
func held(t *testing.T, db *DB, fn func()) {
	t.Helper()
	if err := db.Update(context.Background(), func(store.Tx) error {
		fn()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// waiting is how many callers wait for the writer.
func waiting(db *DB) int {
	l := db.writer.line
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ahead.length + l.others.length
}

// crowd are callers that wait for the writer, and what they were told.
type crowd struct {
	wg   sync.WaitGroup
	mu   sync.Mutex
	ran  []string // guarded by mu
	errs []error  // guarded by mu
}

// come has a caller wait, and returns when it does.
func (c *crowd) come(ctx context.Context, db *DB, name string) {
	before := waiting(db)
	c.wg.Go(func() {
		err := db.Update(ctx, func(store.Tx) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.ran = append(c.ran, name)
			return nil
		})
		c.mu.Lock()
		defer c.mu.Unlock()
		c.errs = append(c.errs, err)
	})
	waitFor(func() bool { return waiting(db) > before })
}

func TestAFullQueueAnswersAtOnceAndRecovers(t *testing.T) {
	for _, c := range []struct {
		name        string
		ctx, others context.Context
	}{
		{"of those who go ahead", store.Ahead(t.Context()), t.Context()},
		{"of the others", t.Context(), store.Ahead(t.Context())},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := openAt(t, newPath(t), Options{})
			var full crowd
			held(t, db, func() {
				for range queueLength {
					full.come(c.ctx, db, "")
				}
				never := func(store.Tx) error { t.Error("a function of those beyond has run"); return nil }
				for range 3 {
					if err := db.Update(c.ctx, never); !errors.Is(err, store.ErrOverloaded) || errors.Is(err, store.ErrUnavailable) {
						t.Errorf("got %v, want ErrOverloaded", err)
					}
				}
				full.come(c.others, db, "") // the other queue has places
			})
			full.wg.Wait()
			if err := errors.Join(full.errs...); err != nil || len(full.ran) != queueLength+1 {
				t.Errorf("of those who waited %d ran, got %v; want all and no error", len(full.ran), err)
			}
			if err := db.Update(c.ctx, func(store.Tx) error { return nil }); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestWhoIsMarkedGoesAheadAndNobodyStarves(t *testing.T) {
	db := openAt(t, newPath(t), Options{})
	const batches = 3
	var c crowd
	held(t, db, func() {
		for range batches {
			c.come(t.Context(), db, "other")
		}
		for range batches * maxBatch {
			c.come(store.Ahead(t.Context()), db, "ahead")
		}
	})
	c.wg.Wait()
	// The one who held the writer was the first of the first batch.
	for i, name := range c.ran {
		want := "ahead"
		if (i+2)%maxBatch == 0 && i < batches*maxBatch {
			want = "other" // the last place of each batch
		}
		if name != want {
			t.Errorf("turn %d of %d: got %s, want %s", i, len(c.ran), name, want)
		}
	}
	if err := errors.Join(c.errs...); err != nil || len(c.ran) != batches*(maxBatch+1) {
		t.Errorf("%d ran, got %v; want all and no error", len(c.ran), err)
	}
}

func TestWhoHasLeftTakesNoPlace(t *testing.T) {
	db := openAt(t, newPath(t), Options{})
	ctx, leave := context.WithCancel(t.Context())
	var left, stays crowd
	held(t, db, func() {
		stays.come(t.Context(), db, "first")
		for range queueLength - 1 {
			left.come(ctx, db, "left")
		}
		leave()
		left.wg.Wait()
		if got := waiting(db); got != 1 {
			t.Errorf("%d wait, want the one who has not left", got)
		}
		for range queueLength - 1 {
			stays.come(t.Context(), db, "later")
		}
		if err := db.Update(t.Context(), func(store.Tx) error { return nil }); !errors.Is(err, store.ErrOverloaded) {
			t.Errorf("beyond: got %v, want ErrOverloaded", err)
		}
	})
	stays.wg.Wait()
	if err := errors.Join(stays.errs...); err != nil || len(stays.ran) != queueLength || stays.ran[0] != "first" {
		t.Errorf("of those who stayed %d ran, got %v; want all in their order and no error", len(stays.ran), err)
	}
	for _, err := range left.errs {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("one who left: got %v, want context.Canceled", err)
		}
	}
	if len(left.ran) > 0 {
		t.Errorf("%d of those who left ran", len(left.ran))
	}
}
