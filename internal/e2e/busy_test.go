package e2e

import (
	"testing"

	"github.com/qrauthd/qrauthd/desktop"
)

const veryMany = "Very many people are signing in at the moment. Try again in a moment."

// Who has tapped Approve and touched the sensor need not do so again because the server
// had no time just then: the page says so, and asks again by itself.
func TestAPageAsksABusyServerAgainByItself(t *testing.T) {
	_, f := serveBehind(t)
	p := newPhone(t)
	login := begin(t, sdk(t, f.URL))
	p.open(login.Current().Link())
	p.join("Ada")
	p.offers("Approve")
	f.busy.Store(3)
	p.press("Approve")
	p.see(veryMany)
	reach(t, login, desktop.StateRedeemed)
	p.see("You're signed in")
}

// And when that does not help, the person is told, and may tap again.
func TestWhoWasTurnedAwayMayTapAgain(t *testing.T) {
	_, f := serveBehind(t)
	p := newPhone(t)
	login := begin(t, sdk(t, f.URL))
	p.open(login.Current().Link())
	p.join("Ada")
	p.offers("Approve")
	f.busy.Store(4) // the tap, and what the page tries by itself
	p.press("Approve")
	p.offers("Approve")
	p.see(veryMany)
	p.press("Approve")
	reach(t, login, desktop.StateRedeemed)
}
