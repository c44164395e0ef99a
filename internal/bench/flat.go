package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/qrauthd/qrauthd/internal/load"
)

// flat measures whether the server's memory grows under a load that goes on: starts,
// polls, refreshes and whole sign-ins at the same time.
func (b *bench) flat(ctx context.Context) (err error) {
	const phones = 4
	s, err := b.open(ctx, "flat", phones)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := b.lived(ctx, s); err != nil {
		return err
	}
	w, err := b.mixed(ctx, s)
	if err != nil {
		return err
	}
	b.say("mixed load for %s", b.Flat)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sampled := make(chan []float64, 1)
	go func() { sampled <- residents(ctx, s.server) }()
	_, err = w.done(ctx, s.server.PID())
	cancel()
	samples := <-sampled
	if err != nil {
		return err
	}
	return b.flatness(samples)
}

// residents reads the server's memory each second until ctx ends, in MiB.
func residents(ctx context.Context, s *load.Server) (samples []float64) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return samples
		case <-tick.C:
		}
		if u, err := s.Usage(); err == nil {
			samples = append(samples, float64(u.Resident)/mebibyte)
		}
	}
}

// goalFlat is the most that the last third may have beside the first one.
const goalFlat = 1.05

func (b *bench) flatness(samples []float64) error {
	samples = samples[min(len(samples), len(samples)/6):] // the first of them are warming up
	third := len(samples) / 3
	if third == 0 {
		return fmt.Errorf("%d samples are too few", len(samples))
	}
	first, last := over(samples[:third]), over(samples[len(samples)-third:])
	b.report.add(sectionMemory,
		Figure{
			Name: "mixed load: the last third beside the first", Unit: "×", Spread: only(last.Median / first.Median), Better: lower, Goal: goalFlat,
			Note: fmt.Sprintf("%.1f MiB and %.1f MiB, over %s", last.Median, first.Median, b.Flat),
		},
		Figure{Name: "mixed load: the most", Unit: "MiB", Spread: only(slices.Max(samples)), Better: lower},
	)
	return nil
}

// mixed is one client in 16 that signs in, one that refreshes, and seven each that start
// and poll.
func (b *bench) mixed(ctx context.Context, s *site) (work, error) {
	kinds := make([]func(int) (load.Client, error), 0, 4)
	for _, prepare := range []func(*bench, context.Context, *site) (work, error){(*bench).starts, (*bench).polls, (*bench).refreshes} {
		w, err := prepare(b, ctx, s)
		if err != nil {
			return work{}, err
		}
		kinds = append(kinds, w.client)
	}
	client := func(i int) (load.Client, error) {
		switch i % 16 {
		case 0:
			conn, err := load.Dial(s.server.Address)
			return &whole{conn, s.server.Host, s.phones[i/16%len(s.phones)]}, err
		case 1:
			return kinds[2](i)
		}
		return kinds[i%2](i)
	}
	return work{load.Plan{Clients: b.Clients, Time: b.Flat}, client}, nil
}

// whole is a client whose every step is a sign-in.
type whole struct {
	*load.Conn
	host  string
	phone *load.Phone
}

// Step implements load.Client.
func (w *whole) Step() error {
	d, err := w.Start(w.host, "BENCH-PC")
	if err != nil {
		return err
	}
	if err := w.phone.Approve(d.VerificationURIComplete); err != nil {
		return err
	}
	_, err = w.Redeem(w.host, d.DeviceCode)
	return err
}
