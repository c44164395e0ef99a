package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"time"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/qr"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/server"
)

type userInvite struct {
	place
	Issuer  string        `placeholder:"URL" help:"Issuer that the link begins with; else the one that the server last ran with on this data."`
	Name    string        `xor:"whom" help:"Name to offer to the newcomer, who may change it."`
	User    string        `xor:"whom" placeholder:"ID-OR-NAME" help:"Account that exists: the link creates a further passkey for it, for somebody who lost theirs."`
	Expires time.Duration `help:"How long the link is good, 1m to 2160h (default: 168h)."`
	QR      bool          `name:"qr" negatable:"" default:"true" help:"Draw the link as a QR code (default: yes)."`
}

// Help is the part below the flags.
func (userInvite) Help() string {
	return `The first line on standard output is the link. It works once; whoever has it can use it, so hand it over in person or by a channel that you trust.

Examples:

    qrauthd user invite --name "Ada Lovelace" --data /var/lib/qrauthd
    qrauthd user invite --user "Ada Lovelace" --expires 1h --demo`
}

// Run makes the invitation and prints its link.
func (cmd userInvite) Run(a *app) error {
	return a.provision(func(c config, o admin.Operator) error {
		issuer, err := issuerOf(c)
		if err != nil {
			return err
		}
		inv, token, err := o.Invite(a.ctx, admin.InviteRequest{Name: cmd.Name, User: cmd.User, Lifetime: cmd.Expires})
		if err != nil {
			return err
		}
		link := inviteLink(issuer, token)
		fmt.Fprintln(a.stdout, link)
		if cmd.QR {
			code, err := qr.Encode(link)
			if err != nil {
				return fmt.Errorf("draw the link: %w", err)
			}
			fmt.Fprintf(a.stdout, "\n%s\n", code.Terminal())
		}
		fmt.Fprintf(a.stdout, "%s It works once, until %s.\n", openOn(issuer, cmd.QR), inv.ExpiresAt.Format("2006-01-02 15:04 MST"))
		return nil
	})
}

// openOn says how the invited person gets there.
func openOn(issuer *url.URL, drawn bool) string {
	switch {
	case issuer.Hostname() == "localhost":
		return "Open it in a browser on this machine: no phone can reach localhost."
	case drawn:
		return "Scan it with the phone's camera, or send the link."
	}
	return "Open it on the phone."
}

// inviteLink has the token in its fragment, which no server log ever holds.
func inviteLink(issuer *url.URL, token secret.Text) string {
	return issuer.String() + "/join#invite=" + token.Reveal()
}

// issuerOf is the configured issuer, or the one that the server on this data
// folder last had.
func issuerOf(c config) (*url.URL, error) {
	if c.Issuer != "" {
		issuer, err := server.ParseIssuer(c.Issuer)
		if err != nil {
			return nil, &server.ConfigError{Faults: err}
		}
		return issuer, nil
	}
	issuer, err := server.RememberedIssuer(c.DataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &server.ConfigError{Faults: errors.New("issuer is not set: name it with --issuer, so that the link leads somewhere")}
	}
	return issuer, err
}
