package load

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// worker is a client of a test.
type worker struct {
	step   func() error
	closed *atomic.Int64
}

func (w worker) Step() error { return w.step() }

func (w worker) Close() error { w.closed.Add(1); return nil }

func TestDriveCounts(t *testing.T) {
	for _, count := range []int{1, 7, 1000} {
		var asked, closed atomic.Int64
		r, err := Drive(t.Context(), Plan{Clients: 3, Count: count}, func(int) (Client, error) {
			return worker{func() error { asked.Add(1); return nil }, &closed}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := [3]int64{int64(r.Count()), asked.Load(), closed.Load()}; got != [3]int64{int64(count), int64(count), 3} {
			t.Errorf("got %d counted, asked and closed, want %d, %d and 3", got, count, count)
		}
	}
}

func TestDriveEndsWithItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var closed atomic.Int64
		r, err := Drive(t.Context(), Plan{Clients: 2, Time: time.Second + time.Millisecond}, func(i int) (Client, error) {
			time.Sleep(time.Hour) // which is before the time begins
			return worker{func() error { time.Sleep(time.Duration(1+i) * 100 * time.Millisecond); return nil }, &closed}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		// The steps that had begun are done to their end: eleven and six.
		if r.Count() != 17 || r.Took != 1200*time.Millisecond {
			t.Errorf("got %d steps in %s, want 17 in 1.2s", r.Count(), r.Took)
		}
		if got, want := r.Quantile(0.5), 100*time.Millisecond; got != want {
			t.Errorf("got the median %s, want %s", got, want)
		}
	})
}

func TestDriveEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var asked, closed atomic.Int64
	_, err := Drive(ctx, Plan{Clients: 4}, func(int) (Client, error) {
		return worker{func() error {
			if asked.Add(1) == 100 {
				cancel()
			}
			return nil
		}, &closed}, nil
	})
	if err != nil || closed.Load() != 4 {
		t.Errorf("got %v and %d closed, want no error and 4", err, closed.Load())
	}
}

func TestTheFirstErrorEndsADrive(t *testing.T) {
	broken := errors.New("broken")
	var closed atomic.Int64
	r, err := Drive(t.Context(), Plan{Clients: 3}, func(i int) (Client, error) {
		left := 10
		return worker{func() error {
			if left--; i == 1 && left < 0 {
				return broken
			}
			return nil
		}, &closed}, nil
	})
	if !errors.Is(err, broken) || closed.Load() != 3 {
		t.Errorf("got %v and %d closed, want %v and 3", err, closed.Load(), broken)
	}
	if r.Count() < 10 {
		t.Errorf("got %d steps, want those before the error counted", r.Count())
	}
}

func TestAClientThatIsDoneLeavesTheOthersBe(t *testing.T) {
	var closed atomic.Int64
	r, err := Drive(t.Context(), Plan{Clients: 3}, func(i int) (Client, error) {
		left := 10 * i
		return worker{func() error {
			if left--; left < 0 {
				return fmt.Errorf("client %d: %w", i, ErrDone)
			}
			return nil
		}, &closed}, nil
	})
	if err != nil || r.Count() != 30 || closed.Load() != 3 {
		t.Errorf("got %d steps, %d closed and %v, want 30, 3 and no error", r.Count(), closed.Load(), err)
	}
}

func TestDriveClosesWhomItHasMadeWhenOneCannotBe(t *testing.T) {
	broken := errors.New("broken")
	var closed atomic.Int64
	_, err := Drive(t.Context(), Plan{Clients: 3, Count: 1}, func(i int) (Client, error) {
		if i == 2 {
			return nil, broken
		}
		return worker{func() error { t.Error("a step was taken"); return nil }, &closed}, nil
	})
	if !errors.Is(err, broken) || closed.Load() != 2 {
		t.Errorf("got %v and %d closed, want %v and 2", err, closed.Load(), broken)
	}
}

func TestQuantile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[len(hundred)-1-i] = time.Duration(i + 1)
	}
	for _, tc := range []struct {
		name  string
		times []time.Duration
		q     float64
		want  time.Duration
	}{
		{"nothing has no median", nil, 0.5, 0},
		{"one is all there is", []time.Duration{5}, 0.99, 5},
		{"the median of three, in any order", []time.Duration{9, 1, 4}, 0.5, 4},
		{"the fastest", hundred, 0, 1},
		{"ninety-nine of a hundred are faster", hundred, 0.99, 100},
		{"the slowest", hundred, 1, 100},
	} {
		if got := ResultOf(tc.times).Quantile(tc.q); got != tc.want {
			t.Errorf("%s: got %d, want %d", tc.name, got, tc.want)
		}
	}
}

func TestResultsThatAreJoined(t *testing.T) {
	all := Join(ResultOf([]time.Duration{3, 1}), ResultOf([]time.Duration{2}))
	if all.Count() != 3 || all.Took != 6 || all.Quantile(0.5) != 2 || all.Rate() != 3/(6*time.Nanosecond).Seconds() {
		t.Errorf("got %d in %s, median %s, %g/s", all.Count(), all.Took, all.Quantile(0.5), all.Rate())
	}
}
