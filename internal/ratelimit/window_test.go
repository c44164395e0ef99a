package ratelimit

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var fiveInTen = Rate{Count: 5, Per: 10 * time.Minute}

// spendOne takes a place and spends it, or returns the wait.
func spendOne(w *Window, now time.Time, key string) time.Duration {
	place, wait := w.Take(now, key)
	place.Spend()
	return wait
}

func TestAWindowGivesBackEachPlaceWhenItIsPast(t *testing.T) {
	w := NewWindow(fiveInTen)
	for i := range 5 {
		if wait := spendOne(w, start.Add(time.Duration(i)*time.Minute), "a"); wait != 0 {
			t.Fatalf("number %d: wait %s, want none", i+1, wait)
		}
	}
	tests := []struct {
		after time.Duration
		want  time.Duration
	}{
		{4 * time.Minute, 6 * time.Minute},
		{10*time.Minute - 1, 1},
		{10 * time.Minute, 0}, // the first is past
		{10 * time.Minute, time.Minute},
		{11 * time.Minute, 0}, // the second
		{11 * time.Minute, time.Minute},
	}
	for _, tt := range tests {
		if got := w.Wait(start.Add(tt.after), "a"); got != tt.want {
			t.Errorf("after %s: Wait said %s, want %s", tt.after, got, tt.want)
		}
		if got := spendOne(w, start.Add(tt.after), "a"); got != tt.want {
			t.Errorf("after %s: wait %s, want %s", tt.after, got, tt.want)
		}
	}
	if wait := spendOne(w, start.Add(11*time.Minute), "b"); wait != 0 {
		t.Errorf("another key: wait %s, want none", wait)
	}
}

func TestNoSpanOfTimeHoldsMoreThanAWindowsCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := Rate{Count: rapid.IntRange(1, 8).Draw(t, "count"), Per: time.Minute}
		w := NewWindow(rate)
		now := start
		var open []*Place
		var spent []time.Time
		for range rapid.IntRange(1, 200).Draw(t, "tries") {
			now = now.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "ms")) * time.Millisecond)
			switch rapid.SampledFrom([]string{"take", "take", "spend", "return"}).Draw(t, "what") {
			case "take":
				if place, wait := w.Take(now, "a"); wait == 0 {
					open = append(open, place)
				} else if wait > rate.Per || len(open) > 0 && wait > settling {
					t.Fatalf("wait %s with %d open", wait, len(open))
				}
			case "spend":
				if len(open) > 0 {
					i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
					open[i].Spend()
					spent = append(spent, open[i].at)
					open = slices.Delete(open, i, i+1)
				}
			case "return":
				if len(open) > 0 {
					open[0].Return()
					open = open[1:]
				}
			}
		}
		for _, from := range spent {
			n := 0
			for _, at := range spent {
				if !at.Before(from) && at.Sub(from) < rate.Per {
					n++
				}
			}
			if n > rate.Count {
				t.Fatalf("%d in one %s, with a budget of %d", n, rate.Per, rate.Count)
			}
		}
	})
}

func TestTheWaitIsReal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := NewWindow(Rate{Count: rapid.IntRange(1, 8).Draw(t, "count"), Per: time.Minute})
		now := start
		for range rapid.IntRange(1, 100).Draw(t, "tries") {
			now = now.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "ms")) * time.Millisecond)
			wait := spendOne(w, now, "a")
			if wait == 0 {
				continue
			}
			if early := w.Wait(now.Add(wait-1), "a"); early != 1 {
				t.Fatalf("just before the wait of %s is over: wait %s, want 1ns", wait, early)
			}
			if still := w.Wait(now.Add(wait), "a"); still != 0 {
				t.Fatalf("after the wait of %s: wait %s, want none", wait, still)
			}
			now = now.Add(wait)
		}
	})
}

func TestWhatIsBeingTriedHoldsItsPlace(t *testing.T) {
	w := NewWindow(Rate{Count: 2, Per: time.Hour})
	first, _ := w.Take(start, "a")
	second, _ := w.Take(start, "a")
	if _, wait := w.Take(start, "a"); wait != settling {
		t.Errorf("while two are tried: wait %s, want %s", wait, settling)
	}
	first.Spend()
	if _, wait := w.Take(start, "a"); wait != settling {
		t.Errorf("while one is tried: wait %s, want %s", wait, settling)
	}
	second.Return()
	if wait := spendOne(w, start, "a"); wait != 0 {
		t.Errorf("what was returned: wait %s, want none", wait)
	}
	if _, wait := w.Take(start, "a"); wait != time.Hour {
		t.Errorf("with both spent: wait %s, want 1h", wait)
	}
}

func TestALateCallersTimeIsNoOlderThanWhatIsForgotten(t *testing.T) {
	w := NewWindow(Rate{Count: 1, Per: time.Minute})
	spendOne(w, start, "a")
	w.Wait(start.Add(time.Minute), "a") // forgets it
	spendOne(w, start.Add(59*time.Second), "a")
	if _, wait := w.Take(start.Add(time.Minute+59*time.Second), "a"); wait != time.Second {
		t.Errorf("got wait %s, want 1s: it counts from when it was let through", wait)
	}
}

