// Command desktopdemo is a desktop app that signs in by phone: in a window, or in
// a terminal where there is no display.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/qrauthd/qrauthd/cmd/desktopdemo/quiet"
	"github.com/qrauthd/qrauthd/desktop"
)

// appName is what the person signs in to.
const appName = "Desktop Demo"

func main() {
	quiet.End()
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, restore) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// streams are how the program speaks with whoever started it.
type streams struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// run is the whole program but for the process around it. Fyne wants it on the
// main goroutine.
func run(ctx context.Context, args []string, s streams) int {
	o, code, done := parse(args, s.stdout, s.stderr)
	if done {
		return code
	}
	err := o.run(ctx, s)
	if err == nil {
		return exitOK
	}
	code, sentence := exit(err, o.Issuer)
	fmt.Fprintln(s.stderr, sentence)
	return code
}

// options are the command line.
type options struct {
	Issuer     string   `default:"http://localhost:8080" placeholder:"URL" help:"Server to sign in at (${default})."`
	ClientID   string   `name:"client-id" default:"desktop-demo" placeholder:"ID" help:"This app's name at the server (${default})."`
	Terminal   bool     `help:"Sign in in the terminal, as is done anyway where there is no display."`
	Here       bool     `help:"Sign in in this computer's own browser, and in no window of the demo's."`
	NoBrowser  bool     `name:"no-browser" help:"With --here: print the link and open nothing."`
	Store      string   `enum:"keychain,file," default:"" placeholder:"WHERE" help:"Where to keep the session: keychain or file. Without it, the system's keychain where there is one, else a file that only you can read."`
	DeviceName string   `name:"device-name" placeholder:"NAME" help:"What the phone calls this computer (its host name)."`
	Scope      []string `placeholder:"SCOPE" help:"Ask for this scope; may be repeated (all that the app is registered with)."`
	Resource   []string `placeholder:"URI" help:"Ask for tokens for this API; may be repeated (those that the app is registered with)."`
	Call       string   `placeholder:"URL" help:"Then GET this address of an API of the app's, and print what it says. Signs in in the terminal."`
	Watch      bool     `help:"Then stay, and say so when this computer is signed out on the phone. Signs in in the terminal; the window does this anyway."`
	SignOut    bool     `name:"sign-out" help:"End the kept session and forget it, then exit."`
}

const description = "Sign in to a demo app with your phone: scan the QR code, approve, done. " +
	"The session is kept, so the next start signs in by itself."

// parse returns the options, or an exit code when the program is done already.
func parse(args []string, stdout, stderr io.Writer) (o options, code int, done bool) {
	parser, err := kong.New(&o,
		kong.Name("desktopdemo"),
		kong.Description(description),
		kong.Writers(stdout, stderr),
		kong.Exit(func(c int) { code, done = c, true }), // after --help
		kong.Help(help),
		kong.ValueFormatter(func(v *kong.Value) string { return v.Help }),
	)
	if err != nil {
		panic(err) // the grammar is at fault
	}
	if _, err := parser.Parse(args); err != nil && !done {
		fmt.Fprintf(stderr, "desktopdemo: %s\nTry: desktopdemo --help\n", err)
		return o, exitFailed, true
	}
	return o, code, done
}

func help(o kong.HelpOptions, ctx *kong.Context) error {
	o.Compact = true
	if err := kong.DefaultHelpPrinter(o, ctx); err != nil {
		return err
	}
	_, err := fmt.Fprint(ctx.Stdout, exitHelp)
	return err
}

func (o options) run(ctx context.Context, s streams) error {
	client, err := desktop.New(desktop.Config{
		Issuer:    o.Issuer,
		ClientID:  o.ClientID,
		AppName:   appName,
		Scopes:    o.Scope,
		Resources: o.Resource,
		Device:    desktop.Device{Name: o.DeviceName},
		OnNotKept: func(err error) {
			fmt.Fprintf(s.stderr, "You stay signed in, but the next start may ask again (%v).\n", err)
		},
	})
	if err != nil {
		return err
	}
	store, err := openStore(o.Store, s.stderr)
	if err != nil {
		return err
	}
	a := app{streams: s, client: client, store: store, here: o.Here, call: o.Call, stay: o.Watch, open: desktop.OpenBrowser}
	if o.NoBrowser {
		a.open = func(string) error { return nil }
	}
	switch {
	case o.SignOut:
		return a.signOut(ctx)
	case o.Terminal || o.Here || o.Call != "" || o.Watch || !hasDisplay(runtime.GOOS, os.Getenv):
		return a.terminal(ctx)
	default:
		return a.window(ctx)
	}
}

// app is what both faces work with.
type app struct {
	streams
	client *desktop.Client
	store  desktop.Store
	here   bool   // in this computer's browser
	call   string // an API's address; empty: none
	stay   bool   // until the session is ended
	open   func(link string) error
}

// signOut ends the kept session.
func (a app) signOut(ctx context.Context) error {
	session, err := a.client.Restore(ctx, a.store)
	if errors.Is(err, desktop.ErrNoSession) {
		fmt.Fprintln(a.stdout, "nobody was signed in")
		return nil
	}
	if err != nil {
		return err
	}
	if err := session.SignOut(ctx); err != nil {
		return fmt.Errorf("the session is forgotten here, but %w", err)
	}
	fmt.Fprintln(a.stdout, "signed out")
	return nil
}

// hasDisplay reports whether a window can be shown. It is asked before anything
// of Fyne's, which ends the process where there is none.
func hasDisplay(goos string, getenv func(string) string) bool {
	switch goos {
	case "windows", "darwin":
		return true
	}
	return strings.TrimSpace(getenv("DISPLAY")+getenv("WAYLAND_DISPLAY")) != ""
}
