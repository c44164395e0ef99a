package budget_test

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
)

var (
	start     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	office    = netip.MustParseAddr("192.0.2.7")
	elsewhere = netip.MustParseAddr("198.51.100.9")
	fiveInTen = ratelimit.Rate{Count: 5, Per: 10 * time.Minute}
)

var errWrong = errors.New("no such code")

func wrong(err error) bool { return errors.Is(err, errWrong) }

// guessing are the budgets of user codes as they are by default.
func guessing() *budget.Budgets {
	return budget.New(budget.Limits{
		Guesses: fiveInTen, GuessesPerBrowser: fiveInTen, GuessesPerAccount: fiveInTen, GuessesOverall: fiveInTen,
	})
}

// miss tries a code that does not exist, and reports whether it was tried.
func miss(b *budget.Budgets, now time.Time, g budget.Guesser) (tried bool) {
	_ = b.Guess(now, g, wrong, func() error { tried = true; return errWrong })
	return tried
}

// misses is how many of n are tried.
func misses(b *budget.Budgets, now time.Time, n int, who func(i int) budget.Guesser) (tried int) {
	for i := range n {
		if miss(b, now, who(i)) {
			tried++
		}
	}
	return tried
}

func TestWhoIsChargedForAWrongCode(t *testing.T) {
	address := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, byte(i >> 8), byte(i)}) }
	network := func(i int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf("2001:db8:7:%x::1", i)) }
	name := func(i int) string { return fmt.Sprint("number ", i) }
	tests := []struct {
		name string
		who  func(i int) budget.Guesser
		want int // of 100 at once
	}{
		{"a stranger", func(int) budget.Guesser { return budget.Guesser{Address: office, Browser: "b"} }, 5},
		{"a stranger with a new browser each time", func(i int) budget.Guesser { return budget.Guesser{Address: office, Browser: name(i)} }, 5},
		{"a stranger without a browser", func(i int) budget.Guesser { return budget.Guesser{Address: office} }, 5},
		{"a stranger with a new address each time", func(i int) budget.Guesser { return budget.Guesser{Address: address(i), Browser: "b"} }, 5},
		{"strangers with nothing in common", func(i int) budget.Guesser { return budget.Guesser{Address: address(i), Browser: name(i)} }, 5},
		{"somebody with an account", func(int) budget.Guesser { return budget.Guesser{Address: office, Browser: "b", Account: "ada"} }, 5},
		{"an account in many browsers from many addresses", func(i int) budget.Guesser {
			return budget.Guesser{Address: address(i), Browser: name(i), Account: "ada"}
		}, 5},
		{"many accounts in one browser", func(i int) budget.Guesser { return budget.Guesser{Address: address(i), Browser: "b", Account: name(i)} }, 5},
		{"many accounts from one address", func(i int) budget.Guesser { return budget.Guesser{Address: office, Browser: name(i), Account: name(i)} }, 5},
		{"many accounts from one subscriber's networks", func(i int) budget.Guesser {
			return budget.Guesser{Address: network(i), Browser: name(i), Account: name(i)}
		}, 25},
		{"people with nothing in common", func(i int) budget.Guesser {
			return budget.Guesser{Address: address(i), Browser: name(i), Account: name(i)}
		}, 100},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := misses(guessing(), start, 100, tt.who); got != tt.want {
				t.Errorf("got %d tries, want %d", got, tt.want)
			}
		})
	}
}

func TestStrangersGetNoMoreThanFiveWrongCodesThroughInAnyTenMinutes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := guessing()
		now := start
		var tried []time.Time
		for range rapid.IntRange(1, 200).Draw(t, "tries") {
			now = now.Add(time.Duration(rapid.IntRange(0, 180).Draw(t, "seconds")) * time.Second)
			who := budget.Guesser{
				Address: rapid.SampledFrom([]netip.Addr{office, elsewhere, {}}).Draw(t, "address"),
				Browser: rapid.SampledFrom([]string{"a", "b", "c", ""}).Draw(t, "browser"),
			}
			if miss(b, now, who) {
				tried = append(tried, now)
			}
		}
		for i := range tried {
			if i >= 5 && tried[i].Sub(tried[i-5]) < 10*time.Minute {
				t.Fatalf("six within %s", tried[i].Sub(tried[i-5]))
			}
		}
	})
}

func TestAThousandTriesAtOnceGetNoMoreThanFiveWrongCodesThrough(t *testing.T) {
	many := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, byte(i >> 8), byte(i)}) }
	tests := []struct {
		name string
		who  func(i int) budget.Guesser
	}{
		{"from one address in one browser", func(int) budget.Guesser { return budget.Guesser{Address: office, Browser: "b"} }},
		{"from one address in a thousand browsers", func(i int) budget.Guesser { return budget.Guesser{Address: office, Browser: fmt.Sprint(i)} }},
		{"from a thousand addresses in a thousand browsers", func(i int) budget.Guesser { return budget.Guesser{Address: many(i), Browser: fmt.Sprint(i)} }},
		{"of one account in a thousand places", func(i int) budget.Guesser {
			return budget.Guesser{Address: many(i), Browser: fmt.Sprint(i), Account: "ada"}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := guessing()
			var tried atomic.Int64
			for round := range 3 { // within ten minutes
				now := start.Add(time.Duration(round) * 299 * time.Second)
				var all sync.WaitGroup
				for i := range 1000 {
					all.Go(func() {
						if miss(b, now, tt.who(i)) {
							tried.Add(1)
						}
					})
				}
				all.Wait()
			}
			if got := tried.Load(); got != 5 {
				t.Errorf("got %d tries, want 5", got)
			}
		})
	}
}

