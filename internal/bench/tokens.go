package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/load"
)

// tokens measures how soon a desktop has its tokens after the approval, through the
// SDK, with crowds of different sizes waiting beside it.
func (b *bench) tokens(ctx context.Context) error {
	if err := b.rawPushes(ctx, b.Crowds[len(b.Crowds)-1]); err != nil {
		return fmt.Errorf("a raw push: %w", err)
	}
	for _, n := range b.Crowds {
		if err := b.tokensBeside(ctx, n); err != nil {
			return fmt.Errorf("beside %d: %w", n, err)
		}
	}
	return nil
}

// goalCrowd is the crowd beside which the latencies have goals.
const goalCrowd = 10_000

func (b *bench) tokensBeside(ctx context.Context, n int) (err error) {
	s, err := b.open(ctx, fmt.Sprintf("tokens-%d", n), b.People)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	c, err := b.crowded(ctx, s.server, n)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	sent, told, err := b.signIns(ctx, s)
	if err != nil {
		return err
	}
	if _, err := c.frames(); err != nil {
		return err
	}
	var median, p99 float64
	if n == goalCrowd {
		median, p99 = 1, 5
	}
	beside := fmt.Sprintf(", %d waiting", n)
	b.latency("tokens after the phone was told \"approved\""+beside, told, median, p99)
	b.latency("tokens after the phone sent the approval"+beside, sent, 0, 0) // the phone's part is in it
	return nil
}

// crowded has so many desktops wait at a server, in a process of their own.
func (b *bench) crowded(ctx context.Context, at *load.Server, n int) (crowd, error) {
	c, err := startCrowd(ctx, at.Issuer)
	if err != nil {
		return c, err
	}
	if n > 0 {
		b.say("gathering %d desktops", n)
	}
	if err := c.gather(n); err != nil {
		return c, errors.Join(err, c.stop())
	}
	return c, nil
}

// latency reports times that were measured one by one.
func (b *bench) latency(name string, times []time.Duration, goalMedian, goalP99 float64) {
	r := load.ResultOf(times)
	l := Latency{
		Name: name, Count: r.Count(), GoalMedian: goalMedian, GoalP99: goalP99,
		Median: millis(r.Quantile(0.5)), P99: millis(r.Quantile(0.99)), Slowest: millis(r.Quantile(1)),
	}
	b.report.Latencies = append(b.report.Latencies, l)
	b.say("%s: median %.2f ms, 99th %.2f ms, slowest %.2f ms", l.Name, l.Median, l.P99, l.Slowest)
}

// unmeasured is how many sign-ins come before those that count.
const unmeasured = 20

// signIns has desktops sign in, one of each person in turn: one person alone would come
// to hundreds of known computers, as nobody has them. It returns how soon after the phone
// sent its approval, and after it was told that it stands, the tokens were there.
func (b *bench) signIns(ctx context.Context, s *site) (sent, told []time.Duration, err error) {
	app, err := desktop.New(desktop.Config{Issuer: s.server.Issuer, ClientID: load.App})
	if err != nil {
		return nil, nil, err
	}
	for i := range unmeasured + b.SignIns {
		t, err := signIn(ctx, app, s.phones[i%len(s.phones)])
		if err != nil {
			return nil, nil, err
		}
		if i >= unmeasured {
			sent, told = append(sent, t.arrived.Sub(t.sent)), append(told, t.arrived.Sub(t.told))
		}
	}
	return sent, told, nil
}

// moments are those of one sign-in.
type moments struct{ sent, told, arrived time.Time }

// signInLimit bounds one sign-in.
const signInLimit = 20 * time.Second

// signIn is one, of a desktop that waits on its push channel.
func signIn(ctx context.Context, app *desktop.Client, phone *load.Phone) (m moments, err error) {
	ctx, cancel := context.WithTimeout(ctx, signInLimit)
	defer cancel()
	login, err := app.Start(ctx)
	if err != nil {
		return m, err
	}
	link, err := pushed(ctx, login)
	if err != nil {
		return m, err
	}
	o, err := phone.Scan(link)
	if err != nil {
		return m, err
	}
	assertion, err := phone.Touch(o)
	if err != nil {
		return m, err
	}
	waited := make(chan error, 1)
	go func() {
		_, err := login.Wait(ctx)
		m.arrived = time.Now()
		waited <- err
	}()
	m.sent = time.Now()
	err = phone.Finish(o, assertion)
	m.told = time.Now()
	if err != nil {
		cancel()
	}
	return m, errors.Join(err, <-waited)
}

var errNoPush = errors.New("the sign-in ended before its push channel was up")

// pushed waits until the push channel is up, and returns the link of the code.
func pushed(ctx context.Context, l *desktop.Login) (link string, err error) {
	for {
		select {
		case u, open := <-l.Updates():
			switch {
			case !open:
				return "", errNoPush
			case u.Pushed:
				return u.VerificationURIComplete, nil
			}
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}
