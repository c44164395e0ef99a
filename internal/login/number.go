package login

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// ConfirmNumber brings the number that the person typed on the desktop. With
// grant.ErrNumber it was another one, and the grant that comes back tells how many
// tries are left: after the last one it is denied. grant.ErrNoNumber when none is
// awaited, ErrUnknownCode for a grant that is unknown or another client's.
func (s *Service) ConfirmNumber(ctx context.Context, client auth.ClientID, id auth.GrantID, number string, from netip.Addr) (grant.Grant, error) {
	var wrong error // which is committed: the try is spent
	after, err := s.change(store.Ahead(ctx), id, func(tx store.Tx, g grant.Grant) (grant.Grant, error) {
		confirmed, err := g.Confirm(s.now(), client, number)
		wrong = nil
		switch {
		case errors.Is(err, grant.ErrForeign):
			return g, ErrUnknownCode
		case errors.Is(err, grant.ErrNumber):
			wrong = err
		case err != nil:
			return g, err
		}
		return confirmed, s.noteNumber(tx, confirmed, from)
	})
	if err != nil {
		return grant.Grant{}, err
	}
	return after, wrong
}

// noteNumber records what came of the number. The last wrong one is a denial as well,
// of which the operator may want to be told.
func (s *Service) noteNumber(tx store.Tx, g grant.Grant, from netip.Addr) error {
	if g.State == grant.Approved {
		return s.record(tx, about(byDesktop(auth.EventConfirmed, from), g))
	}
	e := about(byDesktop(auth.EventNumberWrong, from), g)
	e.Note = fmt.Sprintf("tries left: %d", g.TriesLeft())
	if err := s.record(tx, e); err != nil || !g.NumberFailed() {
		return err
	}
	e.Type, e.Actor, e.Note = auth.EventDenied, auth.ActorServer, "too many wrong numbers"
	return s.record(tx, e)
}

// GrantOf finds the client's grant by its device code. ErrUnknownCode for one that
// is unknown or another client's.
func (s *Service) GrantOf(ctx context.Context, client auth.ClientID, deviceCode secret.Text) (grant.Grant, error) {
	g, err := s.Grant(ctx, idOf(deviceCode))
	if err == nil && (g.ClientID != client || g.ForBrowser()) {
		return grant.Grant{}, ErrUnknownCode
	}
	return g, err
}
