package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/auth"
)

// clientRow is an application as it is printed.
type clientRow struct {
	ID           string          `json:"client_id"`
	Name         string          `json:"name"`
	Verified     bool            `json:"verified"`
	Confidential bool            `json:"confidential"`
	AuthMethods  []string        `json:"auth_methods"` // it may use any of them
	Secrets      []secretRow     `json:"secrets,omitempty"`
	Keys         json.RawMessage `json:"jwks,omitempty"`
	RedirectURIs []string        `json:"redirect_uris"`
	Resources    []string        `json:"resources"`
	Introspects  []string        `json:"introspects"`
	Pairwise     bool            `json:"pairwise"`
	RequireDPoP  bool            `json:"require_dpop"`
	Scopes       []string        `json:"scopes"`
	Lifetime     int             `json:"lifetime"` // seconds
	Interval     int             `json:"interval"` // seconds
	Policy       policyRow       `json:"policy"`
	CreatedAt    time.Time       `json:"created_at"`
}

// secretRow is what there is to tell of a secret that was shown once.
type secretRow struct {
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

func newClientRow(c auth.Client, policies auth.Policies) clientRow {
	r := clientRow{
		ID:           string(c.ID),
		Name:         c.Name,
		Verified:     c.Verified,
		Confidential: c.Confidential(),
		AuthMethods:  []string{string(c.AuthMethod)},
		Keys:         c.Keys,
		RedirectURIs: append([]string{}, c.RedirectURIs...), // [] and not null in JSON
		Resources:    append([]string{}, c.Resources...),
		Introspects:  append([]string{}, c.Introspects...),
		Pairwise:     c.Pairwise,
		RequireDPoP:  c.RequireDPoP,
		Scopes:       c.Scopes,
		Lifetime:     int(c.Lifetime / time.Second),
		Interval:     int(c.Interval / time.Second),
		Policy:       newPolicyRow(c, policies),
		CreatedAt:    c.CreatedAt,
	}
	if c.AuthMethod == auth.AuthSecret {
		r.AuthMethods = []string{secretBasic, secretPost}
	}
	for _, s := range c.Secrets {
		r.Secrets = append(r.Secrets, secretRow{s.CreatedAt, s.ExpiresAt})
	}
	return r
}

// authentication is how it authenticates, in a word.
func (r clientRow) authentication() string {
	if len(r.AuthMethods) > 1 {
		return string(auth.AuthSecret)
	}
	return r.AuthMethods[0]
}

type clientShow struct {
	place
	ID   string `arg:"" help:"Client ID."`
	JSON bool   `help:"Print JSON."`
}

// Help is the part below the flags.
func (clientShow) Help() string {
	return `Secrets are not kept, and not shown: only when they were made and when they end. Of the policy it says who has the last word on each setting: the client, by "client add" and "client update", or else the configuration file, or else the default. Name the server's file with --config to see what holds there.

Examples:

    qrauthd client show acme-studio --data /var/lib/qrauthd
    qrauthd client show acme-studio --config /etc/qrauthd/qrauthd.toml
    qrauthd client show acme-studio --demo --json`
}

// Run prints all that is known of the application.
func (cmd clientShow) Run(a *app) error {
	return a.operate(func(cfg config, o admin.Operator) error {
		c, err := o.Client(a.ctx, auth.ClientID(cmd.ID))
		if err != nil {
			return err
		}
		if fault := cfg.Policies.Said(c).Validate(); fault != nil {
			a.complain("what the client and the configuration say of the policy does not fit together:", fault)
		}
		row := newClientRow(c, cfg.Policies)
		if cmd.JSON {
			return printJSON(a.stdout, row)
		}
		return row.print(a.stdout)
	})
}

func (r clientRow) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(what string, is any) { fmt.Fprintf(table, "%s\t%v\n", what, is) }
	line("client ID", r.ID)
	line("name", r.Name)
	line("verified", yesNo(r.Verified))
	line("authentication", strings.Join(r.AuthMethods, " or "))
	for _, s := range r.Secrets {
		line("secret", s)
	}
	if r.Keys != nil {
		line("keys", string(r.Keys))
	}
	line("redirect URIs", listed(r.RedirectURIs, "none"))
	line("resources", listed(r.Resources, "the issuer"))
	line("introspects", listed(r.Introspects, "nothing"))
	line("pairwise subjects", yesNo(r.Pairwise))
	line("DPoP required", yesNo(r.RequireDPoP))
	line("scopes", auth.Scopes(r.Scopes))
	line("lifetime", time.Duration(r.Lifetime)*time.Second)
	line("interval", time.Duration(r.Interval)*time.Second)
	line("medium risk", r.Policy.Medium)
	line("high risk", r.Policy.High)
	line("known device required", r.Policy.RequireKnownDevice)
	line("networks", r.Policy.Networks)
	line("reduced scopes", r.Policy.ReducedScopes)
	line("unconfirmed", r.Policy.Unconfirmed)
	line("added", minute(r.CreatedAt))
	return table.Flush()
}

// String tells when the secret was made, and when it ends if it does.
func (s secretRow) String() string {
	if s.ExpiresAt.IsZero() {
		return "made " + minute(s.CreatedAt)
	}
	return "made " + minute(s.CreatedAt) + ", works until " + minute(s.ExpiresAt)
}

// listed is what stands in one line, or what holds when there is nothing.
func listed(list []string, otherwise string) string {
	if len(list) == 0 {
		return otherwise
	}
	return strings.Join(list, " ")
}

// minute is a time as people read it.
func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }
