package main

import (
	"fmt"
	"time"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/auth"
)

type clientUpdate struct {
	place
	ID          string         `arg:"" help:"Client ID."`
	Name        *string        `help:"Name that people read on the phone."`
	Verified    *bool          `negatable:"" help:"You vouch for the name, or not."`
	AuthMethod  *string        `placeholder:"METHOD" help:"How the application authenticates: none, client_secret_basic or client_secret_post (the same: both work), or private_key_jwt. What it used before ends."`
	Keys        string         `placeholder:"FILE" help:"Its public keys, for private_key_jwt: a JWK Set, a JWK, or PEM."`
	RedirectURI []string       `name:"redirect-uri" sep:"none" placeholder:"URI" help:"Where the browser may bring an authorization code; may be repeated, an empty one alone takes all away."`
	Resource    []string       `sep:"none" placeholder:"URI" help:"What its access tokens may be for; may be repeated, an empty one alone takes all away."`
	Introspects []string       `sep:"none" placeholder:"URI" help:"Resource that it serves and may introspect tokens for; may be repeated, an empty one alone takes all away."`
	Pairwise    *bool          `negatable:"" help:"Give it subjects of its own, or not. It takes everybody for somebody new after either."`
	RequireDPoP *bool          `name:"require-dpop" negatable:"" help:"Issue no tokens to it that are bound to no key (DPoP), or do."`
	Scope       []string       `help:"Scope that it may ask for; may be repeated."`
	Lifetime    *time.Duration `help:"How long a QR code waits for somebody, 10s to 10m."`
	Interval    *time.Duration `help:"How long the application waits between polls, 1s to 1m."`
	policyFlags
	PolicyDefault []string `placeholder:"FIELD" help:"Have a setting of the policy as the configuration says again: medium, high, require-known-device, network, reduced-scope or unconfirmed; may be repeated. \"all\": each that this command does not set."`
}

// Help is the part below the flags.
func (clientUpdate) Help() string {
	return `Only what is named changes; a list replaces the one before. Desktops stay signed in, and sign-ins under way go on. A secret is shown once.

Examples:

    qrauthd client update acme-studio --name "Acme Studio 2" --verified
    qrauthd client update acme-studio --redirect-uri http://127.0.0.1/callback --redirect-uri com.acme.studio:/callback
    qrauthd client update acme-studio --redirect-uri ""
    qrauthd client update acme-backend --auth-method private_key_jwt --keys backend.pub.pem
    qrauthd client update acme-kiosk --no-require-dpop
    qrauthd client update acme-kiosk --medium passkey --network 192.0.2.0/24
    qrauthd client update acme-mail --reduced-scope openid,profile --unconfirmed 24h
    qrauthd client update acme-kiosk --policy-default all`
}

// Run changes the application.
func (cmd clientUpdate) Run(a *app) error {
	change, err := cmd.change()
	if err != nil {
		return err
	}
	return a.operate(func(conf config, o admin.Operator) error {
		c, sec, err := o.UpdateClient(a.ctx, auth.ClientID(cmd.ID), change)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "updated %s\n", c.ID)
		a.showSecret(sec)
		a.warnOfUnbound(conf.Policies.Of(c), c)
		return nil
	})
}

func (cmd clientUpdate) change() (admin.ClientChange, error) {
	keys, err := readKeys(cmd.Keys)
	if err != nil {
		return admin.ClientChange{}, err
	}
	change := admin.ClientChange{
		Name:         cmd.Name,
		Verified:     cmd.Verified,
		Keys:         keys,
		RedirectURIs: orNone(cmd.RedirectURI),
		Resources:    orNone(cmd.Resource),
		Introspects:  orNone(cmd.Introspects),
		Pairwise:     cmd.Pairwise,
		RequireDPoP:  cmd.RequireDPoP,
		Scopes:       orNone(cmd.Scope),
		Lifetime:     cmd.Lifetime,
		Interval:     cmd.Interval,
		Policy:       cmd.policy(),
		Networks:     orNone(cmd.Network),
		PolicyReset:  cmd.resets(cmd.PolicyDefault),
	}
	if cmd.AuthMethod != nil {
		method := authMethod(*cmd.AuthMethod)
		change.AuthMethod = &method
	}
	return change, nil
}

// orNone takes one empty element for an empty list.
func orNone(list []string) []string {
	if len(list) == 1 && list[0] == "" {
		return []string{}
	}
	return list
}

type clientRotateSecret struct {
	place
	ID      string        `arg:"" help:"Client ID."`
	Overlap time.Duration `default:"24h" help:"How long the old secret works beside the new one, up to 720h; 0s: not at all (default: 24h)."`
}

// Help is the part below the flags.
func (clientRotateSecret) Help() string {
	return `The new secret is shown once. At most two work at a time: with a third the oldest ends at once. For a secret that leaked take --overlap 0s.

Examples:

    qrauthd client rotate-secret acme-kiosk --data /var/lib/qrauthd
    qrauthd client rotate-secret acme-kiosk --overlap 0s`
}

// Run makes the new secret.
func (cmd clientRotateSecret) Run(a *app) error {
	return a.operate(func(_ config, o admin.Operator) error {
		c, sec, err := o.RotateSecret(a.ctx, auth.ClientID(cmd.ID), cmd.Overlap)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "client_id %s\n", c.ID)
		a.showSecret(sec)
		fmt.Fprintln(a.stderr, ofTheOldSecret(c))
		return nil
	})
}

// ofTheOldSecret says until when the secret before the newest works.
func ofTheOldSecret(c auth.Client) string {
	if len(c.Secrets) < 2 {
		return "No other secret works any more."
	}
	return fmt.Sprintf("The one before works until %s.", minute(c.Secrets[1].ExpiresAt))
}
