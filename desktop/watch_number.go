package desktop

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

const (
	// numberTries is how many numbers may be tried, until the server says how many
	// are left.
	numberTries = 3
	// frameTime is how long the push channel may take to tell what became of a number.
	frameTime = 2 * time.Second
)

// entry is a number that is being checked.
type entry struct {
	number  string
	left    int // how many could be tried before it, itself included
	callers []chan<- error

	// unsure is from when on a poll tells what became of the number, if nothing else
	// has done so. Zero while the endpoint's answer is awaited.
	unsure time.Time
	// otherwise is what came of a number of which the grant does not tell.
	otherwise error

	decided bool
	outcome error // when decided
}

func (e *entry) decide(outcome error) { e.decided, e.outcome = true, outcome }

// typed takes a number that the person has typed. The endpoint for numbers answers
// each one by itself, so it comes first; by the push channel the next snapshot tells.
func (w *watch) typed(work context.Context, t typed) {
	switch endpoint := w.meta.DeviceConfirmationEndpoint; {
	case w.view.State != StateVerifying:
		t.outcome <- ErrNoNumber
	case w.entry != nil && w.entry.number == t.number:
		w.entry.callers = append(w.entry.callers, t.outcome)
	case w.entry != nil:
		t.outcome <- errOneAtATime
	case endpoint != "":
		w.enter(t)
		w.work.Go(func() {
			w.numbers <- w.client.confirm(work, endpoint, w.grant.DeviceCode, t.number)
		})
	case w.line.up():
		w.enter(t)
		w.sayNumber(t.number)
	case w.line.mayDial():
		t.outcome <- fmt.Errorf("%w: the push channel, which takes the number, comes back in a moment", ErrOffline)
	default:
		t.outcome <- errNoWay
	}
}

func (w *watch) enter(t typed) {
	w.entry = &entry{number: t.number, left: w.view.TriesLeft, callers: []chan<- error{t.outcome}}
}

// sayNumber sends the number by the push channel. A frame that failed may have got
// out all the same.
func (w *watch) sayNumber(number string) {
	err := w.line.socket.say(wire.ClientFrame{Type: wire.FrameConfirm, Number: number})
	w.numberUnsure(fmt.Errorf("%w: it did not say what became of the number", ErrOffline))
	if err != nil {
		w.numberMayBeLost()
	}
}

// numberUnsure leaves it to the grant to tell what became of the number: to the push
// channel while that is up, and to a poll after a while, or at once without.
func (w *watch) numberUnsure(otherwise error) {
	w.entry.otherwise, w.entry.unsure = otherwise, time.Now()
	if w.line.up() {
		w.entry.unsure = time.Now().Add(frameTime)
	}
}

// numberMayBeLost takes note that the push channel, which was to tell, is gone.
func (w *watch) numberMayBeLost() {
	if now := time.Now(); w.entry != nil && w.entry.unsure.After(now) {
		w.entry.unsure = now
	}
}

// confirmed handles the answer of the endpoint for numbers. The login may know of
// its outcome already, and then this is no news.
func (w *watch) confirmed(c confirmation) {
	switch {
	case c.err == nil:
		w.turn(StateApproved, 0)
		w.fetch()
	case errors.Is(c.err, ErrDenied):
		w.end(StateDenied, w.reason(c.err))
	case w.entry == nil:
	case errors.Is(c.err, ErrWrongNumber):
		left := c.triesLeft
		if left <= 0 {
			left = max(1, w.entry.left-1)
		}
		w.turn(progress(w.view.State, wire.StateVerifying), left)
		w.entry.decide(c.err)
	case c.unsure:
		w.numberUnsure(c.err)
	default:
		w.entry.decide(c.err)
	}
}

// turn takes a state over. The tries that are left only get fewer: one way of the
// news may overtake the other.
func (w *watch) turn(next State, left int) {
	if left <= 0 {
		left = numberTries
	}
	if w.view.State == StateVerifying {
		left = min(left, w.view.TriesLeft)
	}
	if next != StateVerifying {
		left = 0
	}
	w.view.State, w.view.TriesLeft = next, left
}

// mindNumber asks how the grant stands when nothing else tells what became of a
// number.
func (w *watch) mindNumber() {
	e := w.entry
	if e == nil || e.decided || e.unsure.IsZero() {
		return
	}
	if w.view.State == StateVerifying && w.view.TriesLeft < e.left {
		e.decide(ErrWrongNumber)
		return
	}
	at := w.soonest()
	if e.unsure.After(at) {
		at = e.unsure
	}
	w.ask(at)
}

// numberUntold takes note of a poll that has not ended the login. When it was begun
// after a number got lost, the number was not right, and whether it was counted is
// not to be known: it may be typed again.
func (w *watch) numberUntold(err error) {
	e := w.entry
	if e == nil || e.decided || e.unsure.IsZero() || w.lastPoll.Before(e.unsure) {
		return
	}
	if err == nil {
		err = e.otherwise
	}
	e.decide(err)
}

// reason is why the login ends: a denial that comes while the last number is checked
// is that of the numbers.
func (w *watch) reason(err error) error {
	if errors.Is(err, ErrDenied) && w.entry != nil && w.entry.left == 1 {
		return errNumbersDiffer
	}
	return err
}

// settleNumber tells the callers what came of their number, once that is known and
// published.
func (w *watch) settleNumber() {
	e := w.entry
	if e == nil {
		return
	}
	switch {
	case w.view.State == StateApproved, w.view.State == StateRedeemed:
		e.decide(nil)
	case w.view.State.Terminal():
		e.decide(w.view.Err)
	}
	if !e.decided {
		return
	}
	w.entry = nil
	for _, caller := range e.callers {
		caller <- e.outcome
	}
}
