package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, restore) // a second signal ends the process at once
	args := os.Args[1:]
	if play := roleOf(args); play != nil {
		os.Exit(tell(os.Stderr, play(ctx, args[1:], os.Stdin, os.Stdout)))
	}
	s, err := parse(args, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		os.Exit(exitUsage) // told already
	}
	os.Exit(tell(os.Stderr, s.run(ctx, os.Stdout, os.Stderr)))
}

// tell says what went wrong, and returns the exit code.
func tell(w io.Writer, err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintf(w, "bench: %v\n", err)
	return exitFailed
}

// run measures, or profiles, and prints what came of it.
func (s settings) run(ctx context.Context, out, progress io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, fmt.Errorf("the time of the whole run is over (-timeout %s)", s.timeout))
	defer cancel()
	before, err := s.saved()
	if err != nil {
		return err
	}
	b, err := newBench(ctx, s, progress)
	if err != nil {
		return err
	}
	if s.profile != "" {
		return errors.Join(b.profile(ctx, out), b.close())
	}
	fault := errors.Join(b.measure(ctx), b.close())
	b.report.Partial = fault != nil
	return errors.Join(fault, b.publish(out, before))
}

// publish prints the report, writes it and compares it.
func (b *bench) publish(out io.Writer, before *Report) error {
	faults := []error{b.report.print(out)}
	if b.json != "" {
		faults = append(faults, b.report.save(b.json))
	}
	if before != nil {
		faults = append(faults, compare(out, *before, *b.report))
	}
	if missed := b.report.missed(); b.strict && missed > 0 {
		faults = append(faults, fmt.Errorf("%d goals are missed", missed))
	}
	return errors.Join(faults...)
}
