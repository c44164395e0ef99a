package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
)

// policyFlags say what sign-ins of one application take.
type policyFlags struct {
	Medium             *string        `placeholder:"DEMAND" help:"What approving a request of medium risk takes: passkey, number (a number besides, which the phone shows and the person types on the computer) or refuse."`
	High               *string        `placeholder:"DEMAND" help:"What approving a request of high risk takes: number or refuse."`
	RequireKnownDevice *bool          `negatable:"" help:"Let only computers be approved that the account has had before, or any."`
	Network            []string       `placeholder:"ADDR" help:"Address or network that sign-ins may be started from; may be repeated, an empty one alone is anywhere."`
	ReducedScope       []string       `placeholder:"SCOPE" help:"Scope that is left at a risk, and to a computer that is not confirmed; may be repeated, an empty one alone takes nothing away."`
	Unconfirmed        *time.Duration `placeholder:"DURATION" help:"How long a computer that is new to the account has only the reduced scopes, unless the person confirms it before: 1m to 168h, or 0s."`
}

// policy is what the flags say, but for the networks, which package admin reads.
func (f policyFlags) policy() auth.PolicyChange {
	ch := auth.PolicyChange{
		Medium: demand(f.Medium), High: demand(f.High),
		RequireKnownDevice: f.RequireKnownDevice, Unconfirmed: f.Unconfirmed,
	}
	if f.ReducedScope != nil {
		scopes := auth.Scopes(strings.Fields(strings.Join(f.ReducedScope, " ")))
		ch.ReducedScopes = &scopes
	}
	return ch
}

func demand(flag *string) *auth.Demand {
	if flag == nil {
		return nil
	}
	d := auth.Demand(*flag)
	return &d
}

// allFields stands for all settings of a policy that the command does not set.
const allFields = "all"

// resets are the settings to give back to the configuration, as "client update" names
// them: like the flags, or like the file does.
func (f policyFlags) resets(named []string) (list []auth.PolicyField) {
	for _, name := range named {
		if name == allFields {
			return f.unsaid()
		}
		list = append(list, policyField(name))
	}
	return list
}

// unsaid are the settings of which the flags say nothing.
func (f policyFlags) unsaid() []auth.PolicyField {
	said := f.policy()
	return slices.DeleteFunc(auth.PolicyFields(), func(field auth.PolicyField) bool {
		return said.Says(field) || field == auth.PolicyNetworks && f.Network != nil
	})
}

// policyField is the setting that is meant by its own name or by that of its flag. One
// that is not known stays as it is, to be refused together with what else is wrong.
func policyField(name string) auth.PolicyField {
	field := auth.PolicyField(strings.ReplaceAll(strings.TrimPrefix(name, "--"), "-", "_"))
	switch field {
	case "network":
		return auth.PolicyNetworks
	case "reduced_scope":
		return auth.PolicyReducedScopes
	}
	return field
}

// policyRow is the policy that holds for an application, as it is printed.
type policyRow struct {
	Medium             sourced `json:"medium"`
	High               sourced `json:"high"`
	RequireKnownDevice sourced `json:"require_known_device"`
	Networks           sourced `json:"networks"`       // none: anywhere
	ReducedScopes      sourced `json:"reduced_scopes"` // none: they are not reduced
	Unconfirmed        sourced `json:"unconfirmed"`    // seconds
}

// sourced is a value, and who said it.
type sourced struct {
	Value  any               `json:"value"`
	Source auth.PolicySource `json:"source"`
	text   string
}

func newPolicyRow(c auth.Client, all auth.Policies) policyRow {
	p := all.Of(c)
	from := func(f auth.PolicyField, v any) sourced { return sourced{v, all.Source(c, f), p.Text(f)} }
	return policyRow{
		Medium:             from(auth.PolicyMedium, p.Medium),
		High:               from(auth.PolicyHigh, p.High),
		RequireKnownDevice: from(auth.PolicyRequireKnownDevice, p.RequireKnownDevice),
		Networks:           from(auth.PolicyNetworks, append([]netip.Prefix{}, p.Networks...)), // [] and not null in JSON
		ReducedScopes:      from(auth.PolicyReducedScopes, append(auth.Scopes{}, p.ReducedScopes...)),
		Unconfirmed:        from(auth.PolicyUnconfirmed, int(p.Unconfirmed/time.Second)),
	}
}

// String is the value, and where it comes from.
func (s sourced) String() string { return s.text + " (" + string(s.Source) + ")" }

// warnOfUnbound says what a policy that knows computers by their keys needs.
func (a *app) warnOfUnbound(p auth.Policy, c auth.Client) {
	if p.RequireKnownDevice && !c.RequireDPoP {
		fmt.Fprintf(a.stderr, "A computer is known by its key: set --require-dpop too, or computers without one cannot sign in to %s by QR code.\n", c.ID)
	}
}
