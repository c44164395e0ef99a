package budget_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
)

var (
	errMistyped  = errors.New("another number")
	errUnawaited = errors.New("no number is awaited")
)

func isMistyped(err error) bool { return errors.Is(err, errMistyped) }

// tryNumber brings a number of which that comes.
func tryNumber(b *budget.Budgets, now time.Time, from netip.Addr, outcome error) error {
	return b.Number(now, from, isMistyped, func() error { return outcome })
}

// mistype brings a wrong number, and returns an error only when it was not tried.
func mistype(b *budget.Budgets, now time.Time, from netip.Addr) error {
	if err := tryNumber(b, now, from, errMistyped); !isMistyped(err) {
		return err
	}
	return nil
}

func TestOnlyAWrongNumberIsCharged(t *testing.T) {
	b := budget.New(budget.Limits{Numbers: ratelimit.Rate{Count: 2, Per: time.Hour}})
	for range 100 {
		for _, outcome := range []error{nil, errUnawaited} {
			if err := tryNumber(b, start, office, outcome); !errors.Is(err, outcome) {
				t.Fatalf("got %v, want what came of the try: %v", err, outcome)
			}
		}
	}
	for i := range 2 {
		if err := mistype(b, start, office); err != nil {
			t.Fatalf("wrong number %d: %v", i+1, err)
		}
	}
	if err := mistype(b, start, office); !errors.As(err, new(*budget.Spent)) {
		t.Errorf("the third wrong number: got %v, want *Spent", err)
	}
}

func TestOverBudgetNoNumberIsTriedAndARightOneGetsTheSameAnswer(t *testing.T) {
	b := budget.New(budget.Limits{Numbers: ratelimit.Rate{Count: 1, Per: time.Hour}})
	if err := mistype(b, start, office); err != nil {
		t.Fatal(err)
	}
	for _, outcome := range []error{nil, errMistyped, errUnawaited} {
		tried := false
		err := b.Number(start, office, isMistyped, func() error { tried = true; return outcome })
		var over *budget.Spent
		if !errors.As(err, &over) || over.RetryAfter() != time.Hour || tried {
			t.Errorf("what would be %v: got %v, tried %t; want *Spent with an hour to wait, and no try", outcome, err, tried)
		}
	}
}

func TestANumberThatIsBeingTriedHoldsItsPlace(t *testing.T) {
	b := budget.New(budget.Limits{Numbers: ratelimit.Rate{Count: 1, Per: time.Hour}})
	err := b.Number(start, office, isMistyped, func() error {
		if err := tryNumber(b, start, office, nil); !errors.As(err, new(*budget.Spent)) {
			t.Errorf("meanwhile: got %v, want *Spent", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := mistype(b, start, office); err != nil {
		t.Errorf("afterwards: got %v, want the place back", err)
	}
}

func TestANumberWhoseTryPanicsIsCharged(t *testing.T) {
	b := budget.New(budget.Limits{Numbers: ratelimit.Rate{Count: 1, Per: time.Hour}})
	func() {
		defer func() { _ = recover() }()
		_ = b.Number(start, office, isMistyped, func() error { panic("broken") })
	}()
	if err := tryNumber(b, start, office, nil); !errors.As(err, new(*budget.Spent)) {
		t.Errorf("got %v, want *Spent", err)
	}
}
