package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
)

type clientAdd struct {
	place
	ID           string        `arg:"" help:"Client ID that the application sends: letters, digits, dots, hyphens, underscores."`
	Name         string        `required:"" help:"Name that people read on the phone."`
	Verified     bool          `help:"You vouch for the name. Others are marked as not verified."`
	Confidential bool          `xor:"auth" help:"Short for --auth-method client_secret_basic: make a secret that the application must bring. Not for applications on people's own computers, which cannot keep one."`
	AuthMethod   string        `xor:"auth" placeholder:"METHOD" help:"How the application authenticates: none, client_secret_basic or client_secret_post (the same: both work), or private_key_jwt (default: none)."`
	Keys         string        `placeholder:"FILE" help:"Its public keys, for private_key_jwt: a JWK Set, a JWK, or PEM."`
	RedirectURI  []string      `name:"redirect-uri" sep:"none" placeholder:"URI" help:"Where the browser may bring an authorization code; may be repeated (default: this computer's own, http://127.0.0.1/callback and http://[::1]/callback, or none for an application that authenticates)."`
	Resource     []string      `sep:"none" placeholder:"URI" help:"What its access tokens may be for; may be repeated, the default first (default: the issuer)."`
	Introspects  []string      `sep:"none" placeholder:"URI" help:"Resource that it serves: it may introspect any application's tokens for it; may be repeated. Needs a way to authenticate."`
	Pairwise     bool          `help:"Give it subjects of its own, which it cannot compare with another application's."`
	RequireDPoP  bool          `name:"require-dpop" help:"Issue no tokens to it that are bound to no key (DPoP)."`
	Scope        []string      `help:"Scope that it may ask for; may be repeated (default: openid, profile and offline_access)."`
	Lifetime     time.Duration `help:"How long a QR code waits for somebody, 10s to 10m (default: 5m)."`
	Interval     time.Duration `help:"How long the application waits between polls, 1s to 1m (default: 5s)."`
	policyFlags
}

// Help is the part below the flags.
func (clientAdd) Help() string {
	return `Works while the server runs, and before its first start. A secret is shown once.

What is not said of its policy (--medium and the flags after it) is as [policy] in the configuration file has it, or else a medium risk takes a number and a high one is refused. An application with a plain OAuth library, which knows nothing of numbers, needs --medium passkey.

A redirect URI is https, http on 127.0.0.1, [::1] or localhost, or has a scheme of the application's own with a dot in it.

Examples:

    qrauthd client add acme-studio --name "Acme Studio" --verified
    qrauthd client add acme-studio --name "Acme Studio" --redirect-uri http://127.0.0.1/callback --require-dpop
    qrauthd client add acme-kiosk --name "Acme Kiosk" --confidential --scope openid --lifetime 2m --data /var/lib/qrauthd
    qrauthd client add acme-backend --name "Acme Backend" --auth-method private_key_jwt --keys backend.pub.pem
    qrauthd client add acme-files --name "Acme Files" --confidential --introspects https://files.example.com
    qrauthd client add acme-office --name "Acme Office" --network 192.0.2.0/24 --network 2001:db8::/32 --require-known-device
    qrauthd client add acme-mail --name "Acme Mail" --scope openid,offline_access,mail --reduced-scope openid --unconfirmed 24h`
}

// Run adds the application.
func (cmd clientAdd) Run(a *app) error {
	keys, err := readKeys(cmd.Keys)
	if err != nil {
		return err
	}
	return a.provision(func(conf config, o admin.Operator) error {
		c, sec, err := o.AddClient(a.ctx, admin.ClientRequest{
			ID:           auth.ClientID(cmd.ID),
			Name:         cmd.Name,
			Verified:     cmd.Verified,
			AuthMethod:   cmd.authMethod(),
			Keys:         keys,
			RedirectURIs: cmd.RedirectURI,
			Resources:    cmd.Resource,
			Introspects:  cmd.Introspects,
			Pairwise:     cmd.Pairwise,
			RequireDPoP:  cmd.RequireDPoP,
			Scopes:       cmd.Scope,
			Lifetime:     cmd.Lifetime,
			Interval:     cmd.Interval,
			Policy:       cmd.policy(),
			Networks:     orNone(cmd.Network),
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "client_id %s\n", c.ID)
		a.showSecret(sec)
		a.warnOfUnbound(conf.Policies.Of(c), c)
		return nil
	})
}

func (cmd clientAdd) authMethod() auth.AuthMethod {
	if cmd.Confidential {
		return auth.AuthSecret
	}
	return authMethod(cmd.AuthMethod)
}

// The registered names of the ways to bring a secret (OpenID Connect Core section
// 9). A client may use both.
const (
	secretBasic = "client_secret_basic"
	secretPost  = "client_secret_post"
)

// authMethod is what is meant by one of the registered names, or by auth's own.
// One that is not known stays as it is, to be refused together with what else is
// wrong.
func authMethod(name string) auth.AuthMethod {
	if name == secretBasic || name == secretPost {
		return auth.AuthSecret
	}
	return auth.AuthMethod(name)
}

// readKeys reads a file of public keys; nil when none is named.
func readKeys(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the client's keys: %w", err)
	}
	return text, nil
}

// showSecret prints a client's new secret, if there is one.
func (a *app) showSecret(sec secret.Text) {
	if sec.IsZero() {
		return
	}
	fmt.Fprintf(a.stdout, "client_secret %s\n", sec.Reveal())
	fmt.Fprintln(a.stderr, "Keep the secret now: it is not shown again.")
}

type clientList struct {
	place
	JSON bool `help:"Print JSON."`
}

// Help is the part below the flags.
func (clientList) Help() string {
	return `"client show" prints all that is known of one.

Examples:

    qrauthd client list --data /var/lib/qrauthd
    qrauthd client list --demo --json`
}

// Run lists the applications.
func (cmd clientList) Run(a *app) error {
	return a.operate(func(cfg config, o admin.Operator) error {
		list, err := o.Clients(a.ctx)
		if err != nil {
			return err
		}
		rows := make([]clientRow, len(list))
		for i, c := range list {
			rows[i] = newClientRow(c, cfg.Policies)
		}
		if cmd.JSON {
			return printJSON(a.stdout, rows)
		}
		return printClients(a.stdout, rows)
	})
}

func printClients(w io.Writer, rows []clientRow) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tVERIFIED\tAUTHENTICATION\tSCOPES\tLIFETIME\tINTERVAL")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%ds\t%ds\n",
			r.ID, r.Name, yesNo(r.Verified), r.authentication(), auth.Scopes(r.Scopes), r.Lifetime, r.Interval)
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
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

type clientRemove struct {
	place
	ID string `arg:"" help:"Client ID."`
}

// Help is the part below the flags.
func (clientRemove) Help() string {
	return `Its desktops are signed out, and no sign-in of it that is under way will be approved. "client update" has no such consequences.

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
