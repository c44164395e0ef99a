package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/desktop"
)

// greetLimit is how long the server may take to tell the name.
const greetLimit = 5 * time.Second

// terminal signs in with nothing but lines of text.
func (a app) terminal(ctx context.Context) error {
	session, err := a.client.Restore(ctx, a.store)
	if err != nil && ctx.Err() != nil {
		return err
	}
	if err != nil && !errors.Is(err, desktop.ErrNoSession) {
		fmt.Fprintf(a.stderr, "The kept session can't be used, so sign in anew (%v).\n", err)
	}
	if err != nil {
		if session, err = a.signIn(ctx); err != nil {
			return err
		}
		if err := session.Save(a.store); err != nil {
			fmt.Fprintf(a.stderr, "You are signed in, but the next start will ask again (%v).\n", err)
		}
	}
	fmt.Fprintf(a.stdout, "signed in as %s\n", nameOf(ctx, session))
	if a.call != "" {
		if err := a.callAPI(ctx, session); err != nil {
			return err
		}
	}
	if a.stay {
		return a.watch(ctx, session)
	}
	return nil
}

// watch stays until the session is ended, or the program.
func (a app) watch(ctx context.Context, session *desktop.Session) error {
	err := session.Watch(ctx)
	switch {
	case errors.Is(err, desktop.ErrSignedOut):
		fmt.Fprintln(a.stdout, "signed out")
	case ctx.Err() != nil:
		return errStopped
	}
	return err
}

// signIn begins a sign-in and prints how it goes.
func (a app) signIn(ctx context.Context) (*desktop.Session, error) {
	begin := a.client.Start
	if a.here {
		begin = a.client.StartHere
	}
	login, err := begin(ctx)
	if err != nil {
		return nil, err
	}
	p := printer{out: a.stdout, err: a.stderr, colours: isTerminal(a.stdout)}
	if a.here {
		p.print(login.Current()) // the link, before what opens it has something to say
		a.openBrowser(login.Current().Link())
	}
	a.follow(ctx, login, &p)
	session, err := login.Wait(context.WithoutCancel(ctx))
	<-login.Done() // a cancelled one has told the server now
	return session, err
}

// openBrowser is no more than a help: the link is printed.
func (a app) openBrowser(link string) {
	if err := a.open(link); err != nil {
		fmt.Fprintf(a.stderr, "Open the link in a browser on this computer (%v).\n", err)
	}
}

// nameOf is what to call the person.
func nameOf(ctx context.Context, session *desktop.Session) string {
	ctx, stop := context.WithTimeout(ctx, greetLimit)
	defer stop()
	info, err := session.UserInfo(ctx)
	if err != nil {
		return "somebody whose name the server does not tell just now"
	}
	return cmp.Or(info.Name, info.Subject)
}

// printer writes what changes: the code when there is a new one, the state, and
// whether the server is out of reach. Scripts read the lines "link:", "code:" and
// "state:".
type printer struct {
	out, err io.Writer
	colours  bool // the output is a terminal

	last desktop.Update
}

func (p *printer) print(u desktop.Update) {
	switch {
	case u.State.Terminal():
	case u.Here && u.Link() != p.last.Link():
		fmt.Fprintf(p.out, "Continue in your browser, and approve there with your passkey.\nlink: %s\n", u.Link())
	case u.UserCode != p.last.UserCode:
		p.printCode(u)
	}
	if u.State != p.last.State {
		fmt.Fprintf(p.out, "state: %s\n", u.State)
	}
	if u.State == desktop.StateVerifying && p.last.State != u.State {
		fmt.Fprintln(p.out, "Type the number that your phone shows, and press Enter.")
	}
	switch {
	case u.Err != nil:
	case u.Offline && !p.last.Offline:
		fmt.Fprintln(p.err, "Reconnecting, still checking.")
	case !u.Offline && p.last.Offline:
		fmt.Fprintln(p.err, "Connected again.")
	}
	p.last = u
}

func (p *printer) printCode(u desktop.Update) {
	if code, err := u.QR(); err == nil { // else the link is too long for one, and there is the text
		fmt.Fprintf(p.out, "\n%s\n", p.framed(code.Terminal()))
	}
	fmt.Fprintf(p.out, "%s\n", wayIn(u.VerificationURI))
	fmt.Fprintf(p.out, "link: %s\ncode: %s\n", u.Link(), u.UserCode)
}

// wayIn says how to get from the screen to the page.
func wayIn(address string) string {
	if u, err := url.Parse(address); err == nil && u.Hostname() == "localhost" {
		return "Open the link in a browser on this machine, where it plays the phone: no phone can reach localhost."
	}
	return fmt.Sprintf("Scan with your phone's camera, or open %s and enter the code.", address)
}

// framed sets white on black in a terminal, whose own colours may be the other
// way round: the blocks are the light modules.
func (p *printer) framed(code string) string {
	if !p.colours {
		return code
	}
	var b strings.Builder
	for line := range strings.Lines(code) {
		b.WriteString("\x1b[97;40m" + strings.TrimSuffix(line, "\n") + "\x1b[0m\n")
	}
	return b.String()
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
