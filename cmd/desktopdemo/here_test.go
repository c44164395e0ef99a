package main

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// link reads on to the line with the link.
func (p *program) link() *url.URL {
	p.t.Helper()
	for p.lines.Scan() {
		p.seen = append(p.seen, p.lines.Text())
		if link, ok := strings.CutPrefix(p.lines.Text(), "link: "); ok {
			u, err := url.Parse(link)
			if err != nil {
				p.t.Fatal(err)
			}
			return u
		}
	}
	p.t.Fatalf("there was no link:\n%s\n%s", strings.Join(p.seen, "\n"), p.stderr.String())
	return nil
}

// comeBack is the browser after the server's page.
func comeBack(t *testing.T, asked *url.URL, answer url.Values) {
	t.Helper()
	q := asked.Query()
	answer.Set(wire.ParamState, q.Get(wire.ParamState))
	res, err := http.Get(q.Get(wire.ParamRedirectURI) + "?" + answer.Encode())
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	http.DefaultClient.CloseIdleConnections()
}

func TestSignInHereInTheTerminal(t *testing.T) {
	home(t)
	i := newIssuer(t)
	p := start(t, i, "--here", "--no-browser")
	asked := p.link()
	if got := asked.Path; got != wire.PathAuthorize {
		t.Errorf("the link leads to %q", got)
	}
	p.until("state: pending")
	comeBack(t, asked, url.Values{wire.ParamCode: {"code"}})
	p.until("signed in as Ada")
	p.exits(exitOK, "")
	if text := strings.Join(p.seen, "\n"); strings.Contains(text, "code: ") || strings.ContainsAny(text, "█▀▄") {
		t.Errorf("there is a code for phones:\n%s", text)
	}
}

func TestDenialHere(t *testing.T) {
	home(t)
	i := newIssuer(t)
	p := start(t, i, "--here", "--no-browser")
	asked := p.link()
	p.until("state: pending")
	comeBack(t, asked, url.Values{wire.ParamError: {wire.CodeAccessDenied}})
	p.until("state: denied")
	p.exits(exitDenied, "Denied")
}

func TestABrowserThatDoesNotOpenIsSaidAndEndsNothing(t *testing.T) {
	home(t)
	t.Setenv("BROWSER", "")
	t.Setenv("PATH", os.DevNull) // and whatever opens links is not to be found
	i := newIssuer(t)
	p := start(t, i, "--here")
	asked := p.link()
	p.until("state: pending")
	comeBack(t, asked, url.Values{wire.ParamCode: {"code"}})
	p.until("signed in as Ada")
	p.exits(exitOK, "Open the link in a browser on this computer")
}
