package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/qrauthd/qrauthd/desktop"
)

// follow prints how a login goes to its end. When a number is awaited, each line of
// standard input is one.
func (a app) follow(ctx context.Context, login *desktop.Login, p *printer) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var typed <-chan string // nil: none is awaited, or there is nobody to type any
	asked := false
	for {
		select {
		case update, ok := <-login.Updates():
			if !ok {
				return
			}
			p.print(update)
			if update.State == desktop.StateVerifying && !asked {
				typed, asked = lines(ctx, a.stdin), true
			}
		case number, ok := <-typed:
			if !ok {
				fmt.Fprintln(a.stderr, "The number can't be typed: standard input has ended.")
				typed = nil
				continue
			}
			a.confirm(ctx, login, number)
		}
	}
}

// confirm brings a number to the server, and says what came of one that did not sign
// in. The updates tell of the end of the login.
func (a app) confirm(ctx context.Context, login *desktop.Login, number string) {
	err := login.ConfirmNumber(ctx, number)
	now := login.Current()
	switch {
	case err == nil, now.State.Terminal():
	case !errors.Is(err, desktop.ErrWrongNumber):
		fmt.Fprintf(a.stderr, "Type the number again (%v).\n", err)
	case now.TriesLeft == 1:
		fmt.Fprintln(a.stdout, "That's not the number. 1 try left.")
	default:
		fmt.Fprintf(a.stdout, "That's not the number. %d tries left.\n", now.TriesLeft)
	}
}

// lines reads until ctx or the input ends. A read that waits can't be called off: its
// goroutine stays until there is a line, or the program is over.
func lines(ctx context.Context, in io.Reader) <-chan string {
	read := make(chan string)
	go func() {
		defer close(read)
		for scanner := bufio.NewScanner(in); scanner.Scan(); {
			select {
			case read <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return read
}
