package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/auth"
)

type blockList struct {
	place
	JSON bool `help:"Print JSON."`
}

// Help is the part below the flags.
func (blockList) Help() string {
	return `A computer is blocked when somebody says of it in their list of computers "This wasn't me": its key for good, and its address for a day. It cannot be approved for that account any more, and counts as a risk for all others.

Examples:

    qrauthd block list --data /var/lib/qrauthd
    qrauthd block list --demo --json`
}

// Run lists what is blocked.
func (cmd blockList) Run(a *app) error {
	return a.operate(func(_ config, o admin.Operator) error {
		list, err := o.Blocks(a.ctx)
		if err != nil {
			return err
		}
		rows := make([]blockRow, len(list))
		for i, b := range list {
			rows[i] = blockRow{string(b.Kind), b.Value, string(b.UserID), b.UserName, b.CreatedAt, b.ExpiresAt}
		}
		if cmd.JSON {
			return printJSON(a.stdout, rows)
		}
		return printBlocks(a.stdout, rows)
	})
}

// blockRow is a block as it is printed.
type blockRow struct {
	Kind      string    `json:"kind"`
	Value     string    `json:"value"`
	UserID    string    `json:"user_id"`             // who reported it
	UserName  string    `json:"user_name,omitempty"` // none: the account is gone
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // none: never
}

func printBlocks(w io.Writer, rows []blockRow) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KIND\tVALUE\tREPORTED BY\tSINCE\tUNTIL")
	for _, r := range rows {
		until := "you lift it"
		if !r.ExpiresAt.IsZero() {
			until = minute(r.ExpiresAt)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.Kind, printable(r.Value), reporter(r.UserID, r.UserName), minute(r.CreatedAt), until)
	}
	return table.Flush()
}

// reporter names an account, by its ID where it is gone.
func reporter(id, name string) string {
	if name == "" {
		return printable(id)
	}
	return printable(name)
}

type blockRemove struct {
	place
	Kind  string `arg:"" help:"What it is: key or address."`
	Value string `arg:"" help:"The key's thumbprint or the address, as \"block list\" prints it. One that begins with a hyphen comes after --."`
}

// Help is the part below the flags.
func (blockRemove) Help() string {
	return `For a computer that was reported by mistake. It is lifted for all accounts at once; the session that was ended stays so, and the person signs in again.

Examples:

    qrauthd block remove address 192.0.2.7 --data /var/lib/qrauthd
    qrauthd block remove --data /var/lib/qrauthd -- key 0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I`
}

// Run lifts the block.
func (cmd blockRemove) Run(a *app) error {
	return a.operate(func(_ config, o admin.Operator) error {
		lifted, err := o.LiftBlock(a.ctx, auth.BlockKind(cmd.Kind), cmd.Value)
		if err != nil {
			return err
		}
		for _, b := range lifted {
			fmt.Fprintf(a.stdout, "lifted %s %s, reported by %s\n", b.Kind, b.Value, reporter(string(b.UserID), b.UserName))
		}
		return nil
	})
}
