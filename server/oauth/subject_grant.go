package oauth

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// grantSubject is a sign-in under way.
type grantSubject struct {
	face   *Face
	id     auth.GrantID
	client auth.ClientID
}

var _ subject = (*grantSubject)(nil)

func (s *grantSubject) name() string        { return string(s.id) }
func (s *grantSubject) topic() auth.GrantID { return s.id }

// admit lets every socket in. The oldest goes for one too many: a desktop whose network
// broke has it open still.
func (s *grantSubject) admit(k *socket) error {
	if oldest := s.face.sockets.replace(k, s.name()); oldest != nil {
		oldest.close(ending{wire.CloseReplaced, "replaced by a newer connection"})
	}
	return nil
}

func (s *grantSubject) newest(ctx context.Context) (wire.Snapshot, time.Duration, error) {
	g, err := s.fresh(ctx)
	if err != nil {
		return wire.Snapshot{}, 0, err
	}
	now := s.face.Login.Now()
	snap, err := s.face.snapshot(ctx, now, g)
	return snap, holdsFor(now, g), err
}

// overdue is how long a code waits that could not be replaced when it was due.
// Ten thousand desktops must not wear out a storage that is in trouble.
const overdue = storageRetry

// holdsFor is how long the grant stays as it is if nobody does anything.
func holdsFor(now time.Time, g grant.Grant) time.Duration {
	holds := g.ExpiresAt.Sub(now)
	if !g.Rotates(now) {
		return holds
	}
	due := g.RotationDue().Sub(now)
	if due <= 0 {
		due = overdue
	}
	return min(holds, due)
}

// fresh is the grant as it stands, with a new user code if one is due. A storage that
// has too much to do, or takes nothing at the moment, is no reason to hang up: the code
// lives a little longer, and those that want to sign in are served.
func (s *grantSubject) fresh(ctx context.Context) (grant.Grant, error) {
	svc := s.face.Login
	g, err := svc.Grant(ctx, s.id)
	if now := svc.Now(); err != nil || !g.Rotates(now) || now.Before(g.RotationDue()) {
		return g, err
	}
	rotated, err := svc.Rotate(ctx, s.id)
	if errors.Is(err, store.ErrOverloaded) || errors.Is(err, store.ErrUnavailable) {
		return g, nil
	}
	return rotated, err
}

func (s *grantSubject) take(ctx context.Context, frame wire.ClientFrame, from netip.Addr) error {
	if frame.Type == wire.FrameCancel {
		return s.face.Login.Cancel(ctx, s.client, s.id, from)
	}
	g, err := s.face.Login.Grant(ctx, s.id)
	if err != nil {
		return err
	}
	if _, err := s.face.confirmNumber(ctx, g, frame.Number, from); !toldBySnapshot(err) {
		return err
	}
	return nil
}

// toldBySnapshot reports whether the next snapshot says all about why a number was not
// taken. Where none is awaited, another socket may have been faster.
func toldBySnapshot(err error) bool {
	for _, cause := range []error{
		grant.ErrNumber, grant.ErrNoNumber,
		grant.ErrApproved, grant.ErrRedeemed, grant.ErrDenied, grant.ErrCancelled, grant.ErrExpired,
	} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

// snapshot is the whole truth of a grant, as its desktop may know it.
func (f *Face) snapshot(ctx context.Context, now time.Time, g grant.Grant) (wire.Snapshot, error) {
	snap := wire.Snapshot{Seq: g.SeqAt(now), State: wire.State(g.StateAt(now))}
	if snap.State.Terminal() {
		return snap, nil
	}
	snap.ExpiresIn = wire.Seconds(g.ExpiresAt.Sub(now))
	snap.UserCode = g.Code.String()
	snap.CodeExpiresIn = snap.ExpiresIn
	if g.Rotates(now) {
		snap.CodeExpiresIn = min(snap.ExpiresIn, wire.Seconds(g.RotationDue().Sub(now)))
	}
	if snap.State == wire.StateVerifying {
		snap.TriesLeft = g.TriesLeft()
	}
	var err error
	snap.VerificationURIComplete, err = f.verificationURIComplete(ctx, g.Code)
	return snap, err
}
