package login

import (
	"context"
	"errors"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/place"
	"github.com/qrauthd/qrauthd/internal/risk"
	"github.com/qrauthd/qrauthd/internal/store"
)

// Sight is what a phone's page shows of a grant.
type Sight struct {
	Grant  grant.Grant
	State  grant.State // at Now
	Client auth.Client // the zero Client when it was removed meanwhile
	Now    time.Time
	Person auth.User // who is known in this browser; the zero User when nobody is

	// Risk is how things stand for this visitor, Demand what approving would take, and
	// Refusal why it cannot be had: ErrRisky, ErrUnknownDevice or ErrBlocked. Scopes
	// are what the desktop would get.
	Risk    risk.Assessment
	Demand  auth.Demand
	Refusal error
	Scopes  auth.Scopes
	// Place is the desktop's, and Distance how far it is from the visitor. Placed says
	// that the addresses are to be believed.
	Place    place.Place
	Distance risk.Distance
	Placed   bool
	// LinkKey is that of the code of the moment; see LinkKey.
	LinkKey string
}

// Open finds the grant that a user code opens at this moment. ErrUnknownCode for
// one that never did or no longer does. It changes nothing: link previews call it.
func (s *Service) Open(ctx context.Context, v Visitor, code grant.UserCode) (Sight, error) {
	return s.see(ctx, v, func(tx store.Tx) (grant.Grant, error) {
		g, err := tx.GrantByUserCode(code)
		if err == nil && !g.Opens(s.now(), code) {
			err = ErrUnknownCode
		}
		return g, err
	})
}

// Look finds a grant that this browser has opened before.
func (s *Service) Look(ctx context.Context, v Visitor, id auth.GrantID) (Sight, error) {
	return s.see(ctx, v, func(tx store.Tx) (grant.Grant, error) { return tx.Grant(id) })
}

func (s *Service) see(ctx context.Context, v Visitor, find func(store.Tx) (grant.Grant, error)) (Sight, error) {
	var sight Sight
	err := s.Store.View(ctx, func(tx store.Tx) error {
		g, err := find(tx)
		if err != nil {
			return unknown(err)
		}
		now := s.now()
		sight = Sight{Grant: g, State: g.StateAt(now), Now: now}
		if sight.Client, err = s.clientOf(tx, g); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if sight.Person, err = person(tx, s.wall(), v.Browser); err != nil {
			return err
		}
		j, err := s.assess(tx, g, sight.Client, v, sight.Person.ID)
		sight.Risk, sight.Demand, sight.Refusal, sight.Scopes = j.Assessment, j.demand, j.refusal, j.scopes
		sight.Place, sight.Distance, sight.Placed = j.place, j.distance, !s.AddressesUnsure
		return err
	})
	if err == nil && sight.Grant.Code != "" {
		sight.LinkKey, err = s.LinkKey(ctx, sight.Grant.Code)
	}
	return sight, err
}

// Person is who is known in the browser; the zero User when nobody is.
func (s *Service) Person(ctx context.Context, browser auth.BrowserID) (u auth.User, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		u, err = person(tx, s.wall(), browser)
		return err
	})
	return u, err
}

// person is who is known in the browser: the zero User when nobody is, or nobody
// who may still sign in.
func person(tx store.Tx, wall time.Time, browser auth.BrowserID) (auth.User, error) {
	b, err := tx.Browser(browser)
	if errors.Is(err, store.ErrNotFound) || err == nil && !wall.Before(b.ExpiresAt) {
		return auth.User{}, nil
	}
	if err != nil {
		return auth.User{}, err
	}
	u, err := tx.User(b.UserID)
	if errors.Is(err, store.ErrNotFound) || u.Disabled {
		return auth.User{}, nil
	}
	return u, err
}