func TestAWindowIsBoundedAndCleansItself(t *testing.T) {
	w := NewWindow(Rate{Count: 1, Per: time.Minute})
	w.logs.max = 100
	held, _ := w.Take(start, "held")
	for i := range 1000 {
		spendOne(w, start, fmt.Sprint(i))
	}
	if len(w.logs.rows) > 101 {
		t.Errorf("%d keys are remembered, want 100 and the one that the rest share", len(w.logs.rows))
	}
	if wait := spendOne(w, start, "another"); wait == 0 {
		t.Error("a key beyond the bound has a budget of its own")
	}
	if _, wait := w.Take(start, "held"); wait == 0 {
		t.Error("the flood had a key forgotten that is being tried")
	}
	later := start.Add(2 * time.Minute)
	if wait := spendOne(w, later, "another"); wait != 0 {
		t.Error("a new key is refused when the old ones are past")
	}
	if len(w.logs.rows) > 2 {
		t.Errorf("%d keys are remembered after all were past", len(w.logs.rows))
	}
	held.Return()
	if _, held := w.logs.rows["held"]; held {
		t.Error("a key is remembered that has cost nothing")
	}
}

func TestALargeCountHasFewerKeys(t *testing.T) {
	for count, want := range map[int]int{1: maxKeys, 5: maxKeys, 1024: 1024, 1 << 40: 1} {
		if w := NewWindow(Rate{Count: count, Per: time.Minute}); w.logs.max != want {
			t.Errorf("a count of %d: got %d keys, want %d", count, w.logs.max, want)
		}
	}
}

func TestNoWindowLimitsNothing(t *testing.T) {
	w := NewWindow(Rate{})
	place, wait := w.Take(start, "a")
	if wait != 0 || w.Wait(start, "a") != 0 {
		t.Error("no window limits")
	}
	place.Spend()
	place.Return()
	if charges := NewAddressWindow(Rate{}).Charges(netip.MustParseAddr("192.0.2.7")); len(charges) != 0 {
		t.Errorf("no budget of addresses: got %d charges, want none", len(charges))
	}
}

func TestPlacesOfSeveralBudgetsAreTakenTogetherOrNotAtAll(t *testing.T) {
	narrow, wide, spent := NewWindow(Rate{3, time.Hour}), NewWindow(Rate{1, time.Minute}), NewWindow(Rate{1, 2 * time.Hour})
	spendOne(spent, start, "x")
	charges := []Charge{{narrow, "a"}, {wide, "b"}, {spent, "x"}}
	places, wait := TakeAll(start, charges)
	if places != nil || wait != 2*time.Hour {
		t.Fatalf("got %d places, wait %s; want none, 2h", len(places), wait)
	}
	if len(narrow.logs.rows)+len(wide.logs.rows) != 0 {
		t.Error("places were kept of something that was not let through")
	}
	spendOne(wide, start, "b")
	if _, wait := TakeAll(start, charges); wait != 2*time.Hour {
		t.Errorf("with two of them spent: wait %s, want the longer one, 2h", wait)
	}
	if places, wait = TakeAll(start.Add(2*time.Hour), charges); wait != 0 {
		t.Fatalf("after that: wait %s, want none", wait)
	}
	places.Spend()
	if _, wait := TakeAll(start.Add(2*time.Hour), charges); wait != 2*time.Hour {
		t.Errorf("once spent: wait %s, want 2h", wait)
	}
}

func TestManyAtOnceGetNoMoreThanTheCount(t *testing.T) {
	w := NewWindow(fiveInTen)
	var mu sync.Mutex
	passed := 0
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			place, wait := w.Take(start.Add(-time.Duration(i)), "a")
			if wait > 0 {
				return
			}
			mu.Lock()
			passed++
			mu.Unlock()
			place.Spend()
		})
	}
	all.Wait()
	if passed != 5 {
		t.Errorf("got %d through, want 5", passed)
	}
}

func TestAnAddressGaugeBoundsASubscriber(t *testing.T) {
	g := NewAddressGauge(2)
	got := 0
	for i := range 100 {
		if g.Acquire(netip.MustParseAddr(fmt.Sprintf("2001:db8:7:%x::1", i))) {
			got++
		}
	}
	if got != 2*subscriberFactor {
		t.Errorf("a /48 got %d places, want %d", got, 2*subscriberFactor)
	}
	office := netip.MustParseAddr("192.0.2.7")
	first, second, third := g.Acquire(office), g.Acquire(office), g.Acquire(office)
	if !first || !second || third {
		t.Errorf("an address: got %t, %t and %t, want two places and no third", first, second, third)
	}
	g.Release(office)
	if !g.Acquire(office) {
		t.Error("a place that was freed cannot be taken")
	}
	g.Release(office)
	g.Release(office)
	for i := range got {
		g.Release(netip.MustParseAddr(fmt.Sprintf("2001:db8:7:%x::1", i)))
	}
	if n := len(g.network.held) + len(g.subscriber.held); n != 0 {
		t.Errorf("%d keys are remembered with nothing held", n)
	}
	var none *AddressGauge
	if none != NewAddressGauge(0) || !none.Acquire(office) {
		t.Error("no gauge bounds")
	}
	none.Release(office)
}
