package admin

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/qrauthd/qrauthd/internal/auth"
)

// samePolicy reports whether nothing is said of the policy.
func (ch ClientChange) samePolicy() bool {
	return ch.Policy == (auth.PolicyChange{}) && ch.Networks == nil && len(ch.PolicyReset) == 0
}

// applyPolicy makes the change to the policy.
func (ch ClientChange) applyPolicy(c *auth.Client) error {
	said, unread := ch.policy()
	var faults []error
	for _, f := range ch.PolicyReset {
		switch {
		case !slices.Contains(auth.PolicyFields(), f):
			faults = append(faults, fmt.Errorf("policy setting %q is %w: use %s", f, ErrInvalid, settingNames()))
		case said.Says(f):
			faults = append(faults, fmt.Errorf("%s is %w: it is set and given back to the configuration at once", f, ErrInvalid))
		}
		c.Policy = c.Policy.Without(f)
	}
	c.Policy = c.Policy.With(said)
	return errors.Join(append(faults, unread)...)
}

// policy is what the change says of the policy, and a fault of each network that cannot
// be read. Lists are never nil: the store could not tell a nil one from one of which
// nothing is said.
func (ch ClientChange) policy() (auth.PolicyChange, error) {
	said := ch.Policy
	var faults []error
	if ch.Networks != nil {
		var list []netip.Prefix
		for _, text := range ch.Networks {
			n, err := auth.ParseNetwork(text)
			if err != nil {
				faults = append(faults, invalidPolicy{fmt.Errorf("networks: %w", err)})
				continue
			}
			list = append(list, n)
		}
		said.Networks = &list
	}
	if said.Networks != nil {
		list := distinct(*said.Networks)
		said.Networks = &list
	}
	if said.ReducedScopes != nil {
		list := auth.Scopes(distinct(*said.ReducedScopes))
		said.ReducedScopes = &list
	}
	return said, errors.Join(faults...)
}

func settingNames() string {
	var names []string
	for _, f := range auth.PolicyFields() {
		names = append(names, string(f))
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// checkPolicy reports all that is wrong with the policy that holds for the client once
// it is changed, by its own record and the configuration together. What is wrong
// already and not touched is no reason to refuse another change.
func (o Operator) checkPolicy(c auth.Client, ch ClientChange) error {
	var faults []error
	if !ch.samePolicy() {
		faults = each(o.Policies.Said(c).Validate())
	}
	if own := c.Policy.ReducedScopes; own != nil && (!ch.samePolicy() || ch.Scopes != nil) {
		for _, name := range *own {
			if !c.Scopes.Has(name) {
				faults = append(faults, fmt.Errorf("reduced_scopes has %q, for which the client may not ask at all: its scopes are %q", name, c.Scopes))
			}
		}
	}
	for i, f := range faults {
		faults[i] = invalidPolicy{f}
	}
	return errors.Join(faults...)
}

// invalidPolicy is a fault of a policy, which says by itself what to do. It is ErrInvalid.
type invalidPolicy struct{ error }

func (e invalidPolicy) Unwrap() []error { return []error{ErrInvalid, e.error} }

// each are the faults that were joined into one.
func each(err error) []error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		return joined.Unwrap()
	}
	return nil
}
