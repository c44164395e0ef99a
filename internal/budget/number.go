package budget

import (
	"net/netip"
	"time"
)

// Number runs try, which compares a number that a desktop brings with its grant's, and
// returns its error. An error that wrong knows as that of another number is charged to
// the address; anything else costs nothing, so that whoever brings numbers which nobody
// awaits spends no neighbour's budget.
//
// Once the budget is spent nothing is tried, so the answer, *Spent, is the same whether
// or not the number is right. A try holds its place while it runs.
func (b *Budgets) Number(now time.Time, from netip.Addr, wrong func(error) bool, try func() error) error {
	if b == nil {
		return try()
	}
	if wait := b.numbers.Take(now, from); wait > 0 {
		return spent(wait)
	}
	settle := func() {} // when try panics, it is charged as well
	defer func() { settle() }()
	err := try()
	if !wrong(err) {
		settle = func() { b.numbers.Return(from) }
	}
	return err
}
