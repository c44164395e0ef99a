// Package storetest is the suite that every engine of the store passes: the
// contract of package store, said in tests.
package storetest

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/qrauthd/qrauthd/internal/store"
)

// A case is one sentence of the contract, tried on an empty store.
type testCase struct {
	name string
	test func(t *testing.T, s store.Store)
}

// Run tries the contract on stores that open returns. Each is empty and the
// suite's own; open sees to closing it when the test ends.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	var cases []testCase
	for _, group := range [][]testCase{
		roundTrips(), keys(), grants(), sessions(), removals(), transactions(), concurrency(), pruning(),
		auditLog(), outbox(), familiars(), blocks(),
	} {
		cases = append(cases, group...)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// RunDurable tries what outlives a store: place makes room for one, in which
// open opens it, first and again.
func RunDurable(t *testing.T, place func(t *testing.T) (open func() store.Store)) {
	t.Run("every noun survives closing and opening again", func(t *testing.T) {
		open := place(t)
		first := open()
		kept := seed(t, first)
		if err := first.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
		second := open()
		defer second.Close()
		kept.check(t, second)
	})
	t.Run("what another handle writes is heard of, until the watch ends", func(t *testing.T) {
		open := place(t)
		watching, other := open(), open()
		defer watching.Close()
		defer other.Close()
		ctx, stop := context.WithCancel(t.Context())
		heard, ended := make(chan struct{}), make(chan struct{})
		go func() {
			watching.Watch(ctx, sync.OnceFunc(func() { close(heard) }))
			close(ended)
		}()
		// Nobody can see when the watch has begun: until it hears, it is told again.
		for i, deaf := 0, true; deaf; i++ {
			update(t, other, func(tx store.Tx) error { return tx.AddUser(sampleUser(i)) })
			select {
			case <-heard:
				deaf = false
			default:
			}
		}
		stop()
		<-ended
	})
	t.Run("two handles append to one chain of the audit log", func(t *testing.T) {
		open := place(t)
		handles := []store.Store{open(), open()}
		appendAtOnce(t, handles...)
		for _, s := range handles {
			unbroken(t, s)
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
	})
	t.Run("a closed store refuses and can be closed again", func(t *testing.T) {
		s := place(t)()
		for range 2 {
			if err := s.Close(); err != nil {
				t.Fatalf("close: %v", err)
			}
		}
		nothing := func(store.Tx) error { return nil }
		if err := s.Update(context.Background(), nothing); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Update: got %v, want ErrUnavailable", err)
		}
		if err := s.View(context.Background(), nothing); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("View: got %v, want ErrUnavailable", err)
		}
		if _, err := s.Glance(context.Background(), "grant"); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Glance: got %v, want ErrUnavailable", err)
		}
	})
}

// update runs fn in an Update that is expected to succeed.
func update(t *testing.T, s store.Store, fn func(store.Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), fn); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

// view runs fn in a View that is expected to succeed.
func view(t *testing.T, s store.Store, fn func(store.Tx) error) {
	t.Helper()
	if err := s.View(context.Background(), fn); err != nil {
		t.Fatalf("View: %v", err)
	}
}

// exact compares to the last bit: a time that is not in UTC differs.
var exact = cmp.Options{
	cmp.Comparer(func(a, b time.Time) bool { return a == b }), //nolint:staticcheck // the location counts
	cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}),
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got, exact); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// found reads one record in a View of its own.
func found[K, V any](t *testing.T, s store.Store, get func(store.Tx, K) (V, error), key K) V {
	t.Helper()
	var v V
	view(t, s, func(tx store.Tx) (err error) {
		v, err = get(tx, key)
		return err
	})
	return v
}

// missing expects that the record is not there.
func missing[K, V any](t *testing.T, s store.Store, what string, get func(store.Tx, K) (V, error), key K) {
	t.Helper()
	err := s.View(context.Background(), func(tx store.Tx) error {
		_, err := get(tx, key)
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%s: got %v, want ErrNotFound", what, err)
	}
}

// atOnce runs fn on n goroutines that begin together, and returns their errors.
func atOnce(n int, fn func(i int) error) []error {
	var (
		errs  = make([]error, n)
		begin = make(chan struct{})
		wg    sync.WaitGroup
	)
	for i := range n {
		wg.Go(func() {
			<-begin
			errs[i] = fn(i)
		})
	}
	close(begin)
	wg.Wait()
	return errs
}

// oneWinner expects that a single error is nil and the others are loss.
func oneWinner(t *testing.T, errs []error, loss error) {
	t.Helper()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, loss):
			t.Errorf("a loser got %v, want %v", err, loss)
		}
	}
	if won != 1 {
		t.Errorf("got %d winners of %d, want 1", won, len(errs))
	}
}
