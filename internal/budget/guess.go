package budget

import (
	"net/netip"
	"time"

	"github.com/qrauthd/qrauthd/internal/ratelimit"
)

// Guesser is who tries a user code.
type Guesser struct {
	Address netip.Addr
	Browser string // "": none is known, and none is charged
	Account string // that a passkey has proved in this browser; "": a stranger
}

// guesses are the budgets of wrong user codes. Strangers have one in common, which
// holds whatever number of addresses and browsers they come from. People with an
// account do not share it, so that no flood of strangers keeps them from typing a code.
// They have one each instead.
//
// Their addresses are counted apart from strangers' for the same reason: a stranger
// behind an office's one address must not lock the office out. They are counted
// nevertheless. Where registration is open one person can make many accounts, and then
// their address is all that bounds them.
type guesses struct {
	strangers *ratelimit.AddressWindow
	people    *ratelimit.AddressWindow
	browsers  *ratelimit.Window
	accounts  *ratelimit.Window
	overall   *ratelimit.Window
}

func newGuesses(l Limits) guesses {
	return guesses{
		strangers: ratelimit.NewAddressWindow(l.Guesses),
		people:    ratelimit.NewAddressWindow(l.Guesses),
		browsers:  ratelimit.NewWindow(l.GuessesPerBrowser),
		accounts:  ratelimit.NewWindow(l.GuessesPerAccount),
		overall:   ratelimit.NewWindow(l.GuessesOverall),
	}
}

// everybody is the key of what all strangers share.
const everybody = ""

// charges are what the guesser's guess costs, what most others share last.
func (g guesses) charges(who Guesser) []ratelimit.Charge {
	var list []ratelimit.Charge
	if who.Browser != "" {
		list = append(list, ratelimit.Charge{Window: g.browsers, Key: who.Browser})
	}
	if who.Account == "" {
		list = append(list, g.strangers.Charges(who.Address)...)
		return append(list, ratelimit.Charge{Window: g.overall, Key: everybody})
	}
	list = append(list, ratelimit.Charge{Window: g.accounts, Key: who.Account})
	return append(list, g.people.Charges(who.Address)...)
}

// Guess runs try, which looks a user code up, within the budgets of whoever guesses
// (RFC 8628 section 5.1), and returns its error. An error that wrong knows as that of a
// code which opens nothing is charged; anything else costs nothing.
//
// Once one of the budgets is spent nothing is tried, so the answer, *Spent, is the same
// whether or not the code exists. Tries that run at the same time hold a place each, so
// no more of them are wrong than there were places.
func (b *Budgets) Guess(now time.Time, g Guesser, wrong func(error) bool, try func() error) error {
	if b == nil {
		return try()
	}
	places, wait := ratelimit.TakeAll(now, b.guesses.charges(g))
	if wait > 0 {
		return spent(wait)
	}
	settle := places.Spend // when try panics as well
	defer func() { settle() }()
	err := try()
	if !wrong(err) {
		settle = places.Return
	}
	return err
}
