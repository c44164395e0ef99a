package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/load"
)

// bench is one run: the server's binary, a folder for its databases, and what has been
// found out.
type bench struct {
	settings
	folder   string
	commit   string   // that was built, as far as that is known
	files    int      // that a process may have open
	journal  *os.File // of the servers; nil: none
	progress io.Writer
	report   *Report
}

// newBench builds the server, unless it is there. Whoever gets a bench owes a close.
func newBench(ctx context.Context, s settings, progress io.Writer) (_ *bench, err error) {
	b := &bench{settings: s, progress: progress}
	if b.files, err = load.AllowFiles(); err != nil {
		return nil, err
	}
	if b.data != "" {
		if err := os.MkdirAll(b.data, 0o700); err != nil {
			return nil, err
		}
	}
	if b.folder, err = os.MkdirTemp(b.data, "qrauthd-bench-"); err != nil {
		return nil, err
	}
	if err := errors.Join(b.openJournal(), b.build(ctx)); err != nil {
		return nil, errors.Join(err, b.close())
	}
	b.report, err = newReport(time.Now(), b)
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *bench) openJournal() (err error) {
	if b.log == "" {
		return nil
	}
	b.journal, err = os.OpenFile(b.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return err
}

// close removes what the run has made.
func (b *bench) close() error {
	var fault error
	if b.journal != nil {
		fault = b.journal.Close()
	}
	return errors.Join(fault, os.RemoveAll(b.folder))
}

// say tells of progress.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.progress, "%s  "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
}

// experiment is one thing that is found out.
type experiment struct {
	name  string
	limit time.Duration
	run   func(*bench, context.Context) error
}

// experiments are all of them, but for the rates, which alternate.
func experiments() []experiment {
	return []experiment{
		{"size", time.Minute, (*bench).size},
		{"growth", 2 * time.Minute, (*bench).growth},
		{"ready", 3 * time.Minute, (*bench).ready},
		{"tokens", 4 * time.Minute, (*bench).tokens},
		{"waiting", 4 * time.Minute, (*bench).waiting},
		{"many", 5 * time.Minute, (*bench).many},
		{"flat", 3 * time.Minute, (*bench).flat},
	}
}

// ratesLimit bounds a round of them.
const ratesLimit = 2 * time.Minute

// choices are the names of all that -only may choose from.
func choices() (list []string) {
	for _, d := range duties() {
		list = append(list, d.name)
	}
	for _, e := range experiments() {
		list = append(list, e.name)
	}
	return list
}

func names() string { return strings.Join(choices(), ", ") }

// measure finds out what is to be found out. What fails does not keep the rest from
// being measured, unless ctx has ended.
func (b *bench) measure(ctx context.Context) error {
	faults := []error{b.bounded(ctx, experiment{"rates", time.Duration(b.Rounds) * ratesLimit, (*bench).rates})}
	for _, e := range experiments() {
		if b.only.MatchString(e.name) && ctx.Err() == nil {
			faults = append(faults, b.bounded(ctx, e))
		}
	}
	return errors.Join(faults...)
}

func (b *bench) bounded(ctx context.Context, e experiment) error {
	ctx, cancel := context.WithTimeoutCause(ctx, e.limit, fmt.Errorf("it took longer than %s", e.limit))
	defer cancel()
	err := e.run(b, ctx)
	if cause := context.Cause(ctx); cause != nil {
		err = cause // of whatever else went wrong; and what was cut short was not measured
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", e.name, err)
	b.say("failed: %v", err)
	return err
}

// launch is how a server is started, on the folder of that name.
func (b *bench) launch(name string, args ...string) load.Launch {
	l := load.Launch{
		Binary: b.binary, Data: filepath.Join(b.folder, name),
		Args: append([]string{"--limits", "off"}, args...),
	}
	if b.journal != nil {
		l.Log = b.journal
	}
	return l
}
