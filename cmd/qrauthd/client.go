package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/auth"
)

type clientAdd struct {
	place
	ID           string        `arg:"" help:"Client ID that the application sends: letters, digits, dots, hyphens, underscores."`
	Name         string        `required:"" help:"Name that people read on the phone."`
	Verified     bool          `help:"You vouch for the name. Others are marked as not verified."`
	Confidential bool          `help:"Make a secret that the application must bring. Not for applications on people's own computers, which cannot keep one."`
	Scope        []string      `help:"Scope that it may ask for; may be repeated (default: openid and profile)."`
	Lifetime     time.Duration `help:"How long a QR code waits for somebody, 10s to 10m (default: 5m)."`
	Interval     time.Duration `help:"How long the application waits between polls, 1s to 1m (default: 5s)."`
}

// Help is the part below the flags.
func (clientAdd) Help() string {
	return `Works while the server runs, and before its first start. A secret is shown once.

Examples:

    qrauthd client add acme-studio --name "Acme Studio" --verified
    qrauthd client add acme-kiosk --name "Acme Kiosk" --confidential --scope openid --lifetime 2m --data /var/lib/qrauthd`
}

// Run adds the application.
func (cmd clientAdd) Run(a *app) error {
	return a.provision(func(_ config, o admin.Operator) error {
		c, sec, err := o.AddClient(a.ctx, admin.ClientRequest{
			ID:           auth.ClientID(cmd.ID),
			Name:         cmd.Name,
			Verified:     cmd.Verified,
			Confidential: cmd.Confidential,
			Scopes:       cmd.Scope,
			Lifetime:     cmd.Lifetime,
			Interval:     cmd.Interval,
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "client_id %s\n", c.ID)
		if !sec.IsZero() {
			fmt.Fprintf(a.stdout, "client_secret %s\n", sec.Reveal())
			fmt.Fprintln(a.stderr, "Keep the secret now: it is not shown again.")
		}
		return nil
	})
}

type clientList struct {
	place
	JSON bool `help:"Print JSON."`
}

// Help is the part below the flags.
func (clientList) Help() string {
	return `Examples:

    qrauthd client list --data /var/lib/qrauthd
    qrauthd client list --demo --json`
}

// Run lists the applications.
func (cmd clientList) Run(a *app) error {
	return a.operate(func(_ config, o admin.Operator) error {
		list, err := o.Clients(a.ctx)
		if err != nil {
			return err
		}
		rows := make([]clientRow, len(list))
		for i, c := range list {
			rows[i] = newClientRow(c)
		}
		if cmd.JSON {
			return printJSON(a.stdout, rows)
		}
		return printClients(a.stdout, rows)
	})
}

// clientRow is an application as it is printed.
type clientRow struct {
	ID           string    `json:"client_id"`
	Name         string    `json:"name"`
	Verified     bool      `json:"verified"`
	Confidential bool      `json:"confidential"`
	Scopes       []string  `json:"scopes"`
	Lifetime     int       `json:"lifetime"` // seconds
	Interval     int       `json:"interval"` // seconds
	CreatedAt    time.Time `json:"created_at"`
}

func newClientRow(c auth.Client) clientRow {
	return clientRow{
		ID:           string(c.ID),
		Name:         c.Name,
		Verified:     c.Verified,
		Confidential: c.Confidential(),
		Scopes:       c.Scopes,
		Lifetime:     int(c.Lifetime / time.Second),
		Interval:     int(c.Interval / time.Second),
		CreatedAt:    c.CreatedAt,
	}
}

func printClients(w io.Writer, rows []clientRow) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tVERIFIED\tKIND\tSCOPES\tLIFETIME\tINTERVAL")
	for _, r := range rows {
		kind := "public"
		if r.Confidential {
			kind = "confidential"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%ds\t%ds\n",
			r.ID, r.Name, yesNo(r.Verified), kind, auth.Scopes(r.Scopes), r.Lifetime, r.Interval)
	}
	return table.Flush()
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

type clientRemove struct {
	place
	ID string `arg:"" help:"Client ID."`
}

// Help is the part below the flags.
func (clientRemove) Help() string {
	return `Its desktops are signed out, and no sign-in of it that is under way will be approved.

Example:

    qrauthd client remove acme-kiosk --data /var/lib/qrauthd`
}

// Run removes the application.
func (cmd clientRemove) Run(a *app) error {
	return a.operate(func(_ config, o admin.Operator) error {
		if err := o.RemoveClient(a.ctx, auth.ClientID(cmd.ID)); err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "removed %s\n", cmd.ID)
		return nil
	})
}
