package auth

import (
	"net/netip"
	"time"
)

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
	for _, part := range policyParts {
		part.apply(&p, &ch)
	}
	return p
}

// With is what the later change says, and else what this one does.
func (ch PolicyChange) With(later PolicyChange) PolicyChange {
	for _, part := range policyParts {
		if part.said(&later) {
			part.take(&ch, &later)
		}
	}
	return ch
}

// Says reports whether the change says anything of the setting.
func (ch PolicyChange) Says(f PolicyField) bool {
	part, ok := policyPartOf(f)
	return ok && part.said(&ch)
}

// Without is the change that says nothing of the setting.
func (ch PolicyChange) Without(f PolicyField) PolicyChange {
	if part, ok := policyPartOf(f); ok {
		part.take(&ch, new(PolicyChange))
	}
	return ch
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
