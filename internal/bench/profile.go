package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
)

// profile leaves profiles: of each duty by itself, and of a server at which many wait.
func (b *bench) profile(ctx context.Context, out io.Writer) error {
	for _, d := range duties() {
		if !b.only.MatchString(d.name) {
			continue
		}
		if err := b.profileDuty(ctx, d); err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
	}
	if b.only.MatchString("waiting") {
		if err := b.profileWaiting(ctx); err != nil {
			return fmt.Errorf("waiting: %w", err)
		}
	}
	_, err := fmt.Fprintf(out, howToLook, b.settings.profile)
	return err
}

const howToLook = `The profiles are in %[1]s, a folder for each. To look at one:

    go tool pprof -top %[1]s/polls/cpu.pprof
    go tool pprof -http localhost: %[1]s/starts/cpu.pprof
    go tool pprof -top -sample_index=inuse_space %[1]s/waiting/heap.pprof
    go tool pprof -top %[1]s/waiting/goroutine.pprof
`

// folderOf is where the profiles of that name go.
func (b *bench) folderOf(name string) string { return filepath.Join(b.settings.profile, name) }

// profileDuty prepares the work at one server, and has it done by another that is
// profiled, on the same folder.
func (b *bench) profileDuty(ctx context.Context, d duty) error {
	b.say("profiling %s", d.name)
	s, err := b.open(ctx, d.name, b.Clients)
	if err != nil {
		return err
	}
	w, err := d.prepare(b, ctx, s)
	if err = errors.Join(err, s.close()); err != nil {
		return err
	}
	if err := b.reopen(ctx, s, d.name, "--profile", b.folderOf(d.name)); err != nil {
		return err
	}
	t, err := w.done(ctx, s.server.PID())
	if err == nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		b.say("%s: %.0f/s, %.0f µs of CPU", d.name, t.result.Rate(), micros(t.cpu))
	}
	return errors.Join(err, s.close())
}

// profileWaiting profiles a server at which desktops wait, until their codes have
// rotated.
func (b *bench) profileWaiting(ctx context.Context) error {
	b.say("profiling %d waiting desktops", b.Waiting)
	s, err := b.launch("waiting", "--profile", b.folderOf("waiting")).Start(ctx)
	if err != nil {
		return err
	}
	c, err := b.crowded(ctx, s, b.Waiting)
	if err != nil {
		return errors.Join(err, s.Stop())
	}
	pause(ctx, b.Rest)
	return errors.Join(context.Cause(ctx), s.Stop(), c.stop())
}
