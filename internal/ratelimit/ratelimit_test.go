package ratelimit

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestABudgetIsSpentAndComesBack(t *testing.T) {
	l := New(Rate{Count: 3, Per: time.Minute})
	for i := range 3 {
		if wait := l.Take(start, "a"); wait != 0 {
			t.Fatalf("take %d: wait %s, want none", i+1, wait)
		}
	}
	if wait := l.Take(start, "a"); wait != 20*time.Second {
		t.Errorf("the fourth: wait %s, want 20s", wait)
	}
	if wait := l.Take(start, "b"); wait != 0 {
		t.Errorf("another key: wait %s, want none", wait)
	}
	if wait := l.Take(start.Add(20*time.Second), "a"); wait != 0 {
		t.Errorf("after the wait: wait %s, want none", wait)
	}
	if wait := l.Take(start.Add(20*time.Second), "a"); wait == 0 {
		t.Error("the wait gave back more than one")
	}
}

func TestWhatIsReturnedCanBeTakenAgain(t *testing.T) {
	l := New(Rate{Count: 1, Per: time.Minute})
	for range 5 {
		if wait := l.Take(start, "a"); wait != 0 {
			t.Fatalf("wait %s, want none", wait)
		}
		l.Return("a")
	}
}

func TestNoLimit(t *testing.T) {
	var none *Limiter
	if none.Take(start, "a") != 0 || New(Rate{}).Take(start, "a") != 0 {
		t.Error("no limit limits")
	}
	none.Return("a")
	var gauge *Gauge
	if !gauge.Acquire("a") {
		t.Error("no gauge bounds")
	}
	gauge.Release("a")
}

func TestNoWindowHoldsMoreThanTwiceTheBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := Rate{Count: rapid.IntRange(1, 20).Draw(t, "count"), Per: time.Minute}
		l := New(rate)
		now := start
		var taken []time.Time
		for range rapid.IntRange(1, 200).Draw(t, "tries") {
			now = now.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "ms")) * time.Millisecond)
			if l.Take(now, "a") == 0 {
				taken = append(taken, now)
			}
		}
		for i, from := range taken {
			n := 0
			for _, at := range taken[i:] {
				if at.Sub(from) < rate.Per {
					n++
				}
			}
			if n > 2*rate.Count {
				t.Fatalf("%d in one %s, with a budget of %d", n, rate.Per, rate.Count)
			}
		}
	})
}

func TestMemoryIsBoundedAndCleansItself(t *testing.T) {
	l := New(Rate{Count: 1, Per: time.Minute})
	l.full.max = 100
	for i := range 1000 {
		l.Take(start, fmt.Sprint(i))
	}
	if len(l.full.rows) > 101 {
		t.Errorf("%d keys are remembered, want 100 and the one that the rest share", len(l.full.rows))
	}
	if l.Take(start, "another") == 0 {
		t.Error("a key beyond the bound has a budget of its own")
	}
	later := start.Add(2 * time.Minute)
	if l.Take(later, "another") != 0 {
		t.Error("a new key is refused when the old ones are whole again")
	}
	if len(l.full.rows) > 2 {
		t.Errorf("%d keys are remembered after all were whole again", len(l.full.rows))
	}
}

func TestGauge(t *testing.T) {
	g := NewGauge(2)
	first, second, third := g.Acquire("a"), g.Acquire("a"), g.Acquire("a")
	if !first || !second || third {
		t.Errorf("got %t, %t and %t, want two places and no third", first, second, third)
	}
	if !g.Acquire("b") {
		t.Error("another key has no place of its own")
	}
	g.Release("a")
	if !g.Acquire("a") {
		t.Error("a place that was freed cannot be taken")
	}
	g.Release("a")
	g.Release("a")
	g.Release("b")
	if len(g.held) != 0 {
		t.Errorf("%d keys are remembered with nothing held", len(g.held))
	}
}

func TestASubscriberWithManyNetworksHasNotAsManyBudgets(t *testing.T) {
	a := NewAddresses(Rate{Count: 10, Per: time.Minute})
	got := 0
	for i := range 1000 {
		peer := netip.MustParseAddr(fmt.Sprintf("2001:db8:7:%x::1", i))
		if a.Take(start, peer) == 0 {
			got++
		}
	}
	if got != 10*subscriberFactor {
		t.Errorf("a /48 took %d, want %d", got, 10*subscriberFactor)
	}
	if a.Take(start, netip.MustParseAddr("2001:db8:8::1")) != 0 {
		t.Error("another subscriber is refused")
	}
	peer := netip.MustParseAddr("192.0.2.7")
	for range 10 {
		if a.Take(start, peer) != 0 {
			t.Fatal("an IPv4 address has less than its budget")
		}
	}
	if a.Take(start, peer) == 0 {
		t.Error("an IPv4 address has more than its budget")
	}
	a.Return(peer)
	if a.Take(start, peer) != 0 {
		t.Error("what was returned cannot be taken again")
	}
	var none *Addresses
	if none.Take(start, peer) != 0 {
		t.Error("no limit limits")
	}
	none.Return(peer)
}

func TestAddressKey(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7":            "192.0.2.7",
		"::ffff:192.0.2.7":     "192.0.2.7",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::":  "2001:db8:1:2::/64",
		"fe80::1%eth0":         "fe80::/64",
	} {
		if got := AddressKey(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
	if got := AddressKey(netip.Addr{}); got == "" {
		t.Error("no address has no key")
	}
}
