package desktop

import (
	"errors"
	"fmt"
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// answered handles a poll's answer.
func (w *watch) answered(a answer) {
	w.polling = false
	switch a.outcome {
	case outcomeTokens:
		w.session = newSession(w.client, w.key, a.tokens)
		w.end(StateRedeemed, nil)
		return
	case outcomeOver:
		w.over(a.err)
		return
	case outcomeFailed:
		w.pace = w.pace.failed()
		w.retryAt = time.Now().Add(later(a.retryAfter, w.client.chance))
		w.numberUntold(a.err)
	case outcomePending:
		w.pace = w.pace.answered()
		w.pending(a)
	case outcomeSlowDown:
		w.pace = w.pace.slowedDown()
		w.pending(a)
	}
	w.rest()
	if w.again && a.outcome != outcomeFailed {
		w.ask(time.Now()) // an approved grant is redeemed whatever the pace
	}
}

// pending takes over what an undecided grant's answer tells.
func (w *watch) pending(a answer) {
	w.heardPending()
	if a.state == wire.StateVerifying {
		w.turn(progress(w.view.State, a.state), a.triesLeft)
	}
	w.numberUntold(nil)
}

// over ends the login by the server's refusal.
func (w *watch) over(err error) {
	switch {
	case errors.Is(err, ErrDenied):
		w.end(StateDenied, w.reason(err))
	case errors.Is(err, ErrExpired):
		w.end(StateExpired, err)
	case refusedAs(err, wire.CodeInvalidGrant) && w.answerLost():
		w.fail(fmt.Errorf("%w: %w", ErrInterrupted, err))
	default:
		w.fail(err)
	}
}

// answerLost reports whether the tokens may have gone out and got lost: a code
// is good for one success only.
func (w *watch) answerLost() bool {
	return w.redeemed || w.view.State == StateApproved || w.pace.failures > 0
}
