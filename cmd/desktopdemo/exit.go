package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/qrauthd/qrauthd/desktop"
)

// Exit codes. exitHelp tells them to people.
const (
	exitOK          = 0
	exitFailed      = 1
	exitDenied      = 2
	exitExpired     = 3
	exitUnreachable = 4
	exitSignedOut   = 5
	exitCancelled   = 130 // as a shell has it for Ctrl-C
)

const exitHelp = `
Exit codes:
    0    signed in, or signed out, or the window was closed
    1    something else went wrong
    2    denied
    3    the time for it ran out
    4    the server can't be reached
    5    signed out elsewhere, or the session's time was over (with --watch)
  130    cancelled with Ctrl-C
`

// errStopped: the person ended the watching, and not the session.
var errStopped = errors.New("stopped")

// exit turns a cause into an exit code and a sentence that says what to do next.
func exit(err error, issuer string) (code int, sentence string) {
	switch {
	case errors.Is(err, desktop.ErrDenied) && errors.Is(err, desktop.ErrWrongNumber):
		return exitDenied, "Denied: the numbers didn't match. Nobody was signed in. Start desktopdemo again to try once more."
	case errors.Is(err, desktop.ErrDenied):
		return exitDenied, "Denied. Nobody was signed in. Start desktopdemo again to try once more."
	case errors.Is(err, desktop.ErrExpired):
		return exitExpired, "The time for it has run out. Start desktopdemo again to try once more."
	case errors.As(err, new(*desktop.BusyError)):
		return exitUnreachable, fmt.Sprintf("Very many people are signing in at %s at the moment. Wait a few seconds, then start again.", issuer)
	case errors.Is(err, desktop.ErrOffline):
		return exitUnreachable, fmt.Sprintf("Can't reach %s. Check that the server runs and that --issuer is right, then start again.\n(%v)", issuer, err)
	case errors.Is(err, desktop.ErrSignedOut), errors.Is(err, desktop.ErrNoSession):
		return exitSignedOut, "Signed out. Start desktopdemo again to sign in."
	case errors.Is(err, errStopped):
		return exitCancelled, "Stopped. You are still signed in."
	case errors.Is(err, desktop.ErrCancelled), errors.Is(err, context.Canceled):
		return exitCancelled, "Cancelled. Nobody was signed in. Start desktopdemo again when you are ready."
	}
	return exitFailed, fmt.Sprintf("desktopdemo: %v", err)
}
