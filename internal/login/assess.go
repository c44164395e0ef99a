package login

import (
	"net/netip"
	"strconv"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/place"
	"github.com/qrauthd/qrauthd/internal/risk"
	"github.com/qrauthd/qrauthd/internal/store"
)

// judgement is what approving a grant takes of somebody who would do it from
// somewhere.
type judgement struct {
	risk.Assessment
	demand   auth.Demand
	refusal  error       // why it cannot be had at all; nil: it can
	scopes   auth.Scopes // what the desktop would get
	place    place.Place // of the desktop
	distance risk.Distance
}

// assess judges the grant for the visitor. Before the passkey tells who it is, the
// user may be unknown: what is known of accounts does not count then, and what they
// alone decide is not refused.
func (s *Service) assess(tx store.Tx, g grant.Grant, client auth.Client, v Visitor, user auth.UserID) (judgement, error) {
	facts, err := s.facts(tx, g, v, user)
	if err != nil {
		return judgement{}, err
	}
	policy := s.Policies.Of(client)
	j := judgement{
		Assessment: risk.Assess(facts),
		demand:     auth.DemandPasskey,
		scopes:     g.Scopes,
		place:      s.placeOf(g.Origin),
		distance:   risk.Compare(facts.Desktop, facts.Phone),
	}
	switch j.Level {
	case risk.Medium:
		j.demand, j.scopes = policy.Medium, policy.Reduce(g.Scopes)
	case risk.High:
		j.demand, j.scopes = policy.High, policy.Reduce(g.Scopes)
	}
	if g.ForBrowser() && j.demand == auth.DemandNumber {
		j.demand = auth.DemandPasskey // it was asked for in this very browser: there is no other screen
	}
	j.refusal, err = s.refused(tx, g, j.demand, user, policy)
	return j, err
}

// refused is why the grant cannot be approved by the user, if they are known.
func (s *Service) refused(tx store.Tx, g grant.Grant, demand auth.Demand, user auth.UserID, policy auth.Policy) (error, error) {
	if user == "" {
		return nil, nil
	}
	stranger := false
	if policy.RequireKnownDevice && !g.ForBrowser() {
		fresh, err := isNew(tx, user, g.ClientID, g.KeyThumbprint)
		if err != nil {
			return nil, err
		}
		stranger = fresh
	}
	switch blocked, err := s.blocked(tx, g.KeyThumbprint, g.Origin, user); {
	case err != nil:
		return nil, err
	case blocked:
		return ErrBlocked, nil
	case stranger:
		return ErrUnknownDevice, nil
	case demand == auth.DemandRefuse:
		return ErrRisky, nil
	}
	return nil, nil
}

// facts are what is known of the request.
func (s *Service) facts(tx store.Tx, g grant.Grant, v Visitor, user auth.UserID) (f risk.Facts, err error) {
	f = risk.Facts{
		Local:       g.ForBrowser(),
		Desktop:     s.spotOf(g.Origin),
		Phone:       s.spotOf(v.Address),
		OpenedTwice: g.OpenedTwice && !g.OpenedLate, // who came after the claim could decide nothing
		ManyStarts:  g.Crowded,
	}
	if f.Reported, err = s.reported(tx, g.KeyThumbprint, g.Origin, user); err != nil || user == "" {
		return f, err
	}
	familiar, err := tx.FamiliarsOf(user)
	for _, known := range familiar {
		switch known.Kind {
		case auth.FamiliarKey:
			f.KnownKey = f.KnownKey || g.KeyThumbprint == known.Value
		case auth.FamiliarNetwork:
			f.Networks = append(f.Networks, known.Value)
		case auth.FamiliarCountry:
			f.Countries = append(f.Countries, known.Value)
		}
	}
	return f, err
}

// spotOf is where an address is, as far as it may be believed.
func (s *Service) spotOf(a netip.Addr) risk.Spot {
	if s.AddressesUnsure {
		return risk.Spot{}
	}
	p := s.Atlas.Look(a)
	spot := risk.Spot{Address: a, Country: p.Country, Operator: p.Operator}
	if p.ASN != 0 {
		spot.Operator = "AS" + strconv.FormatUint(uint64(p.ASN), 10)
	}
	return spot
}

func (s *Service) placeOf(a netip.Addr) place.Place {
	if s.AddressesUnsure {
		return place.Place{}
	}
	return s.Atlas.Look(a)
}
