package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/keyring"
	"github.com/qrauthd/qrauthd/internal/token"
)

type keysList struct {
	place
	JSON bool `help:"Print JSON."`
}

// Help is the part below the flags.
func (keysList) Help() string {
	return `Shows when each key signs and how long it is published; never a key itself.

Examples:

    qrauthd keys list --data /var/lib/qrauthd
    qrauthd keys list --demo --json`
}

// Run lists the keys.
func (cmd keysList) Run(a *app) error {
	return a.operate(func(_ config, o admin.Operator) error {
		list, err := keyring.New(o.Store, keyring.Policy{}, time.Now).Statuses(a.ctx)
		if err != nil {
			return err
		}
		rows := make([]keyRow, len(list))
		for i, k := range list {
			rows[i] = newKeyRow(k)
		}
		if cmd.JSON {
			return printJSON(a.stdout, rows)
		}
		return printKeys(a.stdout, rows)
	})
}

// keyRow is a key as it is printed.
type keyRow struct {
	ID        string    `json:"kid"`
	Algorithm string    `json:"alg,omitempty"`
	State     string    `json:"state"`
	Sealed    bool      `json:"sealed"`
	CreatedAt time.Time `json:"created_at"`
	SignsFrom time.Time `json:"signs_from,omitzero"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

func newKeyRow(k token.Status) keyRow {
	return keyRow{
		ID: string(k.ID), Algorithm: k.Algorithm, State: string(k.State), Sealed: k.Sealed,
		CreatedAt: k.CreatedAt, SignsFrom: k.SignsFrom, ExpiresAt: k.ExpiresAt,
	}
}

func printKeys(w io.Writer, rows []keyRow) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tALGORITHM\tMADE\tSEALED\tSTATE")
	for _, r := range rows {
		alg := r.Algorithm
		if alg == "" {
			alg = "-"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.ID, alg, minute(r.CreatedAt), yesNo(r.Sealed), r.standing())
	}
	return table.Flush()
}

// standing is the state in words.
func (r keyRow) standing() string {
	switch token.State(r.State) {
	case token.Waits:
		return "published, signs from " + minute(r.SignsFrom)
	case token.Signs:
		if r.ExpiresAt.IsZero() {
			return "signs"
		}
		return "signs, published until " + minute(r.ExpiresAt)
	case token.Stays:
		if r.ExpiresAt.IsZero() {
			return "published"
		}
		return "published until " + minute(r.ExpiresAt)
	case token.Derives:
		return "in use, never published"
	}
	return "over"
}

type keysRotate struct {
	place
	KeyFile          string `placeholder:"FILE" help:"File with the secret by which keys in the database are encrypted."`
	SigningAlgorithm string `placeholder:"ES256|EdDSA|RS256" help:"What the new key signs with."`
	Now              bool   `help:"For a key that leaked: the new key signs at once, and what the others signed is not trusted any more."`
}

// Help is the part below the flags.
func (keysRotate) Help() string {
	return fmt.Sprintf(`The server does this by itself when a key is of the age that key_rotation says. The new key is published at once and signs %s later, when everybody who verifies tokens has fetched it; the old one is published until the last token that it signed has ended. Nobody notices.

With --now everybody does: each access token is void, desktops that are signed in fetch new ones by themselves, and those without a refresh token have to sign in again. Whoever has fetched the keys in the last %s may believe the leaked one for so long. How it leaked is yours to find: it lies in the database.

Examples:

    qrauthd keys rotate --config /etc/qrauthd/qrauthd.toml
    qrauthd keys rotate --now --data /var/lib/qrauthd --key-file /etc/qrauthd/key`,
		inMinutes(token.PublishLead), inMinutes(token.JWKSMaxAge))
}

func inMinutes(d time.Duration) string { return fmt.Sprintf("%d minutes", int(d.Minutes())) }

// Run makes the next signing key.
func (cmd keysRotate) Run(a *app) error {
	return a.onDatabase(mustExist, config.checkKeys, func(c config, o admin.Operator) error {
		policy, err := c.KeyPolicy()
		if err != nil {
			return err
		}
		keys := keyring.New(o.Store, policy, time.Now)
		before, err := keys.Statuses(a.ctx)
		if err != nil {
			return err
		}
		rotate := keys.Rotate
		if cmd.Now {
			rotate = keys.Replace
		}
		list, err := rotate(a.ctx)
		if err != nil {
			return err
		}
		for _, k := range list {
			if k.State != token.Derives {
				fmt.Fprintf(a.stdout, "%s %s %s\n", k.ID, k.Algorithm, newKeyRow(k).standing())
			}
		}
		return cmd.record(a, o, before, list)
	})
}

// record writes into the audit log which key is new, if one is.
func (cmd keysRotate) record(a *app, o admin.Operator, before, after []token.Status) error {
	for _, k := range after {
		if slices.ContainsFunc(before, func(old token.Status) bool { return old.ID == k.ID }) {
			continue
		}
		note := fmt.Sprintf("%s key %s: %s", k.Algorithm, k.ID, newKeyRow(k).standing())
		if cmd.Now {
			note += "; the others are taken back"
		}
		if err := o.RecordKeyRotation(a.ctx, note); err != nil {
			return fmt.Errorf("the keys are rotated, but the audit log does not tell of it: %w", err)
		}
	}
	return nil
}
