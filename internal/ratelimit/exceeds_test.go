package ratelimit

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestWhoGoesOnBeyondTheRateIsBeyondItEachTime(t *testing.T) {
	l := New(Rate{Count: 20, Per: time.Minute})
	now, beyond := start, 0
	for range 600 { // one a second for ten minutes, three times the rate
		if l.Exceeds(now, "a") {
			beyond++
		}
		now = now.Add(time.Second)
	}
	if beyond < 600-30 {
		t.Errorf("got %d of 600 beyond the rate, want all but the first 30", beyond)
	}
	if l.Exceeds(now, "b") {
		t.Error("another key is beyond the rate")
	}
	if !l.Exceeds(now, "a") {
		t.Error("it is forgotten at once")
	}
	if l.Exceeds(now.Add(time.Minute), "a") {
		t.Error("it is still beyond the rate after a minute of rest")
	}
}

func TestWhoKeepsToTheRateIsNeverBeyondIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := New(Rate{Count: 20, Per: time.Minute})
		now := start
		for i := range rapid.IntRange(1, 200).Draw(t, "n") {
			now = now.Add(time.Duration(rapid.IntRange(3000, 9000).Draw(t, "ms")) * time.Millisecond)
			if l.Exceeds(now, "a") {
				t.Fatalf("number %d is beyond the rate", i+1)
			}
		}
	})
}

func TestACrowdOfASubscriberWithManyNetworksIsSeen(t *testing.T) {
	a := NewAddresses(Rate{Count: 10, Per: time.Minute})
	beyond := 0
	for i := range 1000 {
		if a.Exceeds(start, netip.MustParseAddr(fmt.Sprintf("2001:db8:7:%x::1", i))) {
			beyond++
		}
	}
	if want := 1000 - 10*subscriberFactor; beyond != want {
		t.Errorf("got %d beyond the rate, want %d", beyond, want)
	}
	var none *Addresses
	if none.Exceeds(start, netip.MustParseAddr("192.0.2.7")) || (*Limiter)(nil).Exceeds(start, "a") {
		t.Error("no limit is exceeded")
	}
}

func TestToAskForTheWaitSpendsNothing(t *testing.T) {
	a, peer := NewAddresses(Rate{Count: 1, Per: time.Minute}), netip.MustParseAddr("2001:db8::1")
	for range 3 {
		if got := a.Wait(start, peer); got != 0 {
			t.Fatalf("got %v, want nothing to wait for", got)
		}
	}
	a.Take(start, peer)
	if got, want := a.Wait(start, peer), a.Take(start, peer); got != want || got == 0 {
		t.Errorf("got %v, want %v as Take says", got, want)
	}
	var none *Addresses
	if none.Wait(start, peer) != 0 || (*Limiter)(nil).Wait(start, "a") != 0 {
		t.Error("where nothing is bounded there is something to wait for")
	}
}
