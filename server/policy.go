package server

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

// What an operator demands of sign-ins, by the names that Config has need of.
type (
	Policies     = auth.Policies
	PolicyChange = auth.PolicyChange
	ClientID     = auth.ClientID
	Demand       = auth.Demand
	Scopes       = auth.Scopes
)

// The demands, each harder than the one before.
const (
	DemandPasskey = auth.DemandPasskey
	DemandNumber  = auth.DemandNumber
	DemandRefuse  = auth.DemandRefuse
)

// checkPolicies judges what holds for everybody, and for each client that is named
// what it comes to there: what has been said of everybody is not said again.
func (c Config) checkPolicies() error {
	everybody := c.Policies.Said(auth.Client{}).Validate()
	faults := []error{prefixed("policy", everybody)}
	for _, id := range slices.Sorted(maps.Keys(c.Policies.Clients)) {
		own := c.Policies.Said(auth.Client{ID: id}).Validate()
		faults = append(faults, prefixed("clients."+string(id), without(own, everybody)))
	}
	return errors.Join(faults...)
}

// without are the faults that are not among the others.
func without(faults, others error) error {
	known := texts(others)
	return errors.Join(slices.DeleteFunc(each(faults), func(f error) bool { return slices.Contains(known, f.Error()) })...)
}

func texts(faults error) (list []string) {
	for _, f := range each(faults) {
		list = append(list, f.Error())
	}
	return list
}

// namesNetworks reports whether a policy of the configuration lets sign-ins be started
// from some networks only.
func (c Config) namesNetworks() bool {
	names := func(ch PolicyChange) bool { return ch.Networks != nil && len(*ch.Networks) > 0 }
	return names(c.Policies.Everybody) || slices.ContainsFunc(slices.Collect(maps.Values(c.Policies.Clients)), names)
}

// unknownClients are those that have a policy in the configuration and are not
// registered: they may be yet, or somebody wrote another name.
func (s *Server) unknownClients(ctx context.Context) (list []string, err error) {
	err = s.store.View(ctx, func(tx store.Tx) error {
		list = nil
		for _, id := range slices.Sorted(maps.Keys(s.config.Policies.Clients)) {
			_, err := tx.Client(id)
			if errors.Is(err, store.ErrNotFound) {
				list = append(list, string(id))
			} else if err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

// warnOfUnknownClients: a policy that is for nobody protects nobody.
func (s *Server) warnOfUnknownClients(ctx context.Context) error {
	list, err := s.unknownClients(ctx)
	if err == nil && len(list) > 0 {
		s.log.Warn("the configuration has policies of clients that are not registered: look for another spelling, or add them",
			"clients", strings.Join(list, " "))
	}
	return err
}
