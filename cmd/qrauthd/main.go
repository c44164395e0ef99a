// Command qrauthd signs people in to desktop apps by a QR code and their phone's
// passkey. It is the server and the operator's tool for it.
//
// Exit codes: 0 when all went well, 1 when something failed, 2 when the command
// line or the configuration is at fault.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/server"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, restore) // a second signal ends the process at once
	a := &app{ctx: ctx, environ: os.Environ(), stdout: os.Stdout, stderr: os.Stderr}
	os.Exit(a.main(os.Args[1:]))
}

// app is what a command runs with.
type app struct {
	ctx            context.Context
	environ        []string
	stdout, stderr io.Writer
	flags          map[string]string // those that are settings, as given on the command line
}

func (a *app) main(args []string) int {
	parser, err := kong.New(new(commands),
		kong.Name("qrauthd"),
		kong.Description(description),
		kong.Writers(a.stdout, a.stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.ValueFormatter(describe),
		kong.Bind(a),
	)
	if err != nil {
		panic(err) // the grammar is at fault
	}
	chosen, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(a.stderr, "qrauthd: %s\nTry: qrauthd%s --help\n", err, command(err))
		return exitUsage
	}
	a.flags = given(chosen)
	return a.report(chosen.Run())
}

// command is the one that a usage error is about, as " client add".
func command(err error) string {
	var usage *kong.ParseError
	if !errors.As(err, &usage) || usage.Context.Selected() == nil {
		return ""
	}
	return " " + usage.Context.Selected().Path()
}

// report says what went wrong and returns the exit code.
func (a *app) report(err error) int {
	var config *server.ConfigError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &config):
		a.complain("the configuration cannot be used:", config.Faults)
		fmt.Fprintln(a.stderr, "Settings are called by their names in the file; qrauthd serve --help tells their flags and variables.")
		return exitUsage
	case errors.Is(err, admin.ErrInvalid):
		a.complain("nothing was changed:", err)
		return exitUsage
	}
	fmt.Fprintf(a.stderr, "qrauthd: %s\n", err)
	return exitFailed
}

// complain prints one line a fault.
func (a *app) complain(headline string, faults error) {
	fmt.Fprintf(a.stderr, "qrauthd: %s\n  %s\n", headline, strings.ReplaceAll(faults.Error(), "\n", "\n  "))
}
