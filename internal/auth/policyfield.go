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
func PolicyFields() (list []PolicyField) {
	for _, part := range policyParts {
		list = append(list, part.field)
	}
	return list
}

// Text is the policy's setting for people.
func (p Policy) Text(f PolicyField) string {
	part, ok := policyPartOf(f)
	if !ok {
		return ""
	}
	return part.text(&p)
}

// policyPart is a setting: where Policy and PolicyChange have it, and how it reads.
type policyPart struct {
	field PolicyField
	said  func(ch *PolicyChange) bool
	take  func(ch, from *PolicyChange)      // what is said of it, or that nothing is
	apply func(p *Policy, ch *PolicyChange) // if anything is said of it
	text  func(p *Policy) string
}

// policyParts is the table of all of them. It is built once, for every start asks
// for a policy.
var policyParts = [...]policyPart{
	partOf(PolicyMedium, func(p *Policy) *Demand { return &p.Medium }, func(ch *PolicyChange) **Demand { return &ch.Medium }, demandText),
	partOf(PolicyHigh, func(p *Policy) *Demand { return &p.High }, func(ch *PolicyChange) **Demand { return &ch.High }, demandText),
	partOf(PolicyRequireKnownDevice, func(p *Policy) *bool { return &p.RequireKnownDevice }, func(ch *PolicyChange) **bool { return &ch.RequireKnownDevice }, switchText),
	partOf(PolicyNetworks, func(p *Policy) *[]netip.Prefix { return &p.Networks }, func(ch *PolicyChange) **[]netip.Prefix { return &ch.Networks }, networksText),
	partOf(PolicyReducedScopes, func(p *Policy) *Scopes { return &p.ReducedScopes }, func(ch *PolicyChange) **Scopes { return &ch.ReducedScopes }, reducedText),
	partOf(PolicyUnconfirmed, func(p *Policy) *time.Duration { return &p.Unconfirmed }, func(ch *PolicyChange) **time.Duration { return &ch.Unconfirmed }, time.Duration.String),
}

// policyPartOf is the setting of that name; false when there is none.
func policyPartOf(f PolicyField) (policyPart, bool) {
	for _, part := range policyParts {
		if part.field == f {
			return part, true
		}
	}
	return policyPart{}, false
}

func partOf[T any](f PolicyField, in func(*Policy) *T, of func(*PolicyChange) **T, text func(T) string) policyPart {
	return policyPart{
		field: f,
		said:  func(ch *PolicyChange) bool { return *of(ch) != nil },
		take:  func(ch, from *PolicyChange) { *of(ch) = *of(from) },
		apply: func(p *Policy, ch *PolicyChange) {
			if to := *of(ch); to != nil {
				*in(p) = *to
			}
		},
		text: func(p *Policy) string { return text(*in(p)) },
	}
}

func demandText(d Demand) string { return string(d) }

func switchText(on bool) string {
	if on {
		return "yes"
	}
	return "no"
}

func networksText(list []netip.Prefix) string { return listed(list, "anywhere") }

func reducedText(list Scopes) string { return listed(list, "not reduced") }

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
