package login

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// RefreshRequest asks for the next tokens of a session.
type RefreshRequest struct {
	TokenRequest
	Token  secret.Text
	Scopes auth.Scopes // of the access token; none: all that was granted (RFC 6749 section 6)
}

// Refresh rotates a session's refresh token (RFC 6749 section 6, RFC 9700 section
// 4.14.2). ErrRefresh for one that is unknown, another client's or over, ErrKey when
// the session is bound to a key of which no proof came. The use of one that was
// rotated away ends the session, with ErrReuse; but the holder of the key to which
// the session is bound may repeat the exchange of the last one for
// grant.RepeatFor, for the answer may have been lost.
func (s *Service) Refresh(ctx context.Context, r RefreshRequest) (Tokens, error) {
	if err := s.admitProof(ctx, r.Proof); err != nil {
		return Tokens{}, err
	}
	t, err := s.refresh(ctx, r)
	return t, s.usedUp(ctx, r.Proof, err)
}

func (s *Service) refresh(ctx context.Context, r RefreshRequest) (Tokens, error) {
	seen, err := s.sessionOfRefresh(ctx, r)
	if err != nil {
		return Tokens{}, err
	}
	t, err := s.nextTokens(ctx, r, seen)
	if err != nil {
		return Tokens{}, err
	}
	var reused bool
	err = s.Store.Update(store.Ahead(ctx), func(tx store.Tx) error {
		session, use, err := s.judge(tx, r)
		reused = use == useAgain
		switch use {
		case useAgain:
			return s.endBy(tx, session, byDesktop(auth.EventReused, r.Address))
		case useRotates:
			session, err = s.rotate(tx, r, session)
		}
		if err != nil {
			return err
		}
		return keep(tx, r.Proof, session, t)
	})
	switch {
	case err != nil:
		return Tokens{}, err
	case reused:
		s.Hub.Publish(seen.GrantID)
		s.Log.WarnContext(ctx, "a refresh token was used again: its session is over",
			slog.String("client", string(r.Client.ID)), slog.String("session", string(seen.ID)))
		return Tokens{}, ErrReuse
	}
	return t, nil
}

// sessionOfRefresh finds the session without the lock, for what the tokens will say.
func (s *Service) sessionOfRefresh(ctx context.Context, r RefreshRequest) (session auth.Session, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		session, err = s.liveSession(tx, s.wall(), r.Client, r.Token)
		return err
	})
	return session, err
}

// nextTokens signs what the refresh would yield. Scopes and resources are never
// more than what was granted.
func (s *Service) nextTokens(ctx context.Context, r RefreshRequest, session auth.Session) (Tokens, error) {
	switch {
	case !r.Scopes.Within(session.ScopesAt(s.wall())):
		return Tokens{}, ErrScope
	case !s.narrows(r.Resources, session.Resources):
		return Tokens{}, ErrTarget
	}
	keys, err := s.Keys.Read(ctx)
	if err != nil {
		return Tokens{}, err
	}
	i := r.issue(keys, s.wall(), session, "")
	if len(r.Scopes) > 0 {
		i.scopes = r.Scopes
	}
	t, err := s.tokens(i)
	if err != nil {
		return Tokens{}, err
	}
	t.Refresh, err = s.newRefresh(keys, session.ID)
	return t, err
}

// liveSession finds the session that the refresh token belongs to, whichever
// of its tokens that is. ErrRefresh when there is none, when it is another client's
// or when it is over.
func (s *Service) liveSession(tx store.Tx, wall time.Time, client auth.Client, tok secret.Text) (auth.Session, error) {
	family, ok := familyOf(tok)
	if !ok {
		return auth.Session{}, ErrRefresh
	}
	session, err := tx.SessionByFamily(family.Hash())
	if errors.Is(err, store.ErrNotFound) {
		return session, ErrRefresh
	}
	if err != nil {
		return session, err
	}
	if session.ClientID != client.ID {
		return session, ErrRefresh
	}
	if _, err := alive(tx, wall, session); errors.Is(err, store.ErrNotFound) {
		return session, ErrRefresh
	} else if err != nil {
		return session, err
	}
	return session, nil
}

// use is what the use of a refresh token amounts to.
type use int

const (
	useNone    use = iota // refused, and nothing comes of it
	useRotates            // of the present token: the next generation begins
	useRepeats            // of the last one, by the holder of the key: the answer was lost
	useAgain              // of any other: somebody has a copy
)

// judge decides, within the transaction, what the use of the token amounts to.
func (s *Service) judge(tx store.Tx, r RefreshRequest) (auth.Session, use, error) {
	session, err := s.liveSession(tx, s.wall(), r.Client, r.Token)
	if err != nil {
		return session, useNone, err
	}
	stored, err := tx.Refresh(r.Token.Hash())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return session, useAgain, nil
	case err != nil:
		return session, useNone, err
	case stored.Generation == session.Generation && !r.mayRotate(session):
		return session, useNone, ErrKey
	case stored.Generation == session.Generation:
		return session, useRotates, nil
	case stored.Generation == session.Generation-1 && r.proves(session.KeyThumbprint) &&
		grant.Repeats(s.now(), session.RotatedAt):
		return session, useRepeats, nil
	}
	return session, useAgain, nil
}

// mayRotate: a public client proves the key that its session is bound to (RFC 9449
// section 5); one that authenticates may come with a new key, but not without one. A
// session from before its client had to prove a key ends: whoever has its token could
// bind it to a key of theirs.
func (r RefreshRequest) mayRotate(session auth.Session) bool {
	switch {
	case session.KeyThumbprint == "":
		return !r.Client.RequireDPoP
	case r.Client.Confidential():
		return r.Proof.Thumbprint != ""
	}
	return r.proves(session.KeyThumbprint)
}

// rotate begins the next generation. The one before it stays for as long as it may
// be repeated, and what is older goes.
func (s *Service) rotate(tx store.Tx, r RefreshRequest, session auth.Session) (auth.Session, error) {
	wall := s.wall()
	session.Generation++
	session.RotatedAt = s.now()
	session.ExpiresAt = s.ends(session, wall)
	if r.Address.IsValid() {
		session.Origin = r.Address
	}
	if r.Proof.Thumbprint != "" {
		session.KeyThumbprint = r.Proof.Thumbprint
	}
	if err := s.endWindow(tx, wall, &session); err != nil {
		return session, err
	}
	if err := tx.SetSession(session); err != nil {
		return session, err
	}
	return session, tx.RemoveRefreshes(session.ID, session.Generation-1)
}
