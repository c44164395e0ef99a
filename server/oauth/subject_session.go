package oauth

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// sessionSubject is a desktop that is signed in and wants to hear when it no longer is.
type sessionSubject struct {
	face  *Face
	id    auth.SessionID
	grant auth.GrantID // that it came from, by which the hub knows it
	seq   int64        // the newest one's: the end comes after it
}

var _ subject = (*sessionSubject)(nil)

func (s *sessionSubject) name() string        { return string(s.id) }
func (s *sessionSubject) topic() auth.GrantID { return s.grant }

// admit refuses one socket too many, of the session or of its address. Nobody has to go
// for it: an access token that was stolen must not keep the desktop from hearing of its
// sign-out. The socket's place among those of sign-ins is freed.
func (s *sessionSubject) admit(k *socket) error {
	if !s.face.sockets.join(k, s.name()) {
		return errSockets
	}
	budgets := s.face.Budgets
	if !budgets.AcquireSessionSocket(k.address) {
		return errSockets
	}
	k.hold(budgets.ReleaseSessionSocket)
	return nil
}

// newest reads the session. Of its changes only refreshes count, which move its end.
func (s *sessionSubject) newest(ctx context.Context) (wire.Snapshot, time.Duration, error) {
	session, err := s.face.Login.Session(ctx, s.id)
	if errors.Is(err, login.ErrUnknownToken) {
		return wire.Snapshot{Seq: s.seq + 1, State: wire.StateSignedOut}, 0, nil
	}
	if err != nil {
		return wire.Snapshot{}, 0, err
	}
	s.seq = session.Generation + 1
	left := session.ExpiresAt.Sub(s.face.Login.Wall())
	return wire.Snapshot{Seq: s.seq, State: wire.StateSignedIn, ExpiresIn: wire.Seconds(left)}, left, nil
}

// take refuses all: there is nothing that such a desktop could say.
func (s *sessionSubject) take(context.Context, wire.ClientFrame, netip.Addr) error {
	return errOtherFrame
}
