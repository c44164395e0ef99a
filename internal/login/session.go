package login

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/token"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// Access is an access token as it was presented.
type Access struct {
	Token secret.Text
	// Proof is the DPoP proof that came with it, verified with the token's hash but
	// for its nonce and its use; the zero Proof: it came as a bearer token.
	Proof dpop.Proof
}

// Claims is what a live access token says, and of whom.
type Claims struct {
	token.AccessClaims
	Scopes auth.Scopes
	User   auth.User
}

// UserInfo finds whose access token it is (OpenID Connect Core section 5.3).
// ErrUnknownToken when it is unknown, expired or revoked, the account disabled, or
// when it is bound to a key and came without a proof of that one, or the other way
// round; ErrScopeMissing without openid.
func (s *Service) UserInfo(ctx context.Context, a Access) (Claims, error) {
	c, err := s.claims(ctx, a.Token)
	if err != nil {
		return Claims{}, err
	}
	if c.KeyThumbprint != a.Proof.Thumbprint {
		return Claims{}, ErrUnknownToken
	}
	if !c.Scopes.Has(auth.ScopeOpenID) {
		return Claims{}, ErrScopeMissing
	}
	if a.Proof.Thumbprint == "" {
		return c, nil
	}
	if err := s.admitProof(ctx, a.Proof); err != nil {
		return Claims{}, err
	}
	err = s.Store.Update(store.Ahead(ctx), func(tx store.Tx) error { return spend(tx, a.Proof) })
	s.replays.settle(a.Proof, err)
	if err != nil {
		return Claims{}, err
	}
	return c, nil
}

