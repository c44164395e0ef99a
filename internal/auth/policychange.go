package auth

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// PolicyField names one of the settings of a Policy, as files, flags and JSON do.
type PolicyField string

// The settings.
const (
	PolicyMedium             PolicyField = "medium"
	PolicyHigh               PolicyField = "high"
	PolicyRequireKnownDevice PolicyField = "require_known_device"
	PolicyNetworks           PolicyField = "networks"
	PolicyReducedScopes      PolicyField = "reduced_scopes"
	PolicyUnconfirmed        PolicyField = "unconfirmed"
)

// PolicyFields are all of them, in the order of Policy.
func PolicyFields() []PolicyField {
	return []PolicyField{PolicyMedium, PolicyHigh, PolicyRequireKnownDevice, PolicyNetworks, PolicyReducedScopes, PolicyUnconfirmed}
}

// PolicyChange is what somebody says of a policy; what is nil is left to others.
type PolicyChange struct {
	Medium             *Demand         `json:"medium,omitempty"`
	High               *Demand         `json:"high,omitempty"`
	RequireKnownDevice *bool           `json:"require_known_device,omitempty"`
	Networks           *[]netip.Prefix `json:"networks,omitempty"`       // empty: anywhere
	ReducedScopes      *Scopes         `json:"reduced_scopes,omitempty"` // empty: nothing is taken away
	Unconfirmed        *time.Duration  `json:"unconfirmed,omitempty"`    // nanoseconds
}

// With is the policy with what the change says.
func (p Policy) With(ch PolicyChange) Policy {
	say(&p.Medium, ch.Medium)
	say(&p.High, ch.High)
	say(&p.RequireKnownDevice, ch.RequireKnownDevice)
	say(&p.Networks, ch.Networks)
	say(&p.ReducedScopes, ch.ReducedScopes)
	say(&p.Unconfirmed, ch.Unconfirmed)
	return p
}

// With is what the later change says, and else what this one does.
func (ch PolicyChange) With(later PolicyChange) PolicyChange {
	over(&ch.Medium, later.Medium)
	over(&ch.High, later.High)
	over(&ch.RequireKnownDevice, later.RequireKnownDevice)
	over(&ch.Networks, later.Networks)
	over(&ch.ReducedScopes, later.ReducedScopes)
	over(&ch.Unconfirmed, later.Unconfirmed)
	return ch
}

// Says reports whether the change says anything of the setting.
func (ch PolicyChange) Says(f PolicyField) bool {
	switch f {
	case PolicyMedium:
		return ch.Medium != nil
	case PolicyHigh:
		return ch.High != nil
	case PolicyRequireKnownDevice:
		return ch.RequireKnownDevice != nil
	case PolicyNetworks:
		return ch.Networks != nil
	case PolicyReducedScopes:
		return ch.ReducedScopes != nil
	case PolicyUnconfirmed:
		return ch.Unconfirmed != nil
	}
	return false
}

// Without is the change that says nothing of the setting.
func (ch PolicyChange) Without(f PolicyField) PolicyChange {
	switch f {
	case PolicyMedium:
		ch.Medium = nil
	case PolicyHigh:
		ch.High = nil
	case PolicyRequireKnownDevice:
		ch.RequireKnownDevice = nil
	case PolicyNetworks:
		ch.Networks = nil
	case PolicyReducedScopes:
		ch.ReducedScopes = nil
	case PolicyUnconfirmed:
		ch.Unconfirmed = nil
	}
	return ch
}

func say[T any](field, to *T) {
	if to != nil {
		*field = *to
	}
}

func over[T any](field **T, to *T) {
	if to != nil {
		*field = to
	}
}

// Policies are the operator's for all clients: the configuration file's for
// everybody and for some. What a client's own record says beats both.
type Policies struct {
	Everybody PolicyChange
	Clients   map[ClientID]PolicyChange
}

// Of is the policy that holds for the client. Where what is said in several places
// does not fit together it holds all the same: high asks for no less than medium and
// is never left to the passkey alone, and nobody waits to be confirmed from whom
// nothing is withheld.
func (p Policies) Of(c Client) Policy {
	as := p.Said(c)
	as.Medium = harder(as.Medium, DemandPasskey)
	as.High = harder(harder(as.High, DemandNumber), as.Medium)
	if len(as.ReducedScopes) == 0 {
		as.Unconfirmed = 0
	}
	return as
}

// Said is what all together say of the client, for Validate to judge.
func (p Policies) Said(c Client) Policy {
	return DefaultPolicy().With(p.Everybody).With(p.Clients[c.ID]).With(c.Policy)
}

// PolicySource is who has the last word on a setting.
type PolicySource string

// The sources, each beating the one before.
const (
	SourceDefault PolicySource = "default"
	SourceFile    PolicySource = "configuration file"
	SourceClient  PolicySource = "client"
)

// Source tells who has the last word on the client's setting.
func (p Policies) Source(c Client, f PolicyField) PolicySource {
	switch {
	case c.Policy.Says(f):
		return SourceClient
	case p.Everybody.Says(f), p.Clients[c.ID].Says(f):
		return SourceFile
	}
	return SourceDefault
}

// Text is the policy's setting for people.
func (p Policy) Text(f PolicyField) string {
	switch f {
	case PolicyMedium:
		return string(p.Medium)
	case PolicyHigh:
		return string(p.High)
	case PolicyRequireKnownDevice:
		if p.RequireKnownDevice {
			return "yes"
		}
		return "no"
	case PolicyNetworks:
		return listed(p.Networks, "anywhere")
	case PolicyReducedScopes:
		return listed(p.ReducedScopes, "not reduced")
	case PolicyUnconfirmed:
		return p.Unconfirmed.String()
	}
	return ""
}

// listed is the list in a line, or what holds without one.
func listed[T any](list []T, otherwise string) string {
	if len(list) == 0 {
		return otherwise
	}
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, " ")
}
