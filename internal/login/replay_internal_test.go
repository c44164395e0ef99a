package login

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/secret"
)

// used is a one-time value.
type used struct {
	name    string
	expires time.Time
}

func (u used) ReplayKey() secret.Hash { return secret.From(u.name).Hash() }
func (u used) Expires() time.Time     { return u.expires }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestAUseIsRememberedUntilItsEnd(t *testing.T) {
	var r replays
	now := noon
	last := func(name string) used { return used{name, now.Add(90 * time.Second)} }
	r.first(now, last("long before")) // so that the halves change between the first and its end
	now = now.Add(time.Minute)
	first := last("first")
	if !r.first(now, first) || r.first(now, first) {
		t.Fatal("want the first use to be the first, and the second not")
	}
	for i := range 89 {
		now = now.Add(time.Second)
		if !r.first(now, last(fmt.Sprint("other ", i))) {
			t.Errorf("after %d s: another value is not new", i)
		}
		if r.first(now, first) {
			t.Fatalf("after %d s the first is forgotten", i)
		}
	}
}

func TestWhatEndsLateIsNotForgottenForWhatEndsSoon(t *testing.T) {
	var r replays
	now := noon
	r.first(now, used{"another for an hour", now.Add(time.Hour)})
	r.first(now, used{"a proof before it", now.Add(time.Minute)})
	now = now.Add(30 * time.Minute)
	long := used{"an assertion for an hour", now.Add(time.Hour)}
	r.first(now, long)
	for now.Before(long.expires.Add(-time.Second)) {
		now = now.Add(time.Second)
		r.first(now, used{now.String(), now.Add(time.Minute)})
		if r.first(now, long) {
			t.Fatalf("%s before its end it is forgotten", long.expires.Sub(now))
		}
	}
}

func TestTheMemoryOfUsesIsBoundedAndSwept(t *testing.T) {
	var r replays
	var name [8]byte
	flood := func(n int, now time.Time) {
		for i := range n {
			binary.BigEndian.PutUint64(name[:], uint64(i)^uint64(now.UnixNano())<<20)
			r.first(now, used{string(name[:]), now.Add(90 * time.Second)})
		}
	}
	held := func() int { return len(r.newer) + len(r.older) }
	flood(3*maxReplays, noon)
	if got := held(); got > 2*maxReplays {
		t.Errorf("%d uses are held, want %d at most", got, 2*maxReplays)
	}
	for _, after := range []time.Duration{2 * time.Minute, 4 * time.Minute} {
		r.first(noon.Add(after), used{after.String(), noon.Add(after + time.Minute)})
	}
	if got := held(); got > 2 {
		t.Errorf("minutes after the flood %d uses are held, want those since", got)
	}
}

func TestOfManyUsesAtOnceOneIsTheFirst(t *testing.T) {
	var r replays
	var all sync.WaitGroup
	var won atomic.Int32
	for range 50 {
		all.Go(func() {
			if r.first(noon, used{"the same", noon.Add(time.Minute)}) {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d were the first, want 1", won.Load())
	}
}