// claims reads a live access token.
func (s *Service) claims(ctx context.Context, tok secret.Text) (Claims, error) {
	keys, err := s.Keys.Read(ctx)
	if err != nil {
		return Claims{}, err
	}
	wall := s.wall()
	access, err := keys.OpenAccess(wall, tok.Reveal(), s.Issuer)
	if err != nil {
		return Claims{}, ErrUnknownToken
	}
	if !wall.Before(access.ExpiresAt) {
		return Claims{}, ErrTokenOver
	}
	c := Claims{AccessClaims: access}
	if c.Scopes, err = auth.ParseScopes(access.Scope); err != nil {
		return Claims{}, ErrUnknownToken
	}
	err = s.Store.View(ctx, func(tx store.Tx) error {
		session, err := tx.Session(auth.SessionID(access.SessionID))
		if err == nil {
			c.User, err = alive(tx, wall, session)
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = ErrTokenOver
	}
	return c, err
}

// alive finds the session's person. store.ErrNotFound when either is over.
func alive(tx store.Tx, wall time.Time, session auth.Session) (auth.User, error) {
	user, err := tx.User(session.UserID)
	if err == nil && (user.Disabled || !wall.Before(session.ExpiresAt)) {
		err = store.ErrNotFound
	}
	return user, err
}

// Introspect tells a client that authenticates what a token is (RFC 7662): one of
// its own, or an access token for a resource that it serves. Of any other it says
// only that it is not active. ErrClientAuth for a public client.
func (s *Service) Introspect(ctx context.Context, client auth.Client, tok secret.Text) (wire.Introspection, error) {
	if !client.Confidential() {
		return wire.Introspection{}, ErrClientAuth
	}
	if _, ok := familyOf(tok); ok {
		return s.introspectRefresh(ctx, client, tok)
	}
	c, err := s.claims(ctx, tok)
	serves := func(resource string) bool { return slices.Contains(client.Introspects, resource) }
	switch {
	case errors.Is(err, ErrUnknownToken):
		return wire.Introspection{}, nil
	case err != nil:
		return wire.Introspection{}, err
	case c.ClientID != string(client.ID) && !slices.ContainsFunc(c.Audience, serves):
		return wire.Introspection{}, nil
	}
	return wire.Introspection{
		Active:    true,
		Scope:     c.Scope,
		ClientID:  c.ClientID,
		TokenType: tokenType(c.KeyThumbprint),
		ExpiresAt: c.ExpiresAt.Unix(),
		IssuedAt:  c.IssuedAt.Unix(),
		Subject:   c.Subject,
		Audience:  c.Audience,
		Issuer:    c.Issuer,
		ID:        c.ID,
		SessionID: c.SessionID,
		Bound:     confirmation(c.KeyThumbprint),
	}, nil
}

// introspectRefresh tells a client of a refresh token of its own, while it may be used.
func (s *Service) introspectRefresh(ctx context.Context, client auth.Client, tok secret.Text) (i wire.Introspection, err error) {
	keys, err := s.Keys.Read(ctx)
	if err != nil {
		return i, err
	}
	err = s.Store.View(ctx, func(tx store.Tx) error {
		i = wire.Introspection{}
		session, err := s.liveSession(tx, s.wall(), client, tok)
		if err != nil {
			return err
		}
		stored, err := tx.Refresh(tok.Hash())
		if err != nil || stored.Generation != session.Generation {
			return err
		}
		i = wire.Introspection{
			Active:    true,
			Scope:     session.ScopesAt(s.wall()).String(),
			ClientID:  string(client.ID),
			ExpiresAt: session.ExpiresAt.Unix(),
			IssuedAt:  s.told(session.RotatedAt).Unix(),
			Subject:   subjectOf(keys, client, session.UserID),
			Issuer:    s.Issuer,
			SessionID: string(session.ID),
			Bound:     confirmation(session.KeyThumbprint),
		}
		return nil
	})
	if errors.Is(err, ErrRefresh) || errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return i, err
}

// tokenType is how a token that is bound to the key, or to none, is used.
func tokenType(key string) string {
	if key != "" {
		return wire.TokenTypeDPoP
	}
	return wire.TokenTypeBearer
}

func confirmation(key string) *wire.Confirmation {
	if key == "" {
		return nil
	}
	return &wire.Confirmation{KeyThumbprint: key}
}

// Revoke ends what the token stands for, if it is the client's own: the session
// of an access token or a refresh token, and with it all tokens of that session; or
// of a device code or an authorization code the grant that nobody needs any more and the session that it
// has become, if its tokens never arrived. A token that is unknown or another
// client's is no error (RFC 7009 section 2.2).
func (s *Service) Revoke(ctx context.Context, client auth.ClientID, tok secret.Text, from netip.Addr) error {
	keys, err := s.Keys.Read(ctx)
	if err != nil {
		return err
	}
	family, refresh := familyOf(tok)
	access, err := keys.OpenAccess(s.wall(), tok.Reveal(), s.Issuer)
	switch {
	case err == nil: // its time may be over: the session's is not
		find := func(tx store.Tx) (auth.Session, error) { return tx.Session(auth.SessionID(access.SessionID)) }
		return s.end(ctx, client, find, byDesktop(auth.EventSignedOut, from))
	case refresh:
		return s.revokeInTwoParts(ctx, client, family, tok, from)
	}
	err = s.abandon(ctx, client, idOf(tok), from)
	if errors.Is(err, ErrUnknownCode) {
		return nil
	}
	return err
}

// revokeInTwoParts ends the session of a refresh token, or the grant of an
// authorization code and what it has become: both are a name, a dot, and chance.
func (s *Service) revokeInTwoParts(ctx context.Context, client auth.ClientID, name, tok secret.Text, from netip.Addr) error {
	g, err := s.Grant(ctx, auth.GrantID(name.Reveal()))
	switch {
	case errors.Is(err, ErrUnknownCode):
		find := func(tx store.Tx) (auth.Session, error) { return tx.SessionByFamily(name.Hash()) }
		return s.end(ctx, client, find, byDesktop(auth.EventSignedOut, from))
	case err != nil:
		return err
	case g.ClientID != client || g.Redirect.Code != tok.Hash():
		return nil
	}
	return s.abandon(ctx, client, g.ID, from)
}

// end removes the session, if it is the client's, for what the event tells. That
// there is none is no error.
func (s *Service) end(ctx context.Context, client auth.ClientID, find func(store.Tx) (auth.Session, error), why auth.Event) error {
	var ended auth.Session
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		ended = auth.Session{}
		session, err := find(tx)
		if err != nil || session.ClientID != client {
			return err
		}
		ended = session
		return s.endBy(tx, session, why)
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err == nil && ended.ID != "":
		s.Hub.Publish(ended.GrantID)
	}
	return err
}

// endBy removes the session for what the event tells. Whoever calls it wakes who
// waits for the session, after the transaction.
func (s *Service) endBy(tx store.Tx, session auth.Session, why auth.Event) error {
	if err := tx.RemoveSession(session.ID); err != nil {
		return err
	}
	return s.record(tx, aboutSession(why, session))
}

// abandon ends the grant, whatever has become of it.
func (s *Service) abandon(ctx context.Context, client auth.ClientID, id auth.GrantID, from netip.Addr) error {
	if err := s.Cancel(ctx, client, id, from); err != nil {
		return err
	}
	return s.endSessionOf(ctx, client, id, byDesktop(auth.EventSignedOut, from))
}

// endSessionOf ends what the client's grant has become.
func (s *Service) endSessionOf(ctx context.Context, client auth.ClientID, id auth.GrantID, why auth.Event) error {
	return s.end(ctx, client, func(tx store.Tx) (auth.Session, error) { return tx.SessionByGrant(id) }, why)
}

// AttachSession finds the session of a desktop that wants to learn of its end, by an
// access token of it. ErrUnknownToken when that is unknown; ErrTokenOver, which is one
// as well, when it is genuine but over, or the session is. The token's key is not asked for: there is nothing to be had but the news.
func (s *Service) AttachSession(ctx context.Context, tok secret.Text) (auth.Session, error) {
	c, err := s.claims(ctx, tok)
	if err != nil {
		return auth.Session{}, err
	}
	return s.Session(ctx, auth.SessionID(c.SessionID))
}

// Session reads a session. ErrTokenOver when it is over, or its person may not sign in.
func (s *Service) Session(ctx context.Context, id auth.SessionID) (session auth.Session, err error) {
	err = s.Store.View(ctx, func(tx store.Tx) error {
		if session, err = tx.Session(id); err == nil {
			_, err = alive(tx, s.wall(), session)
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = ErrTokenOver
	}
	return session, err
}
