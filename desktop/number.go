package desktop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// sendTime is for how long a number that did not get out is sent again: the server
// restarts, say.
const sendTime = 10 * time.Second

// ConfirmNumber brings the number that the person has typed, while the state is
// StateVerifying: two digits, as text, for "07" keeps its zero. It returns when the
// outcome is known, and the update that tells of it is the current one by then:
//
//   - nil: it was right, and the sign-in goes on by itself;
//   - ErrWrongNumber: it was not, and Update.TriesLeft more may be tried;
//   - ErrDenied: it was the third wrong one, or the phone said no; the login is over,
//     as by any other error that Wait returns;
//   - ErrNoNumber: none is awaited, or not any more;
//   - ErrOffline: the server could not be asked, or did not count the number: the
//     person may type it again.
//
// An answer that got lost is no loss: the SDK asks how the grant stands, and a number
// that was right is nil. What isn't two digits is an error, and no try. One number is
// checked at a time: the same one again shares the outcome of the first call, and
// another one is an error. When ctx ends it returns ctx's error, and what was sent is
// not taken back.
func (l *Login) ConfirmNumber(ctx context.Context, number string) error {
	digits, err := wire.ParseNumber(number)
	switch {
	case err != nil:
		return err // a sentence for the person
	case l.Current().Here:
		return ErrNoNumber
	}
	t := typed{digits, make(chan error, 1)}
	select {
	case l.typed <- t:
	case <-l.ended:
		return l.afterTheEnd()
	case <-ctx.Done():
		return fmt.Errorf("confirm the number: %w", ctx.Err())
	}
	select {
	case err := <-t.outcome:
		return err
	case <-ctx.Done():
		return fmt.Errorf("confirm the number: %w", ctx.Err())
	}
}

// afterTheEnd is what a number comes to that is typed when the login has ended.
func (l *Login) afterTheEnd() error {
	if l.err != nil {
		return l.err
	}
	return ErrNoNumber
}

var (
	errOneAtATime = errors.New("another number is being checked just now: wait for its outcome")
	errNoWay      = errors.New("the server takes no number from this computer without its push channel: start a new sign-in where WebSockets get through")
	// errNumbersDiffer ends a login whose last number was wrong.
	errNumbersDiffer = fmt.Errorf("%w (%w)", ErrDenied, ErrWrongNumber)
)

// typed is a number on its way to the login's owner, who always sends an outcome.
type typed struct {
	number  string
	outcome chan error // a slot of one
}

// confirmation is what the endpoint for numbers said: nothing but an error that is
// nil is a yes.
type confirmation struct {
	err       error
	triesLeft int  // beside ErrWrongNumber; zero: not told
	unsure    bool // the number may have been counted all the same
}

// confirm sends a number. One that surely did not get out is sent again for a while,
// and no other: the server counts each.
func (c *Client) confirm(ctx context.Context, endpoint, deviceCode, number string) confirmation {
	form := url.Values{
		wire.ParamClientID:   {c.clientID},
		wire.ParamDeviceCode: {deviceCode},
		wire.ParamNumber:     {number},
	}
	ctx, stop := context.WithTimeout(ctx, sendTime+requestTimeout)
	defer stop()
	began := time.Now()
	for pause := repeatFirst; ; pause *= 2 {
		res, err := c.post(ctx, endpoint, form)
		if err == nil {
			return readConfirmation(res)
		}
		late := time.Since(began)+pause > sendTime
		if !neverSent(err) || late || !wait(ctx, between(pause/2, pause, c.chance)) {
			return confirmation{err: err, unsure: !neverSent(err)}
		}
	}
}

// readConfirmation reads an answer. Whatever is no clear word on the number leaves it
// open whether it was counted, but for a 429: that one was not looked at.
func readConfirmation(r reply) confirmation {
	var said wire.DeviceConfirmation
	e, _ := r.oauthError()
	switch e.Code {
	case wire.CodeIncorrectNumber:
		return confirmation{err: ErrWrongNumber, triesLeft: e.TriesLeft}
	case wire.CodeAccessDenied:
		return confirmation{err: ErrDenied}
	case wire.CodeInvalidRequest:
		return confirmation{err: ErrNoNumber, unsure: true}
	}
	err := r.decode(&said)
	if err == nil && said.State != wire.StateApproved {
		err = fmt.Errorf("%w: the answer is not the server's", ErrOffline)
	}
	return confirmation{err: err, unsure: err != nil && r.status != http.StatusTooManyRequests}
}
