package main

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// asksForTheNumber brings a run to where it does.
func asksForTheNumber(t *testing.T, i *issuer, args ...string) *program {
	t.Helper()
	p := start(t, i, args...)
	p.until("state: pending")
	i.tell(wire.StateVerifying, "WDJB-MJHT")
	p.until("state: verifying")
	p.until("Type the number that your phone shows, and press Enter.")
	return p
}

func TestTheNumberIsTyped(t *testing.T) {
	home(t)
	i := newIssuer(t)
	p := asksForTheNumber(t, i)
	p.types("70")
	p.until("That's not the number. 2 tries left.")
	p.types("seven") // no try
	p.types("17")
	p.until("That's not the number. 1 try left.")
	p.types("07")
	p.until("state: redeemed")
	p.until("signed in as Ada")
	p.exits(exitOK, "Type the number again (the number has two digits).")
}

func TestThreeWrongNumbers(t *testing.T) {
	home(t)
	i := newIssuer(t)
	p := asksForTheNumber(t, i)
	for _, left := range []string{"2 tries", "1 try"} {
		p.types("70")
		p.until("That's not the number. " + left + " left.")
	}
	p.types("70")
	p.until("state: denied")
	p.exits(exitDenied, "Denied: the numbers didn't match.")
}

func TestNobodyIsThereToTypeTheNumber(t *testing.T) {
	home(t)
	i := newIssuer(t)
	ctx, stop := context.WithCancel(t.Context())
	r, stderr := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"--issuer", i.URL, "--store", "file"}, streams{strings.NewReader(""), io.Discard, stderr})
		stderr.Close()
	}()
	i.tell(wire.StateVerifying, "WDJB-MJHT")
	said := bufio.NewScanner(r)
	if said.Scan(); !strings.Contains(said.Text(), "standard input has ended") {
		t.Errorf("got %q", said.Text())
	}
	stop() // the login went on
	if said.Scan(); !strings.HasPrefix(said.Text(), "Cancelled.") {
		t.Errorf("got %q", said.Text())
	}
	if said.Scan() {
		t.Errorf("got %q too", said.Text())
	}
	if got := <-code; got != exitCancelled {
		t.Errorf("got exit code %d, want %d", got, exitCancelled)
	}
}

func TestWatchSaysWhenTheComputerIsSignedOut(t *testing.T) {
	home(t)
	i := newIssuer(t)
	p := start(t, i, "--watch")
	p.until("state: pending")
	i.tell(wire.StateApproved, "WDJB-MJHT")
	p.until("signed in as Ada")
	<-i.watched
	close(i.over)
	p.until("signed out")
	p.exits(exitSignedOut, "Signed out.")

	p = start(t, i, "--sign-out")
	p.until("nobody was signed in") // it is forgotten
	p.exits(exitOK, "")
}

func TestWatchIsStopped(t *testing.T) {
	home(t)
	i := newIssuer(t)
	p := start(t, i, "--watch")
	p.until("state: pending")
	i.tell(wire.StateApproved, "WDJB-MJHT")
	p.until("signed in as Ada")
	<-i.watched
	p.stop()
	p.exits(exitCancelled, "You are still signed in.")
	p = start(t, i)
	p.until("signed in as Ada")
	p.exits(exitOK, "")
}
