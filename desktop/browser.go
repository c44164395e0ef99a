package desktop

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// ErrNoBrowser: the link has to be opened by hand, on this computer.
var ErrNoBrowser = errors.New("no browser could be opened: open the link in one on this computer")

// openerTime is how long an opener has to fail. One that still runs has become the
// browser.
const openerTime = 2 * time.Second

// OpenBrowser opens a link in the system's browser: the link of a login that
// [Client.StartHere] began. Errors are ErrNoBrowser; the login goes on, so show the
// link then. It takes two seconds at most. The link is an argument of a program, which
// other accounts of this computer may be able to read: show who is signed in, since they
// could bring an answer with an account of their own.
func OpenBrowser(link string) error {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || !secure(u) {
		return fmt.Errorf("%w (want https)", ErrNoBrowser) // and no file, nor a program
	}
	name, args := opener(runtime.GOOS, os.Getenv)
	if name == "" {
		return fmt.Errorf("%w (there is no display)", ErrNoBrowser)
	}
	return launch(exec.Command(name, append(args, u.String())...))
}

// opener is the program that opens links, none where there is no display: what
// would open there is a browser in the terminal.
func opener(goos string, getenv func(string) string) (name string, args []string) {
	switch goos {
	case "windows":
		return "rundll32", []string{"url.dll,FileProtocolHandler"}
	case "darwin":
		return "open", nil
	}
	if getenv("DISPLAY")+getenv("WAYLAND_DISPLAY")+getenv("BROWSER") == "" {
		return "", nil
	}
	return "xdg-open", nil
}

// launch starts the opener, which the goroutine takes leave of.
func launch(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w (%w)", ErrNoBrowser, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	timer := time.NewTimer(openerTime)
	defer timer.Stop()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%w (%w)", ErrNoBrowser, err)
		}
	case <-timer.C:
	}
	return nil
}
