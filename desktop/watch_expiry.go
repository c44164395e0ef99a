package desktop

import (
	"fmt"
	"time"
)

// lastWord is how long past the expiry the answer to the last poll is awaited.
const lastWord = 3 * time.Second

// expireIn sets when the code is good for nothing any more (RFC 8628 section
// 3.2). Two clocks tell: the one on the wall, so that sleep counts, and the one
// that nobody can set back.
func (w *watch) expireIn(d time.Duration) {
	w.view.Expires = w.client.wall().Add(d)
	w.deadline = time.Now().Add(d)
}

// stillGood takes over what a snapshot says of the time left. It knows of a sleep
// or of a clock that was set; but its seconds are rounded up, and a grant's
// lifetime does not grow, so it never makes it longer.
func (w *watch) stillGood(d time.Duration) {
	if d > 0 && w.ranOut.IsZero() {
		w.expireIn(min(d, time.Until(w.deadline)))
	}
}

// heardPending takes the server's word for it that a code lives which only the
// clock on the wall has declared dead. After a sleep the server would have said
// that it has expired, so somebody has set the clock. The other clock still ends a
// login that the server would string along.
func (w *watch) heardPending() {
	left := time.Until(w.deadline)
	if w.ranOut.IsZero() || w.lastPoll.Before(w.ranOut) || left <= 0 {
		return
	}
	w.ranOut = time.Time{}
	w.expireIn(left)
	w.view.CodeExpires = w.view.Expires
}

// mindExpiry ends the login when the code has run out and one more poll has
// found nothing. That one is not held back by the pace, or what was approved in
// the last moments would be lost; a server that asked to be left alone is.
func (w *watch) mindExpiry() {
	now := time.Now()
	if w.view.State.Terminal() || !w.hasRunOut(now) {
		return
	}
	late := !now.Before(w.ranOut.Add(lastWord))
	asked := !w.lastPoll.Before(w.ranOut)
	missed := w.again && w.pace.failures == 0 && !late // it was approved while the last poll was out
	switch {
	case w.polling && !late, w.fetching():
	case w.polling, now.Before(w.retryAt), asked && !missed:
		w.runOut()
	default:
		w.pollAt = now
	}
}

// hasRunOut takes note of when the first of the two clocks said so.
func (w *watch) hasRunOut(now time.Time) bool {
	if w.ranOut.IsZero() && (!now.Before(w.deadline) || !w.client.wall().Before(w.view.Expires)) {
		w.ranOut = now
	}
	return !w.ranOut.IsZero()
}

// fetching reports whether tokens are on their way. No code is on the screen
// then, so there is no hurry.
func (w *watch) fetching() bool { return w.polling && w.view.State == StateApproved }

// expiryDue is when mindExpiry has to look at the clock again, zero when it
// need not.
func (w *watch) expiryDue() time.Time {
	switch {
	case w.ranOut.IsZero():
		return w.deadline
	case w.fetching():
		return time.Time{}
	}
	return w.ranOut.Add(lastWord)
}

// runOut ends the login by this computer's own clock.
func (w *watch) runOut() {
	w.unheard = w.polling
	if w.pace.failures > 0 {
		w.fail(fmt.Errorf("%w, and meanwhile the code has run out", ErrOffline))
		return
	}
	w.end(StateExpired, ErrExpired)
}
