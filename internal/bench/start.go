package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/qrauthd/qrauthd/internal/load"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// goalReady is the most that a start should take, in ms.
const goalReady = 100

// ready measures how long a server takes to start on a database that has something in
// it: after a stop in order, and after a kill.
func (b *bench) ready(ctx context.Context) error {
	if err := b.fill(ctx, "ready"); err != nil {
		return err
	}
	for _, before := range []struct {
		how string
		end func(*load.Server) error
	}{
		{"", (*load.Server).Stop},
		{", after a kill", (*load.Server).Kill},
	} {
		if err := b.readyAfter(ctx, before.how, before.end); err != nil {
			return err
		}
	}
	return nil
}

// fill makes a database with as many grants and sessions as is said.
func (b *bench) fill(ctx context.Context, name string) (err error) {
	b.say("making a database with %d grants and %d sessions", b.Grants, b.Sessions)
	s, err := b.open(ctx, name, min(starters, b.Sessions))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if _, err := s.begun(ctx, b.Grants-b.Sessions); err != nil {
		return err
	}
	_, err = s.signedIn(ctx, b.Sessions)
	return err
}

// readyAfter starts the server as often as is said, and ends it so.
func (b *bench) readyAfter(ctx context.Context, how string, end func(*load.Server) error) error {
	var said, answered, cpu []float64
	for range b.Starts {
		s, err := b.start(ctx, end)
		if err != nil {
			return err
		}
		said, answered, cpu = append(said, millis(s.ready)), append(answered, millis(s.first)), append(cpu, millis(s.cpu))
	}
	note := fmt.Sprintf("on %d grants and %d sessions, of %d starts; the highest is the slowest", b.Grants, b.Sessions, b.Starts)
	b.report.add(sectionStart,
		Figure{Name: "ready" + how, Unit: "ms", Spread: over(said), Better: lower, Goal: goalReady, Note: note},
		Figure{Name: "to the first answer" + how, Unit: "ms", Spread: over(answered), Better: lower},
		Figure{Name: "CPU to the first answer" + how, Unit: "ms", Spread: over(cpu), Better: lower},
	)
	return nil
}

// beginning is how long a server took until it said that it is ready, and until it had
// answered, and what that took of the processors.
type beginning struct{ ready, first, cpu time.Duration }

// start is one of them.
func (b *bench) start(ctx context.Context, end func(*load.Server) error) (t beginning, err error) {
	began := time.Now()
	s, err := b.launch("ready").Start(ctx)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, end(s)) }()
	t.ready = time.Since(began)
	conn, err := load.Dial(s.Address)
	if err != nil {
		return t, err
	}
	defer conn.Close()
	answer, err := conn.Do(load.Get(s.Host, wire.PathHealth))
	t.first = time.Since(began)
	if err != nil {
		return t, err
	}
	u, err := s.Usage()
	t.cpu = u.CPU
	return t, errors.Join(err, check(answer, http.StatusOK, nil))
}
