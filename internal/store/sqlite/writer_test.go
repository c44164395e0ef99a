package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

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
		waitFor(func() bool { return len(db.writer.queue) == 1 })
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

func TestAFunctionThatEndsItsGoroutineIsRolledBack(t *testing.T) {
	db := openAt(t, newPath(t), Options{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = db.Update(context.Background(), func(tx store.Tx) error {
			_ = tx.AddUser(auth.User{ID: "gone"})
			runtime.Goexit() // as the testing package's FailNow does
			return nil
		})
	}()
	<-done
	addUser(t, db, "after")
	if hasUser(t, db, "gone") {
		t.Error("what it wrote is there")
	}
}

func TestAViewThatFindsNoFreeConnectionWaitsByItsContext(t *testing.T) {
	db := openAt(t, newPath(t), Options{Readers: 1})
	ctx, cancel := context.WithCancel(context.Background())
	if err := db.View(context.Background(), func(store.Tx) error {
		answer := make(chan error, 1)
		go func() { answer <- db.View(ctx, func(store.Tx) error { return nil }) }()
		waitFor(func() bool { return db.readers.Stats().WaitCount == 1 })
		cancel()
		if err := <-answer; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
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
