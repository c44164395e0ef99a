package desktop

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// watch follows one grant to its end. One goroutine owns it; polls and the push
// channel run in goroutines of their own and report to it.
type watch struct {
	client *Client
	login  *Login
	meta   wire.Metadata
	grant  wire.DeviceAuthorization
	key    dpop.Key // that the tokens are to be bound to; zero: bearer tokens
	push   *url.URL // nil: poll only

	view    Update
	session *Session

	deadline time.Time // view.Expires by the clock that can't be set
	ranOut   time.Time // when the code was found to have run out; zero before
	unheard  bool      // the login ended without the last poll's answer

	pace     pace
	answers  chan answer
	polling  bool
	lastPoll time.Time // the start of the newest poll
	pollAt   time.Time
	retryAt  time.Time // the server asked not to be asked before
	again    bool      // there is news that the poll under way may have missed
	redeemed bool      // the server gave tokens to somebody: to us, if to anyone

	line line
	seq  int64

	entry   *entry            // the number that is being checked; nil: none is
	numbers chan confirmation // of the endpoint for numbers

	pulse  pulse
	work   sync.WaitGroup
	cancel context.CancelFunc // of the work
}

// newWatch is for a grant that was asked for some time ago. Its lifetime counts
// from then: the server's own count began later, so no code outlives its grant,
// and the last poll still finds the grant alive.
func newWatch(c *Client, l *Login, meta wire.Metadata, grant wire.DeviceAuthorization, key dpop.Key, ago time.Duration) *watch {
	now := time.Now()
	w := &watch{
		client:  c,
		login:   l,
		meta:    meta,
		grant:   grant,
		key:     key,
		pace:    newPace(grant.Interval),
		answers: make(chan answer, 1),
		numbers: make(chan confirmation, 1),
		line:    line{dialer: c.dialer(), chance: c.chance},
		pulse:   pulse{last: c.wall(), period: pulsePeriod},
		view: Update{
			State:                   StatePending,
			UserCode:                grant.UserCode,
			VerificationURI:         grant.VerificationURI,
			VerificationURIComplete: grant.VerificationURIComplete,
		},
	}
	w.pollAt = now.Add(w.pace.interval)
	w.expireIn(seconds(grant.ExpiresIn) - ago)
	w.view.CodeExpires = w.view.Expires
	if w.line.dialer != nil {
		w.push = pushURL(meta, grant.PushURI)
	}
	if w.push != nil {
		w.line.dialAt = now
	}
	return w
}

// run follows the grant until it ends or ctx does, and takes leave.
func (w *watch) run(ctx context.Context) {
	defer close(w.login.done)
	defer w.login.giveUp()
	work, cancel := context.WithCancel(context.WithoutCancel(ctx)) // a poll may outlive ctx: it may bring tokens
	w.cancel = cancel
	w.follow(ctx, work)
	w.login.finish(w.view, w.session)
	w.settleNumber()
	w.log("the sign-in ended", "error", w.view.Err)
	if w.abandoned(ctx) {
		w.takeLeave()
	}
	w.line.hangUp()
	cancel()
	w.work.Wait()
}

// follow handles one event after the other.
func (w *watch) follow(ctx, work context.Context) {
	ticker := time.NewTicker(pulsePeriod)
	defer ticker.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for !w.view.State.Terminal() {
		before := w.view
		select {
		case <-ctx.Done():
			w.end(StateCancelled, ErrCancelled)
		case a := <-w.answers:
			w.answered(a)
		case e := <-w.line.events():
			w.heard(e)
		case t := <-w.login.typed:
			w.typed(work, t)
		case c := <-w.numbers:
			w.confirmed(c)
		case <-ticker.C:
			w.ticked()
		case <-timer.C:
		}
		w.mindExpiry()
		if w.view.State.Terminal() {
			return
		}
		w.mindNumber()
		w.startDue(work)
		timer.Reset(time.Until(w.nextDue()))
		w.publish(before)
		w.settleNumber()
	}
}

// publish tells the app what is new.
func (w *watch) publish(before Update) {
	w.view.Pushed = w.line.up()
	w.view.Offline = w.pace.failures > 0 && !w.view.Pushed
	if !w.view.Pushed {
		w.view.CodeExpires = w.view.Expires // codes rotate only while the channel is up
	}
	if w.view != before {
		w.log("the sign-in went on")
		w.login.publish(w.view)
	}
}

// startDue starts the poll and the dial whose time has come.
func (w *watch) startDue(work context.Context) {
	now := time.Now()
	if !w.polling && !now.Before(w.pollAt) {
		w.polling, w.again, w.lastPoll = true, false, now
		w.work.Go(func() {
			w.answers <- w.client.poll(work, w.meta.TokenEndpoint, w.key, w.grant.DeviceCode)
		})
	}
	if w.line.due(now) {
		w.work.Add(1)
		w.seq = 0
		w.line.dial(work, w.client.helloFor(w.push, w.grant.DeviceCode), w.work.Done)
	}
}

// nextDue is when startDue has work again. Far away is as good as never: an
// event comes first.
func (w *watch) nextDue() time.Time {
	due := time.Now().Add(time.Hour)
	if at := w.expiryDue(); !at.IsZero() && at.Before(due) {
		due = at
	}
	if !w.polling && w.pollAt.Before(due) {
		due = w.pollAt
	}
	if w.line.mayDial() && w.line.dialAt.Before(due) {
		due = w.line.dialAt
	}
	return due
}

// end ends the login.
func (w *watch) end(s State, err error) {
	w.turn(s, 0)
	w.view.Err = err
	w.view.Offline = errors.Is(err, ErrOffline)
	w.view.Pushed = false
}

// fail ends the login by an error that is no state of the wire's.
func (w *watch) fail(err error) { w.end(StateFailed, err) }

// ticked looks at the clock on the wall.
func (w *watch) ticked() {
	if w.pulse.beat(w.client.wall()) {
		w.woke()
	}
}

// woke starts afresh after a sleep: connections that look alive are not.
func (w *watch) woke() {
	w.log("the clock jumped")
	w.client.http.CloseIdleConnections()
	w.line.woke()
	w.numberMayBeLost()
	w.retryAt = time.Time{}
	w.again = w.polling
	w.ask(time.Now())
}

// ask moves the next poll forward to a time, not before the server allows.
func (w *watch) ask(at time.Time) {
	if at.Before(w.retryAt) {
		at = w.retryAt
	}
	if at.Before(w.pollAt) {
		w.pollAt = at
	}
}

// soonest is when a poll is not too early: the first one never is.
func (w *watch) soonest() time.Time {
	now := time.Now()
	if at := w.lastPoll.Add(w.pace.interval); !w.lastPoll.IsZero() && at.After(now) {
		return at
	}
	return now
}

// rest plans the next poll after an answer.
func (w *watch) rest() {
	pushed := w.line.up() && w.view.State != StateApproved
	w.pollAt = time.Now().Add(w.pace.wait(pushed, w.client.chance))
	ready := w.view.State == StateApproved && w.retryAt.After(time.Now()) // the pace is for those who wait
	if ready || w.pollAt.Before(w.retryAt) {
		w.pollAt = w.retryAt
	}
}

func (w *watch) log(msg string, args ...any) {
	args = append(args, slog.String("state", string(w.view.State)), slog.Bool("pushed", w.view.Pushed), slog.Bool("offline", w.view.Offline))
	w.client.log.Debug(msg, args...)
}
