package main

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/qrauthd/qrauthd/internal/auth"
)

// tableClients is the table of the file that holds a table for each client that has a
// policy of its own.
const tableClients = "clients"

// policySetting is a setting of a policy, whoever's.
type policySetting struct {
	field auth.PolicyField
	set   func(ch *auth.PolicyChange, text string) error
}

// policySettings is the table of all of them.
func policySettings() []policySetting {
	return []policySetting{
		{auth.PolicyMedium, says(func(ch *auth.PolicyChange) **auth.Demand { return &ch.Medium }, parseDemand)},
		{auth.PolicyHigh, says(func(ch *auth.PolicyChange) **auth.Demand { return &ch.High }, parseDemand)},
		{auth.PolicyRequireKnownDevice, says(func(ch *auth.PolicyChange) **bool { return &ch.RequireKnownDevice }, parseSwitch)},
		{auth.PolicyNetworks, says(func(ch *auth.PolicyChange) **[]netip.Prefix { return &ch.Networks }, parseNetworks)},
		{auth.PolicyReducedScopes, says(func(ch *auth.PolicyChange) **auth.Scopes { return &ch.ReducedScopes }, parseScopeList)},
		{auth.PolicyUnconfirmed, says(func(ch *auth.PolicyChange) **time.Duration { return &ch.Unconfirmed }, parseDuration)},
	}
}

// says makes a setter of what a policy leaves to others until somebody says it.
func says[T any](field func(*auth.PolicyChange) **T, parse func(string) (T, error)) func(*auth.PolicyChange, string) error {
	return func(ch *auth.PolicyChange, text string) error {
		v, err := parse(text)
		if err == nil {
			*field(ch) = &v
		}
		return err
	}
}

// policyOfEverybody are the settings of [policy].
func policyOfEverybody() (list []setting) {
	for _, p := range policySettings() {
		list = append(list, setting{
			key: "policy." + string(p.field),
			env: envPrefix + "POLICY_" + strings.ToUpper(string(p.field)),
			set: func(c *config, text string) error { return p.set(&c.Policies.Everybody, text) },
		})
	}
	return list
}

// policyOfClients are the settings of each [clients.CLIENT_ID] that the file has.
func policyOfClients(tree map[string]any) (list []setting) {
	clients, _ := tree[tableClients].(map[string]any)
	for _, id := range slices.Sorted(maps.Keys(clients)) {
		if _, ok := clients[id].(map[string]any); !ok {
			continue
		}
		for _, p := range policySettings() {
			list = append(list, setting{
				key: toml.Key{tableClients, id, string(p.field)}.String(),
				set: ofClient(auth.ClientID(id), p.set),
			})
		}
	}
	return list
}

// ofClient makes a setter of one client's policy.
func ofClient(id auth.ClientID, set func(*auth.PolicyChange, string) error) func(*config, string) error {
	return func(c *config, text string) error {
		ch := c.Policies.Clients[id]
		err := set(&ch, text)
		if err == nil {
			if c.Policies.Clients == nil {
				c.Policies.Clients = map[auth.ClientID]auth.PolicyChange{}
			}
			c.Policies.Clients[id] = ch
		}
		return err
	}
}

func parseDemand(text string) (auth.Demand, error) {
	return auth.Demand(text), nil // server.Config.Validate knows which there are
}

// parseNetworks reads addresses and networks with commas between them; nothing is
// everywhere.
func parseNetworks(text string) ([]netip.Prefix, error) {
	list := []netip.Prefix{}
	var faults []error
	for _, part := range elements(text) {
		n, err := auth.ParseNetwork(part)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		list = append(list, n)
	}
	return list, errors.Join(faults...)
}

// parseScopeList reads scopes with commas between them; nothing is no reduction. What
// is no scope is reported by server.Config.
func parseScopeList(text string) (auth.Scopes, error) {
	return append(auth.Scopes{}, elements(text)...), nil
}

// elements are the parts between commas; none of nothing.
func elements(text string) (list []string) {
	if text == "" {
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		list = append(list, strings.TrimSpace(part))
	}
	return list
}
