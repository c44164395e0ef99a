package budget_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
)

func TestEachBudgetIsSpentByItsOwnKind(t *testing.T) {
	twice := ratelimit.Rate{Count: 2, Per: time.Minute}
	type charge func(b *budget.Budgets, now time.Time, somebodyElse bool) error
	from := func(somebodyElse bool) netip.Addr {
		if somebodyElse {
			return elsewhere
		}
		return office
	}
	grant := func(somebodyElse bool) string { return fmt.Sprint("a grant, another: ", somebodyElse) }
	byAddress := func(do func(*budget.Budgets, time.Time, netip.Addr) error) charge {
		return func(b *budget.Budgets, now time.Time, somebodyElse bool) error { return do(b, now, from(somebodyElse)) }
	}
	byGrant := func(do func(*budget.Budgets, time.Time, string) error) charge {
		return func(b *budget.Budgets, now time.Time, somebodyElse bool) error {
			return do(b, now, grant(somebodyElse))
		}
	}
	tests := []struct {
		name   string
		limits budget.Limits
		charge charge
	}{
		{"starts, per address", budget.Limits{Starts: twice}, byAddress(func(b *budget.Budgets, now time.Time, a netip.Addr) error {
			_, err := b.Start(now, a, "app")
			return err
		})},
		{"starts, per client", budget.Limits{StartsPerClient: twice}, byGrant(func(b *budget.Budgets, now time.Time, client string) error {
			_, err := b.Start(now, office, client)
			return err
		})},
		{"wrong device codes, per address", budget.Limits{DeviceCodes: twice}, byAddress((*budget.Budgets).DeviceCode)},
		{"wrong numbers, per address", budget.Limits{Numbers: twice}, byAddress(mistype)},
		{"ceremonies to approve, per grant", budget.Limits{Ceremonies: twice}, byGrant((*budget.Budgets).Approval)},
		{"ways back, per grant", budget.Limits{Ceremonies: twice}, byGrant((*budget.Budgets).WayBack)},
		{"ceremonies to join, per address", budget.Limits{Ceremonies: twice}, byAddress((*budget.Budgets).Join)},
		{"ceremonies to sign in, per address", budget.Limits{Ceremonies: twice}, byAddress((*budget.Budgets).SignIn)},
		{"recovery codes, per address", budget.Limits{Recoveries: twice}, byAddress((*budget.Budgets).Recovery)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := budget.New(tt.limits)
			for i := range 2 {
				if err := tt.charge(b, start, false); err != nil {
					t.Fatalf("number %d: %v", i+1, err)
				}
			}
			var over *budget.Spent
			if err := tt.charge(b, start, false); !errors.As(err, &over) || over.RetryAfter() != 30*time.Second {
				t.Fatalf("the third: got %v, want *Spent with 30s to wait", err)
			}
			if err := tt.charge(b, start, true); err != nil {
				t.Errorf("somebody else: got %v, want no error", err)
			}
			if err := tt.charge(b, start.Add(over.Wait-1), false); err == nil {
				t.Error("before the wait is over: got no error, want *Spent")
			}
			if err := tt.charge(b, start.Add(over.Wait), false); err != nil {
				t.Errorf("after the wait: got %v, want no error", err)
			}
			for name, none := range map[string]*budget.Budgets{"zero limits": budget.New(budget.Limits{}), "nil": nil} {
				for range 100 {
					if err := tt.charge(none, start, false); err != nil {
						t.Fatalf("%s: got %v, want no limit", name, err)
					}
				}
			}
		})
	}
}

func TestCeremoniesOfOneKindLeaveTheOthersAlone(t *testing.T) {
	b := budget.New(budget.Limits{Ceremonies: ratelimit.Rate{Count: 1, Per: time.Hour}})
	if err := errors.Join(b.Join(start, office), b.SignIn(start, office), b.Approval(start, "g"), b.WayBack(start, "g")); err != nil {
		t.Errorf("one of each: got %v, want no error", err)
	}
}

func TestWithoutBudgetsACodeIsTried(t *testing.T) {
	for name, none := range map[string]*budget.Budgets{"zero limits": budget.New(budget.Limits{}), "nil": nil} {
		for range 100 {
			if !miss(none, start, budget.Guesser{Address: office, Browser: "b"}) {
				t.Fatalf("%s: a try was refused", name)
			}
		}
		if !none.AcquireSocket(office) || !none.AcquireSessionSocket(office) || !none.AcquireWait(office) || none.SocketsPerGrant() != 0 || none.Frames().Take(start, "") != 0 {
			t.Errorf("%s: something is bounded", name)
		}
		none.ReleaseSocket(office)
		none.ReleaseSessionSocket(office)
		none.ReleaseWait(office)
	}
}

func TestAStartThatTheClientMayNotHaveCostsTheAddressNothing(t *testing.T) {
	b := budget.New(budget.Limits{
		Starts:          ratelimit.Rate{Count: 2, Per: time.Hour},
		StartsPerClient: ratelimit.Rate{Count: 1, Per: 2 * time.Hour},
	})
	if _, err := b.Start(start, elsewhere, "busy"); err != nil {
		t.Fatal(err)
	}
	var over *budget.Spent
	for range 10 {
		if _, err := b.Start(start, office, "busy"); !errors.As(err, &over) || over.Wait != 2*time.Hour {
			t.Fatalf("a client over its budget: got %v, want two hours to wait", err)
		}
	}
	for i := range 2 {
		if _, err := b.Start(start, office, ""); err != nil {
			t.Fatalf("start %d of no client: %v", i+1, err)
		}
	}
	if _, err := b.Start(start, office, "quiet"); !errors.As(err, &over) {
		t.Fatalf("an address over its budget: got %v, want *Spent", err)
	}
	if _, err := b.Start(start, elsewhere, "quiet"); err != nil {
		t.Errorf("a client whose start the address might not have: got %v, want no error", err)
	}
}

