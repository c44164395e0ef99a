package push_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/push"
)

func TestAPublicationWakesWhoWaitsForThatGrant(t *testing.T) {
	var hub push.Hub
	var a, b, other atomic.Int32
	subA := hub.Subscribe("g", func(push.Cause) { a.Add(1) })
	hub.Subscribe("g", func(push.Cause) { b.Add(1) })
	hub.Subscribe("other", func(push.Cause) { other.Add(1) })
	hub.Publish("g")
	subA.Close()
	subA.Close()
	hub.Publish("g")
	hub.Publish("nobody waits for this")
	if a.Load() != 1 || b.Load() != 2 || other.Load() != 0 {
		t.Errorf("woken %d, %d and %d times, want 1, 2 and 0", a.Load(), b.Load(), other.Load())
	}
	if got := hub.Waiting(); got != 2 {
		t.Errorf("%d wait, want 2", got)
	}
}

func TestAWaiterLeavesTheOthersWhereTheyAre(t *testing.T) {
	for leaver, who := range []string{"the oldest", "the one in the middle", "the newest"} {
		t.Run(who, func(t *testing.T) {
			var hub push.Hub
			var woken [3]int
			var subs [3]*push.Subscription
			for i := range subs {
				subs[i] = hub.Subscribe("g", func(push.Cause) { woken[i]++ })
			}
			subs[leaver].Close()
			hub.Publish("g")
			want := [3]int{1, 1, 1}
			want[leaver] = 0
			if woken != want {
				t.Errorf("woken %v, want %v", woken, want)
			}
			for _, s := range subs {
				s.Close()
			}
			hub.Publish("g")
			if woken != want || hub.Waiting() != 0 {
				t.Errorf("when all had left: woken %v, and %d wait", woken, hub.Waiting())
			}
		})
	}
}

func TestAPublicationToAllWakesEverybody(t *testing.T) {
	var hub push.Hub
	var a, b atomic.Int32
	hub.Subscribe("a", func(push.Cause) { a.Add(1) })
	hub.Subscribe("b", func(push.Cause) { b.Add(1) })
	hub.PublishAll()
	if a.Load() != 1 || b.Load() != 1 {
		t.Errorf("woken %d and %d times, want once each", a.Load(), b.Load())
	}
}

func TestWhoIsWokenIsToldWhetherItHurries(t *testing.T) {
	var hub push.Hub
	var causes []push.Cause
	hub.Subscribe("g", func(why push.Cause) { causes = append(causes, why) })
	hub.PublishAll()
	hub.Publish("g")
	if want := []push.Cause{push.MayChanged, push.Changed}; !slices.Equal(causes, want) {
		t.Errorf("got %v, want %v", causes, want)
	}
}

func TestASignalIsASlotOfOne(t *testing.T) {
	wake, news := push.Signal()
	for range 100 {
		wake(push.Changed) // a slow reader holds up nobody
	}
	<-news
	select {
	case <-news:
		t.Error("the slot held more than one")
	default:
	}
	wake(push.Changed)
	<-news
}

func TestNothingFallsBetweenSubscribeAndPublish(t *testing.T) {
	var hub push.Hub
	var state atomic.Int32
	var readers sync.WaitGroup
	for range 20 {
		readers.Go(func() {
			wake, news := push.Signal()
			sub := hub.Subscribe("g", wake) // first
			defer sub.Close()
			for state.Load() == 0 { // then read
				<-news
			}
		})
	}
	state.Store(1) // commit first
	hub.Publish("g")
	readers.Wait()
}

func BenchmarkPublish(b *testing.B) {
	for name, idle := range map[string]int{"alone": 0, "beside 50000 idle": 50_000} {
		b.Run(name, func(b *testing.B) {
			var hub push.Hub
			for i := range idle {
				hub.Subscribe(auth.GrantID(rune(i)), func(push.Cause) {})
			}
			wake, news := push.Signal()
			hub.Subscribe("g", wake)
			for b.Loop() {
				hub.Publish("g")
				<-news
			}
		})
	}
}
