package desktop

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

const (
	vigilPeriod = 10 * time.Second // how often a vigil looks at the clock on the wall
	checkPause  = time.Minute      // at least, from one look after the tokens to the next
	checkCap    = 5 * time.Minute  // at most, while looking after them goes wrong
	// earlyBy is by how much the server's clock may end a session before ours does.
	earlyBy = 10 * time.Second
)

// Watch waits for news of a sign-out. It returns ErrSignedOut when the session was
// ended: on the phone, at the server, or in this app by [Session.SignOut]. Then the
// store has forgotten it, and Token says the same without asking. It returns
// ErrNoSession when the session's time is over and nothing renews it, and ctx's error
// when ctx ends. Nothing else ends it: it goes on through a lost network, a server that
// restarts and a computer that sleeps.
//
// Where the push channel can be had, news comes at once. Elsewhere it comes with the
// next renewal of the tokens, which Watch sees to when they are due, and no more often
// than once a minute. A session that is watched is in use, and does not end because
// it is idle.
//
// Watch works on the caller's goroutine, and the one that reads the channel ends before
// it returns. It may be called again, and more than once at a time.
func (s *Session) Watch(ctx context.Context) error {
	if err := s.standing(); err != nil {
		return err
	}
	life, stop := context.WithCancel(ctx)
	v := newVigil(s)
	err := v.keep(life)
	v.line.hangUp()
	stop()
	v.work.Wait()
	return err
}

// vigil watches over one session. One goroutine owns it; the push channel and the
// looking after the tokens run in goroutines of their own and report to it.
type vigil struct {
	session *Session
	line    line
	pulse   pulse
	work    sync.WaitGroup

	push  *url.URL // nil: none is known
	said  *tokens  // that the channel was opened with
	doubt *tokens  // that the server may not know anymore; nil: none

	checks   chan check
	checking bool
	known    bool      // a check has gone well
	failures int       // of checks and of hellos, since something went well
	checkAt  time.Time // no check before
}

// check is what came of looking after the tokens.
type check struct {
	meta wire.Metadata
	err  error
}

func newVigil(s *Session) *vigil {
	c := s.client
	return &vigil{
		session: s,
		line:    line{dialer: c.dialer(), chance: c.chance},
		pulse:   pulse{last: c.wall(), period: vigilPeriod},
		checks:  make(chan check, 1),
	}
}

// keep handles one event after the other until the session or ctx ends.
func (v *vigil) keep(ctx context.Context) error {
	ticker := time.NewTicker(vigilPeriod)
	defer ticker.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		v.startDue(ctx)
		timer.Reset(time.Until(v.nextDue()))
		var err error
		select {
		case <-ctx.Done():
			err = fmt.Errorf("watch the session: %w", ctx.Err())
		case <-v.session.gone:
			err = v.session.ended() // whoever noticed may not have forgotten it yet
		case c := <-v.checks:
			err = v.checked(c)
		case e := <-v.line.events():
			err = v.heard(e)
		case <-ticker.C:
			err = v.ticked()
		case <-timer.C:
		}
		if err != nil {
			return err
		}
	}
}

// startDue starts the check and the dial whose time has come.
func (v *vigil) startDue(ctx context.Context) {
	now := time.Now()
	if v.wantsCheck() && !now.Before(v.checkAt) {
		doubt := v.doubt
		v.checking = true
		v.work.Go(func() { v.checks <- v.session.check(ctx, doubt) })
	}
	if v.ready() && v.line.due(now) {
		v.said = v.session.current()
		v.work.Add(1)
		v.line.dial(ctx, helloOf(v.push, v.said.access), v.work.Done)
	}
}

// nextDue is when startDue has work again, for what the ticks are too slow for.
func (v *vigil) nextDue() time.Time {
	due := time.Now().Add(time.Hour)
	if v.wantsCheck() && v.checkAt.Before(due) {
		due = v.checkAt
	}
	if v.ready() && v.line.mayDial() && v.line.dialAt.Before(due) {
		due = v.line.dialAt
	}
	return due
}

