package login

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/place"
	"github.com/qrauthd/qrauthd/internal/store"
)

// Computers is what a person sees of the desktops that are signed in to their account.
type Computers struct {
	User auth.User
	List []Computer // the one that was heard from last comes first
}

// Computer is a desktop that is signed in.
type Computer struct {
	Session     auth.Session
	Client      auth.Client
	Place       place.Place // rough, of where it was last heard from
	Unconfirmed bool        // the person has yet to say that they know it
}

// Computers lists the desktops of the person who proved a passkey in the visitor's
// browser a short while ago. ErrSignInFirst when nobody did.
func (s *Service) Computers(ctx context.Context, v Visitor) (c Computers, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		c = Computers{}
		if c.User, err = s.fresh(tx, v.Browser); err != nil {
			return err
		}
		sessions, err := tx.SessionsOf(c.User.ID)
		if err != nil {
			return err
		}
		c.List, err = s.computers(tx, sessions)
		return err
	})
	return c, err
}

func (s *Service) computers(tx store.Tx, sessions []auth.Session) (list []Computer, err error) {
	wall := s.wall()
	for _, session := range sessions {
		if !wall.Before(session.ExpiresAt) {
			continue
		}
		client, err := tx.Client(session.ClientID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		list = append(list, Computer{session, client, s.placeOf(session.Origin), session.Unconfirmed(wall)})
	}
	slices.SortStableFunc(list, func(a, b Computer) int { return b.Session.RotatedAt.Compare(a.Session.RotatedAt) })
	for i := range list {
		list[i].Session.RotatedAt = s.told(list[i].Session.RotatedAt)
	}
	return list, nil
}

// SignOutComputer ends one of the person's sessions. store.ErrNotFound when there is
// no such computer of theirs, ErrSignInFirst without a fresh sign-in.
func (s *Service) SignOutComputer(ctx context.Context, v Visitor, id auth.SessionID) error {
	return s.onComputers(ctx, v, func(tx store.Tx, _ auth.User, all []auth.Session) ([]auth.GrantID, error) {
		session, err := among(all, id)
		if err != nil {
			return nil, err
		}
		return s.endAll(tx, []auth.Session{session}, v.event(auth.EventSignedOut))
	})
}

// SignOutComputers ends all of the person's sessions, with those that they have
// approved and that have not begun, and returns how many there were. ErrSignInFirst
// without a fresh sign-in.
func (s *Service) SignOutComputers(ctx context.Context, v Visitor) (n int, err error) {
	err = s.onComputers(ctx, v, func(tx store.Tx, who auth.User, all []auth.Session) ([]auth.GrantID, error) {
		n = len(all)
		ended, err := s.endAll(tx, all, v.event(auth.EventSignedOut))
		if err != nil {
			return nil, err
		}
		voided, err := s.voidApproved(tx, who.ID)
		return append(ended, voided...), err
	})
	return n, err
}

// ConfirmComputer says that the person knows the desktop: it has all of its scopes
// from its next refresh on. Errors are those of SignOutComputer.
func (s *Service) ConfirmComputer(ctx context.Context, v Visitor, id auth.SessionID) error {
	return s.onComputers(ctx, v, func(tx store.Tx, _ auth.User, all []auth.Session) ([]auth.GrantID, error) {
		session, err := among(all, id)
		if err != nil || !session.Unconfirmed(s.wall()) {
			return nil, err
		}
		session.ReducedScopes, session.ReducedUntil = nil, time.Time{}
		if err := tx.SetSession(session); err != nil {
			return nil, err
		}
		if err := s.meetAll(tx, session, ownKeys(session)...); err != nil {
			return nil, err
		}
		return nil, s.record(tx, aboutSession(v.event(auth.EventDeviceOK), session))
	})
}

// onComputers does something about the sessions of the person who proved a passkey
// in the browser a short while ago, and wakes who waits for the grants that it names.
func (s *Service) onComputers(ctx context.Context, v Visitor, do func(store.Tx, auth.User, []auth.Session) ([]auth.GrantID, error)) error {
	var ended []auth.GrantID
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		u, err := s.fresh(tx, v.Browser)
		if err != nil {
			return err
		}
		all, err := tx.SessionsOf(u.ID)
		if err != nil {
			return err
		}
		ended, err = do(tx, u, all)
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range ended {
		s.Hub.Publish(id)
	}
	return nil
}

// endAll ends the sessions, and names the grants that they came from.
func (s *Service) endAll(tx store.Tx, sessions []auth.Session, why auth.Event) (ended []auth.GrantID, err error) {
	for _, session := range sessions {
		if err := s.endBy(tx, session, why); err != nil {
			return nil, err
		}
		ended = append(ended, session.GrantID)
	}
	return ended, nil
}

// voidApproved ends what the person has approved and no desktop has fetched yet.
func (s *Service) voidApproved(tx store.Tx, user auth.UserID) (voided []auth.GrantID, err error) {
	now := s.now()
	grants, err := tx.GrantsOfUser(user, now)
	if err != nil {
		return nil, err
	}
	for _, g := range grant.VoidAll(now, grants) {
		if err := tx.SetGrant(g); err != nil {
			return nil, err
		}
		voided = append(voided, g.ID)
	}
	return voided, nil
}

// among finds the session of that ID. store.ErrNotFound when it is none of them.
func among(all []auth.Session, id auth.SessionID) (auth.Session, error) {
	i := slices.IndexFunc(all, func(session auth.Session) bool { return session.ID == id })
	if i < 0 {
		return auth.Session{}, store.ErrNotFound
	}
	return all[i], nil
}
