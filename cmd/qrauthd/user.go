package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/qrauthd/qrauthd/internal/admin"
)

type userList struct {
	place
	JSON bool `help:"Print JSON."`
}

// Help is the part below the flags.
func (userList) Help() string {
	return `Examples:

    qrauthd user list --data /var/lib/qrauthd
    qrauthd user list --demo --json`
}

// Run lists the accounts.
func (cmd userList) Run(a *app) error {
	return a.operate(func(_ config, o admin.Operator) error {
		list, err := o.Users(a.ctx)
		if err != nil {
			return err
		}
		rows := make([]userRow, len(list))
		for i, u := range list {
			rows[i] = userRow{string(u.ID), u.Name, u.Disabled, u.Passkeys, u.Sessions, u.CreatedAt}
		}
		if cmd.JSON {
			return printJSON(a.stdout, rows)
		}
		return printUsers(a.stdout, rows)
	})
}

// userRow is an account as it is printed.
type userRow struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Disabled  bool      `json:"disabled"`
	Passkeys  int       `json:"passkeys"`
	Sessions  int       `json:"sessions"`
	CreatedAt time.Time `json:"created_at"`
}

func printUsers(w io.Writer, rows []userRow) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tDISABLED\tPASSKEYS\tSESSIONS\tSINCE")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s\n",
			r.ID, r.Name, yesNo(r.Disabled), r.Passkeys, r.Sessions, r.CreatedAt.Format(time.DateOnly))
	}
	return table.Flush()
}

// whom is the argument that names an account.
type whom struct {
	User string `arg:"" help:"ID of the account, or its name where nobody else has it. An ID that begins with a hyphen comes after --."`
}

type userDisable struct {
	place
	whom
}

// Help is the part below the flags.
func (userDisable) Help() string {
	return `Passkeys stay, so that "user enable" undoes it; the desktops have to sign in again.

Example:

    qrauthd user disable "Ada Lovelace" --data /var/lib/qrauthd`
}

// Run disables the account.
func (cmd userDisable) Run(a *app) error {
	return a.operate(func(_ config, o admin.Operator) error {
		was, ended, err := o.Disable(a.ctx, cmd.User)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "%s %s (%s), sessions ended: %d\n", done("disabled", was.Disabled), was.ID, was.Name, ended)
		return nil
	})
}

type userEnable struct {
	place
	whom
}

// Help is the part below the flags.
func (userEnable) Help() string {
	return `Example:

    qrauthd user enable "Ada Lovelace" --data /var/lib/qrauthd`
}

// Run enables the account.
func (cmd userEnable) Run(a *app) error {
	return a.operate(func(_ config, o admin.Operator) error {
		was, err := o.Enable(a.ctx, cmd.User)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "%s %s (%s)\n", done("enabled", !was.Disabled), was.ID, was.Name)
		return nil
	})
}

// done claims no change where there was none.
func done(what string, before bool) string {
	if before {
		return "already " + what
	}
	return what
}

type userRemove struct {
	place
	whom
}

// Help is the part below the flags.
func (userRemove) Help() string {
	return `Passkeys, sessions, recovery codes and invitations go with it. There is no way back: "user disable" has one.

Example:

    qrauthd user remove "Ada Lovelace" --data /var/lib/qrauthd`
}

// Run removes the account.
func (cmd userRemove) Run(a *app) error {
	return a.operate(func(_ config, o admin.Operator) error {
		u, err := o.RemoveUser(a.ctx, cmd.User)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "removed %s (%s)\n", u.ID, u.Name)
		return nil
	})
}