// wantsCheck reports whether there is something to find out: where the push channel
// is, what a token is worth that the server did not know, or what replaces one that is
// due.
func (v *vigil) wantsCheck() bool {
	return !v.checking && (!v.known || v.doubt != nil || v.session.client.due(v.session.current()))
}

// ready reports whether there is a token to say hello with. One that is being replaced
// may be good for nothing in a moment.
func (v *vigil) ready() bool {
	return v.push != nil && v.doubt == nil && !v.checking && !v.session.client.past(v.session.current().expiry)
}

// check looks after the tokens: it renews those that are due, and finds out whether
// doubted ones were the session's end. Without an error the session lives.
func (s *Session) check(ctx context.Context, doubt *tokens) check {
	meta, err := s.client.metadata(ctx)
	switch {
	case err != nil:
	case doubt == nil:
		_, err = s.fresh(ctx)
	case doubt.refresh != "":
		_, err = s.renewed(ctx, doubt)
	default:
		_, err = s.UserInfo(ctx)
	}
	if errors.Is(err, errNoUserInfo) {
		err = nil
	}
	return check{meta, err}
}

// checked handles what came of a check. Only the end of the session is an error.
func (v *vigil) checked(c check) error {
	v.checking = false
	switch {
	case c.err != nil:
		v.failures++
	case v.doubt == nil:
		v.failures = 0
	}
	v.checkAt = time.Now().Add(v.pause())
	switch {
	case errors.Is(c.err, ErrSignedOut), errors.Is(c.err, ErrNoSession):
		return c.err
	case c.err != nil:
		v.session.client.log.Debug("the session could not be checked", "error", c.err)
		return nil
	}
	v.known, v.doubt = true, nil
	if v.line.dialer != nil {
		v.push = pushURL(c.meta, "")
	}
	if v.line.dialAt.IsZero() {
		v.line.dialAt = time.Now() // for the first time, or again: the server may know more than it did
	}
	return nil
}

// atItsEnd reports whether the session's time is over by now, and nothing renews it:
// nobody has signed it out then.
func (s *Session) atItsEnd() bool {
	held := s.current()
	return held.refresh == "" && !held.expiry.IsZero() && s.client.past(held.expiry.Add(-earlyBy))
}

// pause is the time to the next check, the longer the more went wrong.
func (v *vigil) pause() time.Duration {
	longest := min(checkCap, doubled(checkPause, v.failures))
	return between(max(checkPause, longest/2), longest, v.line.chance)
}

// heard handles an event of the push channel.
func (v *vigil) heard(e socketEvent) error {
	if e.drop != nil {
		v.dropped(*e.drop)
		return nil
	}
	v.line.heard(e)
	v.failures = 0
	if e.snapshot.State != wire.StateSignedOut {
		return nil
	}
	if v.session.atItsEnd() {
		return errors.Join(errRanOut, v.session.forget())
	}
	return v.session.ended()
}

// dropped decides what follows the end of a channel. A server that does not know the
// token, and one that hangs up without a last word, leave it to a check; so does, until
// the tokens are renewed, one that does not speak of sessions.
func (v *vigil) dropped(d drop) {
	p := v.line.dropped(d)
	switch {
	case p.ask && v.session.current() != v.said: // replaced meanwhile
		v.line.dialAt = time.Now()
	case p.ask:
		v.doubt = v.said
		if v.failures++; v.failures == 1 { // and not one refusal after the other
			v.checkAt = time.Now()
		}
	}
	v.session.client.log.Debug("the session's push channel ended", "error", d.err, "code", d.code, "status", d.status, "again", !p.never)
}

// ticked looks at the clock on the wall: by it tokens run out, and it tells of a
// sleep, after which connections that look alive are not.
func (v *vigil) ticked() error {
	client := v.session.client
	if v.pulse.beat(client.wall()) {
		client.http.CloseIdleConnections()
		v.line.woke()
		v.failures, v.checkAt = 0, time.Time{}
	}
	return v.session.standing()
}
