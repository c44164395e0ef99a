package main

import (
	"context"
	"io"
	"log/slog"
)

// newLog makes the log, of which flush writes what is still held back; it is owed
// before the process ends. Events of info and debug may be held back for gatherFor,
// so a process that is killed or crashes may lose those of its last moment; warnings and
// errors go out at once, with all that came before them.
func newLog(w io.Writer, c config) (log *slog.Logger, flush func()) {
	out := &gatherer{to: w}
	flush = func() { _ = out.flush() } // there is nowhere to tell it
	return slog.New(urgent{newHandler(out, c), flush}), flush
}

func newHandler(w io.Writer, c config) slog.Handler {
	o := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.NewJSONHandler(w, o)
	}
	return slog.NewTextHandler(w, o)
}

// urgent holds back nothing from warnings on.
type urgent struct {
	slog.Handler
	flush func()
}

func (u urgent) Handle(ctx context.Context, r slog.Record) error {
	err := u.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		u.flush()
	}
	return err
}

func (u urgent) WithAttrs(attrs []slog.Attr) slog.Handler {
	return urgent{u.Handler.WithAttrs(attrs), u.flush}
}

func (u urgent) WithGroup(name string) slog.Handler {
	return urgent{u.Handler.WithGroup(name), u.flush}
}