func TestAFloodOfStrangersKeepsNobodyWithAnAccountFromTypingACode(t *testing.T) {
	b := guessing()
	misses(b, start, 1000, func(i int) budget.Guesser { return budget.Guesser{Address: office, Browser: fmt.Sprint(i)} })
	if miss(b, start, budget.Guesser{Address: elsewhere, Browser: "somebody's"}) {
		t.Fatal("strangers have something left")
	}
	for _, address := range []netip.Addr{office, elsewhere} {
		if !miss(b, start, budget.Guesser{Address: address, Browser: "ada's", Account: "ada"}) {
			t.Errorf("from %s: somebody with an account was refused", address)
		}
	}
}

func TestPeoplesWrongCodesKeepNoStrangerFromTypingOne(t *testing.T) {
	b := guessing()
	misses(b, start, 100, func(i int) budget.Guesser {
		return budget.Guesser{Address: office, Browser: "ada's", Account: "ada"}
	})
	if !miss(b, start, budget.Guesser{Address: office, Browser: "somebody's"}) {
		t.Error("a stranger was refused")
	}
}

func TestARightCodeCostsNothing(t *testing.T) {
	for _, account := range []string{"", "ada"} {
		b := guessing()
		who := budget.Guesser{Address: office, Browser: "b", Account: account}
		for i := range 50 {
			if err := b.Guess(start, who, wrong, func() error { return nil }); err != nil {
				t.Fatalf("account %q, right code %d: %v", account, i+1, err)
			}
		}
		if got := misses(b, start, 50, func(int) budget.Guesser { return who }); got != 5 {
			t.Errorf("account %q: got %d wrong codes after the right ones, want 5", account, got)
		}
	}
}

func TestOnlyAWrongCodeIsCharged(t *testing.T) {
	b, who, broken := guessing(), budget.Guesser{Address: office, Browser: "b"}, errors.New("disk full")
	for range 50 {
		if err := b.Guess(start, who, wrong, func() error { return broken }); !errors.Is(err, broken) {
			t.Fatalf("got %v, want try's own error", err)
		}
	}
	if err := b.Guess(start, who, wrong, func() error { return fmt.Errorf("open: %w", errWrong) }); !errors.Is(err, errWrong) {
		t.Errorf("got %v, want try's own error", err)
	}
}

func TestOverBudgetNothingIsTriedAndARightCodeGetsTheSameAnswer(t *testing.T) {
	b, who := guessing(), budget.Guesser{Address: office, Browser: "b"}
	misses(b, start, 5, func(int) budget.Guesser { return who })
	now := start.Add(time.Minute)
	var answers []string
	for name, result := range map[string]error{"right": nil, "wrong": errWrong} {
		err := b.Guess(now, who, wrong, func() error { t.Errorf("the %s code was tried", name); return result })
		var over *budget.Spent
		if !errors.As(err, &over) {
			t.Fatalf("the %s code: got %v, want *Spent", name, err)
		}
		answers = append(answers, fmt.Sprintf("%v %s", err, over.RetryAfter()))
	}
	if answers[0] != answers[1] || answers[0] != "too many tries 9m0s" {
		t.Errorf("got %q, want the same twice, with nine minutes to wait", answers)
	}
}

func TestATryThatPanicsIsCharged(t *testing.T) {
	b, who := guessing(), budget.Guesser{Address: office, Browser: "b"}
	for range 5 {
		func() {
			defer func() { _ = recover() }()
			_ = b.Guess(start, who, wrong, func() error { panic("on purpose") })
		}()
	}
	var over *budget.Spent
	err := b.Guess(start, who, wrong, func() error { return nil })
	if !errors.As(err, &over) || over.Wait != 10*time.Minute {
		t.Errorf("got %v, want ten minutes to wait", err)
	}
}

func TestWhileOthersAreTriedTheWaitIsShort(t *testing.T) {
	b := guessing()
	var nested func(depth int) error
	nested = func(depth int) error {
		who := budget.Guesser{Address: netip.AddrFrom4([4]byte{203, 0, 113, byte(depth)}), Browser: fmt.Sprint(depth)}
		return b.Guess(start, who, wrong, func() error { return nested(depth + 1) })
	}
	var over *budget.Spent
	if err := nested(0); !errors.As(err, &over) || over.Wait != time.Second {
		t.Errorf("the sixth at the same time: got %v, want a second to wait", err)
	}
	if !miss(b, start, budget.Guesser{Address: office, Browser: "b"}) {
		t.Error("what cost nothing was charged")
	}
}

func TestTheWaitIsTheLongestOfAllBudgets(t *testing.T) {
	b := budget.New(budget.Limits{
		GuessesPerBrowser: ratelimit.Rate{Count: 1, Per: time.Minute},
		GuessesOverall:    ratelimit.Rate{Count: 1, Per: time.Hour},
	})
	who := budget.Guesser{Address: office, Browser: "b"}
	miss(b, start, who)
	var over *budget.Spent
	if err := b.Guess(start, who, wrong, func() error { return nil }); !errors.As(err, &over) || over.Wait != time.Hour {
		t.Errorf("got %v, want an hour to wait", err)
	}
}

func TestVisitorsWithoutABrowserDoNotShareOne(t *testing.T) {
	b := budget.New(budget.Limits{GuessesPerBrowser: fiveInTen})
	if got := misses(b, start, 100, func(int) budget.Guesser { return budget.Guesser{Address: office} }); got != 100 {
		t.Errorf("got %d tries, want 100: there is no browser to charge", got)
	}
}
