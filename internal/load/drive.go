package load

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Plan is how much is asked: by so many clients at the same time, each asking again
// as soon as it is answered, for so long or for so many times in all, whichever
// ends first; 0 is no bound.
type Plan struct {
	Clients int
	Time    time.Duration
	Count   int
}

// ErrDone is what Step returns when its client has nothing left to ask. The others go on.
var ErrDone = errors.New("the client is done")

// Client is one of them. Step asks once; Close ends what it holds.
type Client interface {
	Step() error
	Close() error
}

// Drive carries the plan out with clients made by the function, which is called with
// 0, 1, 2 … before the time begins. The first error ends it.
func Drive(ctx context.Context, p Plan, newClient func(i int) (Client, error)) (_ Result, err error) {
	clients := make([]Client, 0, p.Clients)
	defer func() {
		for _, c := range clients {
			err = errors.Join(err, c.Close())
		}
	}()
	for i := range p.Clients {
		c, err := newClient(i)
		if err != nil {
			return Result{}, err
		}
		clients = append(clients, c)
	}
	return p.run(ctx, clients)
}

func (p Plan) run(ctx context.Context, clients []Client) (Result, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if p.Time > 0 {
		defer time.AfterFunc(p.Time, stop).Stop()
	}
	var begun atomic.Int64
	more := func() bool {
		return ctx.Err() == nil && (p.Count == 0 || begun.Add(1) <= int64(p.Count))
	}
	latencies := make([][]time.Duration, len(clients))
	faults := make([]error, len(clients))
	began := time.Now()
	var work sync.WaitGroup
	for i, c := range clients {
		work.Go(func() {
			if latencies[i], faults[i] = steps(c, more); faults[i] != nil {
				stop()
			}
		})
	}
	work.Wait()
	return newResult(time.Since(began), latencies), errors.Join(faults...)
}

// steps takes one after the other and returns how long each took.
func steps(c Client, more func() bool) (took []time.Duration, err error) {
	took = make([]time.Duration, 0, 1<<12)
	for more() {
		began := time.Now()
		switch err := c.Step(); {
		case errors.Is(err, ErrDone):
			return took, nil
		case err != nil:
			return took, err
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}

// Result is what came of a plan.
type Result struct {
	Took   time.Duration
	sorted []time.Duration // of all steps
}

func newResult(took time.Duration, latencies [][]time.Duration) Result {
	sorted := slices.Concat(latencies...)
	slices.Sort(sorted)
	return Result{took, sorted}
}

// Count is the number of steps.
func (r Result) Count() int { return len(r.sorted) }

// Rate is the number of steps in a second.
func (r Result) Rate() float64 { return float64(len(r.sorted)) / r.Took.Seconds() }

// Quantile is the time within which the share q of all steps was done: 0.5 is the
// median, 1 the slowest. Without steps it is 0.
func (r Result) Quantile(q float64) time.Duration {
	if len(r.sorted) == 0 {
		return 0
	}
	i := int(q * float64(len(r.sorted)))
	return r.sorted[min(i, len(r.sorted)-1)]
}

// ResultOf is a result of times that were measured one by one.
func ResultOf(times []time.Duration) Result {
	var sum time.Duration
	for _, t := range times {
		sum += t
	}
	return newResult(sum, [][]time.Duration{times})
}

// Join is the result of all plans together, carried out one after the other.
func Join(results ...Result) Result {
	var took time.Duration
	var all [][]time.Duration
	for _, r := range results {
		took += r.Took
		all = append(all, r.sorted)
	}
	return newResult(took, all)
}
