package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/qrauthd/qrauthd/internal/load"
)

// round is what a duty came to in one round.
type round struct {
	tally
	yard  tally
	ratio float64
}

// contest is the rounds of all duties, beside the yardstick.
type contest struct {
	*bench
	site   *site
	yard   rule
	duties []duty
	rounds map[string][]round
}

// rates has the yardstick and the duties alternate, on one server.
func (b *bench) rates(ctx context.Context) (err error) {
	c := contest{bench: b, rounds: map[string][]round{}}
	for _, d := range duties() {
		if b.only.MatchString(d.name) {
			c.duties = append(c.duties, d)
		}
	}
	if len(c.duties) == 0 {
		return nil
	}
	if c.yard, err = startYardstick(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.yard.stop()) }()
	if c.site, err = b.open(ctx, "rates", b.Clients); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.site.close()) }()
	defer c.conclude() // also what came before a failure
	if err := c.warm(ctx); err != nil {
		return err
	}
	for n := range b.Rounds {
		for _, d := range c.duties {
			if err := c.play(ctx, n, d); err != nil {
				return fmt.Errorf("%s: %w", d.name, err)
			}
		}
	}
	return nil
}

// warm has the yardstick and the server run for a while, which counts for nothing.
func (c *contest) warm(ctx context.Context) error {
	c.say("warming up")
	for range 2 {
		if _, err := c.plain(c.yard).done(ctx, c.yard.pid()); err != nil {
			return err
		}
	}
	w, err := c.starts(ctx, c.site)
	if err != nil {
		return err
	}
	_, err = w.done(ctx, c.site.server.PID())
	return err
}

// play measures a duty between two runs of the yardstick.
func (c *contest) play(ctx context.Context, n int, d duty) error {
	w, err := d.prepare(c.bench, ctx, c.site)
	if err != nil {
		return err
	}
	before, err := c.plain(c.yard).done(ctx, c.yard.pid())
	if err != nil {
		return err
	}
	t, err := w.done(ctx, c.site.server.PID())
	if err != nil {
		return err
	}
	after, err := c.plain(c.yard).done(ctx, c.yard.pid())
	if err != nil {
		return err
	}
	yard := tally{load.Join(before.result, after.result), (before.cpu + after.cpu) / 2, (before.own + after.own) / 2}
	r := round{t, yard, t.result.Rate() / yard.result.Rate()}
	c.rounds[d.name] = append(c.rounds[d.name], r)
	c.say("round %d of %d: %s %.3f of the yardstick (%.0f/s of %.0f/s)", n+1, c.Rounds, d.name, r.ratio, t.result.Rate(), yard.result.Rate())
	return context.Cause(ctx)
}

// conclude reports the medians.
func (c *contest) conclude() {
	var yards []round
	for _, d := range c.duties {
		for _, r := range c.rounds[d.name] {
			yards = append(yards, round{r.yard, r.yard, 1})
		}
	}
	if len(yards) == 0 {
		return
	}
	c.report.Rates = append(c.report.Rates, rateOf(duty{name: "yardstick"}, yards))
	for _, d := range c.duties {
		if rounds := c.rounds[d.name]; len(rounds) > 0 {
			c.report.Rates = append(c.report.Rates, rateOf(d, rounds))
		}
	}
}

func rateOf(d duty, rounds []round) Rate {
	of := func(value func(round) float64) Spread {
		var values []float64
		for _, r := range rounds {
			values = append(values, value(r))
		}
		return over(values)
	}
	return Rate{
		Name: d.name, Goal: d.goal,
		Ratio:     of(func(r round) float64 { return r.ratio }),
		PerSecond: of(func(r round) float64 { return r.result.Rate() }),
		Median:    of(func(r round) float64 { return millis(r.result.Quantile(0.5)) }),
		P99:       of(func(r round) float64 { return millis(r.result.Quantile(0.99)) }),
		Slowest:   of(func(r round) float64 { return millis(r.result.Quantile(1)) }),
		CPU:       of(func(r round) float64 { return micros(r.cpu) }),
		Cost:      of(func(r round) float64 { return float64(r.yard.cpu) / float64(max(r.cpu, 1)) }),
		Generator: of(func(r round) float64 { return micros(r.own) }),
	}
}
