package login

import (
	"context"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/risk"
	"github.com/qrauthd/qrauthd/internal/store"
)

// ReportComputer is "This wasn't me": it ends the session and every other one of that
// desktop's key, and keeps the desktop from being signed in to the account again: its
// key until an operator lifts the block, its address for auth.BlockedAddress, unless
// that is on the visitor's own network. What the account learned from the session is
// forgotten. Errors are those of SignOutComputer.
func (s *Service) ReportComputer(ctx context.Context, v Visitor, id auth.SessionID) error {
	return s.onComputers(ctx, v, func(tx store.Tx, _ auth.User, all []auth.Session) ([]auth.GrantID, error) {
		reported, err := among(all, id)
		if err != nil {
			return nil, err
		}
		its := sameComputer(all, reported)
		ended, err := s.endAll(tx, its, v.event(auth.EventReported))
		if err != nil {
			return nil, err
		}
		if err := s.unlearn(tx, its); err != nil {
			return nil, err
		}
		return ended, s.block(tx, v, reported)
	})
}

// sameComputer are the sessions of the desktop: of its key, or the one alone.
func sameComputer(all []auth.Session, one auth.Session) (list []auth.Session) {
	for _, session := range all {
		if session.ID == one.ID || one.KeyThumbprint != "" && session.KeyThumbprint == one.KeyThumbprint {
			list = append(list, session)
		}
	}
	return list
}

// unlearn forgets the desktop's key, and what its sign-ins have taught the account of
// networks and countries.
func (s *Service) unlearn(tx store.Tx, ended []auth.Session) error {
	for _, session := range ended {
		known, err := tx.FamiliarsOf(session.UserID)
		if err != nil {
			return err
		}
		since := firstSeen(known, session)
		for _, f := range known {
			if !s.taught(f, session, since) {
				continue
			}
			if err := tx.RemoveFamiliar(f.UserID, f.Kind, f.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// firstSeen is when the account first had the session's desktop.
func firstSeen(known []auth.Familiar, session auth.Session) time.Time {
	for _, f := range known {
		if f.Kind == auth.FamiliarKey && f.Value == session.KeyThumbprint {
			return f.FirstSeenAt
		}
	}
	return session.CreatedAt
}

// taught reports whether the account has it from the session's desktop, and did not
// have it before.
func (s *Service) taught(f auth.Familiar, session auth.Session, since time.Time) bool {
	if f.FirstSeenAt.Before(since) {
		return false
	}
	switch f.Kind {
	case auth.FamiliarKey, auth.FamiliarOwnKey:
		return f.Value == session.KeyThumbprint
	case auth.FamiliarClientKey:
		return f.Value == clientKey(session.ClientID, session.KeyThumbprint)
	case auth.FamiliarNetwork:
		return f.Value == risk.NetworkOf(session.StartedFrom)
	}
	return f.Value == s.Atlas.Look(session.StartedFrom).Country
}
