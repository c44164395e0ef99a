package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/qrauthd/qrauthd/internal/load"
)

const (
	kibibyte = 1 << 10
	mebibyte = 1 << 20
	// goalWaiting is the most that a waiting desktop should take, in KiB.
	goalWaiting = 12
)

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// waiting measures what desktops take that wait, and what it costs to rotate their codes.
func (b *bench) waiting(ctx context.Context) (err error) {
	s, err := b.open(ctx, "waiting", starters)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := b.lived(ctx, s); err != nil {
		return err
	}
	idle, err := b.idle(ctx, s.server)
	if err != nil {
		return err
	}
	c, err := b.crowded(ctx, s.server, b.Waiting)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	pause(ctx, b.Settle)
	if err := b.memoryEach(s.server, "a waiting desktop", idle.usage, b.Waiting); err != nil {
		return err
	}
	if err := b.rotation(ctx, s.server, c, idle); err != nil {
		return err
	}
	if err := b.memoryEach(s.server, fmt.Sprintf("a waiting desktop, after %s", b.Rest), idle.usage, b.Waiting); err != nil {
		return err
	}
	return b.memoryWhole(s.server)
}

// livedCount is how many starts, and as many polls, a server has seen that has lived.
const livedCount = 4000

// lived has the server do all that it does, as one that was not started just now.
func (b *bench) lived(ctx context.Context, s *site) error {
	b.say("warming up")
	if _, err := s.signedIn(ctx, b.Redeems/4); err != nil {
		return err
	}
	for _, prepare := range []func(*bench, context.Context, *site) (work, error){(*bench).starts, (*bench).polls} {
		w, err := prepare(b, ctx, s)
		if err == nil {
			w.plan.Count = livedCount
			_, err = w.done(ctx, s.server.PID())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// calm is a server at which nothing happens.
type calm struct {
	usage load.Usage
	cpu   float64 // share of a processor that it takes all the same
}

// idle leaves the server alone, and sees what it takes.
func (b *bench) idle(ctx context.Context, s *load.Server) (c calm, err error) {
	pause(ctx, b.Settle)
	before, err := s.Usage()
	if err != nil {
		return c, err
	}
	began := time.Now()
	pause(ctx, b.Settle)
	if c.usage, err = s.Usage(); err != nil {
		return c, err
	}
	c.cpu = float64(c.usage.CPU-before.CPU) / float64(time.Since(began))
	b.say("the server at rest has %.1f MiB", float64(c.usage.Resident)/mebibyte)
	return c, nil
}

// memoryEach reports by how much the server has grown, for each of n.
func (b *bench) memoryEach(s *load.Server, name string, before load.Usage, n int) error {
	now, err := s.Usage()
	if err != nil {
		return err
	}
	each := float64(now.Resident-before.Resident) / float64(n) / kibibyte
	b.say("%s: %.2f KiB of %d", name, each, n)
	b.report.add(sectionMemory, Figure{
		Name: name, Unit: "KiB", Spread: only(each), Better: lower, Goal: goalWaiting,
		Note: fmt.Sprintf("of %d: %.1f MiB, from %.1f MiB", n, float64(now.Resident)/mebibyte, float64(before.Resident)/mebibyte),
	})
	return nil
}

// memoryWhole reports the same of the whole server, as if it had nothing else to hold.
func (b *bench) memoryWhole(s *load.Server) error {
	now, err := s.Usage()
	if err != nil {
		return err
	}
	b.report.add(sectionMemory, Figure{
		Name: "the whole server, for each waiting desktop", Unit: "KiB", Better: lower,
		Spread: only(float64(now.Resident) / float64(b.Waiting) / kibibyte), Note: fmt.Sprintf("of %d", b.Waiting),
	})
	return nil
}

// rotation has the crowd wait, and reports what a rotated code costs, its frame and the
// pings of the time included.
func (b *bench) rotation(ctx context.Context, s *load.Server, c crowd, rest calm) error {
	b.say("waiting for %s", b.Rest)
	before, err := s.Usage()
	if err != nil {
		return err
	}
	first, err := c.frames()
	if err != nil {
		return err
	}
	began := time.Now()
	pause(ctx, b.Rest)
	after, err := s.Usage()
	if err != nil {
		return err
	}
	last, err := c.frames()
	if err != nil {
		return err
	}
	took := time.Since(began)
	frames := last - first
	if frames == 0 {
		return fmt.Errorf("no code was rotated in %s", took)
	}
	spent := after.CPU - before.CPU - time.Duration(rest.cpu*float64(took))
	b.report.add(sectionMemory,
		Figure{
			Name: "a rotated code", Unit: "µs of CPU", Spread: only(micros(spent) / float64(frames)), Better: lower,
			Note: fmt.Sprintf("%d codes in %.0f s, pings included", frames, took.Seconds()),
		},
		Figure{
			Name: "waiting desktops with rotation", Unit: "% of a processor", Better: lower,
			Spread: only(100 * float64(after.CPU-before.CPU) / float64(took)), Note: fmt.Sprintf("of %d", b.Waiting),
		},
	)
	return nil
}