func TestACrowdIsSeenAndRefusedNothing(t *testing.T) {
	b := budget.New(budget.Limits{Starts: ratelimit.Rate{Count: 60, Per: time.Minute}, Crowd: ratelimit.Rate{Count: 20, Per: time.Minute}})
	for i := range 60 {
		crowded, err := b.Start(start, office, "app")
		if want := i >= 20; crowded != want || err != nil {
			t.Fatalf("start %d: got crowded %t, %v; want %t", i+1, crowded, err, want)
		}
	}
	if crowded, _ := b.Start(start, elsewhere, "app"); crowded {
		t.Error("another address is in the crowd")
	}
	if crowded, _ := b.Start(start.Add(time.Minute), office, "app"); crowded {
		t.Error("after a quiet minute the address still counts as a crowd")
	}
}

func TestWhatIsRefusedAddsNothingToTheCrowd(t *testing.T) {
	b := budget.New(budget.Limits{StartsPerClient: ratelimit.Rate{Count: 1, Per: time.Minute}, Crowd: ratelimit.Rate{Count: 5, Per: time.Minute}})
	for range 100 {
		_, _ = b.Start(start, office, "busy")
	}
	if crowded, err := b.Start(start, office, "quiet"); crowded || err != nil {
		t.Errorf("got crowded %t, %v; want neither", crowded, err)
	}
}

func TestSocketsAndWaits(t *testing.T) {
	b := budget.New(budget.Limits{Sockets: 2, SessionSockets: 2, Waits: 2, SocketsPerGrant: 3})
	if got := b.SocketsPerGrant(); got != 3 {
		t.Errorf("sockets per grant: got %d, want 3", got)
	}
	for name, gauge := range map[string]struct {
		acquire func(netip.Addr) bool
		release func(netip.Addr)
	}{
		"sockets":             {b.AcquireSocket, b.ReleaseSocket},
		"sockets of sessions": {b.AcquireSessionSocket, b.ReleaseSessionSocket},
		"waits":               {b.AcquireWait, b.ReleaseWait},
	} {
		var got []bool
		for range 3 {
			got = append(got, gauge.acquire(office))
		}
		if want := []bool{true, true, false}; !slices.Equal(got, want) {
			t.Errorf("%s of one address: got %v, want %v", name, got, want)
		}
		if !gauge.acquire(elsewhere) {
			t.Errorf("%s: another address has none", name)
		}
		gauge.release(office)
		if !gauge.acquire(office) {
			t.Errorf("%s: what was freed cannot be taken", name)
		}
	}
}

func TestEachSocketHasItsOwnBudgetOfFrames(t *testing.T) {
	b := budget.New(budget.Limits{Frames: ratelimit.Rate{Count: 2, Per: time.Second}})
	one, another := b.Frames(), b.Frames()
	var got []time.Duration
	for range 3 {
		got = append(got, one.Take(start, ""))
	}
	if want := []time.Duration{0, 0, 500 * time.Millisecond}; !slices.Equal(got, want) {
		t.Errorf("waits of one socket: got %v, want %v", got, want)
	}
	if another.Take(start, "") != 0 {
		t.Error("another socket has none")
	}
}

func TestBudgetsAreSafeForManyAtOnce(t *testing.T) {
	r := ratelimit.Rate{Count: 3, Per: time.Minute}
	b := budget.New(budget.Limits{
		Starts: r, StartsPerClient: r, Crowd: r, Guesses: r, GuessesPerBrowser: r, GuessesPerAccount: r, GuessesOverall: r,
		DeviceCodes: r, Ceremonies: r, Recoveries: r, Numbers: r, Frames: r, Sockets: 2, SessionSockets: 2, SocketsPerGrant: 2, Waits: 2,
	})
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			now, from, name := start.Add(time.Duration(i)*time.Second), netip.AddrFrom4([4]byte{203, 0, 113, byte(i % 7)}), fmt.Sprint(i%5)
			_, _ = b.Start(now, from, name)
			_ = errors.Join(b.DeviceCode(now, from), mistype(b, now, from), b.Approval(now, name), b.WayBack(now, name),
				b.Join(now, from), b.SignIn(now, from), b.Recovery(now, from))
			for _, account := range []string{"", name} {
				miss(b, now, budget.Guesser{Address: from, Browser: name, Account: account})
			}
			if b.AcquireSocket(from) {
				b.ReleaseSocket(from)
			}
			if b.AcquireSessionSocket(from) {
				b.ReleaseSessionSocket(from)
			}
			if b.AcquireWait(from) {
				b.ReleaseWait(from)
			}
		})
	}
	all.Wait()
	for range 2 {
		if !b.AcquireSocket(netip.AddrFrom4([4]byte{203, 0, 113, 0})) {
			t.Error("a place was not given back")
		}
	}
}

func TestToAskWhetherTheAddressMayStartSpendsNothing(t *testing.T) {
	b := budget.New(budget.Limits{Starts: ratelimit.Rate{Count: 1, Per: time.Minute}})
	for range 3 {
		if err := b.MayStart(start, office); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Start(start, office, "app"); err != nil {
		t.Fatal(err)
	}
	var over *budget.Spent
	if err := b.MayStart(start, office); !errors.As(err, &over) || over.Wait != time.Minute {
		t.Errorf("got %v, want *Spent with a minute to wait", err)
	}
	if err := (*budget.Budgets)(nil).MayStart(start, office); err != nil {
		t.Errorf("without budgets: %v", err)
	}
}
