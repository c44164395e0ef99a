package loginview

import (
	"errors"

	"github.com/qrauthd/qrauthd/desktop"
)

// confirm brings the number that the person has typed to the server.
func (v *View) confirm(number string) {
	if v.attempt == nil || v.checking || !v.shown.number {
		return
	}
	v.checking, v.miss = true, missNone
	v.show(v.moment)
	v.attempt.confirm(number)
}

// confirmed is what came of it, beside the newest update. A number that was right
// needs no word of its own: its update comes, as that of a login that has ended does.
func (v *View) confirmed(err error, u desktop.Update) {
	if err == nil || u.State.Terminal() || !v.shown.number {
		return
	}
	v.checking, v.miss = false, missLost
	if errors.Is(err, desktop.ErrWrongNumber) {
		v.miss = missWrong
	}
	v.body.digits.clear()
	v.updated(u)
}

// spellDigit says what was typed to somebody who can't see it.
func (v *View) spellDigit(digit string) {
	if digit == "" {
		digit = v.words.Erased
	}
	v.announce(digit)
}
