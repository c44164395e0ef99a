package login

import (
	"context"
	"errors"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/keyring"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// settlement is how a grant is spent for tokens, by a device code or by an
// authorization code.
type settlement struct {
	spend func(time.Time, grant.Grant) (grant.Grant, error)
	// again reports whether what was spent may be asked for once more.
	again func(time.Time, grant.Grant) bool
}

// spendGrant turns an approved grant into a session and its first tokens. What they
// say was settled with the approval, so they are signed before the transaction
// that spends the grant.
func (s *Service) spendGrant(ctx context.Context, r TokenRequest, g grant.Grant, how settlement) (Tokens, error) {
	if !s.narrows(r.Resources, g.Resources) {
		return Tokens{}, ErrTarget
	}
	d, err := s.draft(ctx, r, g)
	if err != nil {
		return Tokens{}, err
	}
	var refusal error // which is committed
	_, err = s.change(store.Ahead(ctx), g.ID, func(tx store.Tx, g grant.Grant) (grant.Grant, error) {
		refusal = nil
		now := s.now()
		spent, err := how.spend(now, g)
		switch {
		case errors.Is(err, grant.ErrMismatch):
			refusal = err
			return spent, s.noteMismatch(tx, r, g, err)
		case err != nil:
			return g, err
		}
		switch over, err := s.lost(tx, g); {
		case err != nil:
			return g, err
		case over:
			refusal = grant.ErrDenied
			return g.Void(now), nil
		}
		return spent, s.begin(tx, r, d)
	})
	if errors.Is(err, grant.ErrRedeemed) {
		return s.repeat(ctx, r, g.ID, how)
	}
	if err = errors.Join(err, refusal); err != nil {
		return Tokens{}, err
	}
	return d.tokens, nil
}

// draft is a session that is to begin, with its first tokens, and whether the person
// was at its computer.
type draft struct {
	session  auth.Session
	tokens   Tokens
	presence presence
}

func (s *Service) draft(ctx context.Context, r TokenRequest, g grant.Grant) (draft, error) {
	keys, err := s.Keys.Read(ctx)
	if err != nil {
		return draft{}, err
	}
	id, err := secret.New(s.Random)
	if err != nil {
		return draft{}, err
	}
	wall := s.wall()
	session := auth.Session{
		ID:            auth.SessionID(dated(s.now(), id).Reveal()),
		GrantID:       g.ID,
		UserID:        g.UserID,
		ClientID:      g.ClientID,
		Scopes:        g.Scopes,
		Resources:     g.Resources,
		Device:        g.Device,
		StartedFrom:   g.Origin,
		Origin:        g.Origin,
		AuthTime:      s.told(g.DecidedAt),
		KeyThumbprint: r.Proof.Thumbprint,
		RotatedAt:     s.now(),
		CreatedAt:     wall,
	}
	var refresh secret.Text
	if g.Scopes.Has(auth.ScopeOffline) {
		if refresh, err = s.newRefresh(keys, session.ID); err != nil {
			return draft{}, err
		}
		session.Family = family(keys, session.ID).Hash()
	}
	session.ExpiresAt = s.ends(session, wall)
	if err := s.withhold(ctx, r.Client, g, &session); err != nil {
		return draft{}, err
	}
	where := s.presenceOf(r, g)
	if where != notTold {
		session.StartedFrom, session.Origin = r.Address, r.Address
	}
	t, err := s.tokens(r.issue(keys, wall, session, g.Nonce))
	t.Refresh = refresh
	return draft{session, t, where}, err
}

// issue is what the tokens of the session are made from at this request.
func (r TokenRequest) issue(keys *keyring.Set, wall time.Time, session auth.Session, nonce string) issue {
	resources := r.Resources
	if len(resources) == 0 {
		resources = session.Resources
	}
	return issue{
		keys: keys, client: r.Client, session: session, scopes: session.ScopesAt(wall), resources: resources,
		key: r.Proof.Thumbprint, nonce: nonce, wall: wall,
	}
}

// withhold takes from a session what the policy keeps from a computer that is new to
// the account, until its person confirms it. One that was approved in its own browser
// has somebody in front of it.
func (s *Service) withhold(ctx context.Context, client auth.Client, g grant.Grant, session *auth.Session) error {
	policy := s.Policies.Of(client)
	if policy.Unconfirmed == 0 || g.ForBrowser() {
		return nil
	}
	return s.Store.View(ctx, func(tx store.Tx) error {
		fresh, err := isNew(tx, session.UserID, session.ClientID, session.KeyThumbprint)
		if err == nil && fresh {
			session.ReducedScopes = policy.Reduce(session.Scopes)
			session.ReducedUntil = session.CreatedAt.Add(policy.Unconfirmed)
		}
		return err
	})
}

// begin writes a session that begins, and tells of it.
func (s *Service) begin(tx store.Tx, r TokenRequest, d draft) error {
	if err := tx.AddSession(d.session); err != nil {
		return err
	}
	if err := s.learn(tx, d); err != nil {
		return err
	}
	if err := s.record(tx, aboutSession(byDesktop(auth.EventSignedIn, r.Address), d.session)); err != nil {
		return err
	}
	return keep(tx, r.Proof, d.session, d.tokens)
}

// repeat gives the answer once more to who got it: the same client, with a proof of
// the key that the tokens are bound to, for a short while and until the first
// refresh shows that the answer has arrived. Anybody else gets grant.ErrRedeemed.
// The family of refresh tokens stays one, so a thief's use of it still shows.
func (s *Service) repeat(ctx context.Context, r TokenRequest, id auth.GrantID, how settlement) (Tokens, error) {
	var g grant.Grant
	var session auth.Session
	err := s.Store.View(ctx, func(tx store.Tx) (err error) {
		g, session, err = s.repeatable(tx, r, id, how)
		return err
	})
	if err != nil {
		return Tokens{}, err
	}
	if !s.narrows(r.Resources, session.Resources) {
		return Tokens{}, ErrTarget
	}
	keys, err := s.Keys.Read(ctx)
	if err != nil {
		return Tokens{}, err
	}
	t, err := s.tokens(r.issue(keys, s.wall(), session, g.Nonce))
	if err != nil {
		return Tokens{}, err
	}
	if !session.Family.IsZero() {
		if t.Refresh, err = s.newRefresh(keys, session.ID); err != nil {
			return Tokens{}, err
		}
	}
	err = s.Store.Update(store.Ahead(ctx), func(tx store.Tx) error {
		if _, _, err := s.repeatable(tx, r, id, how); err != nil {
			return err
		}
		return keep(tx, r.Proof, session, t)
	})
	if err != nil {
		return Tokens{}, err
	}
	return t, nil
}

// repeatable finds what the answer was about, if it may be given to this request
// once more. grant.ErrRedeemed when it may not, or when the session is over.
func (s *Service) repeatable(tx store.Tx, r TokenRequest, id auth.GrantID, how settlement) (grant.Grant, auth.Session, error) {
	g, err := tx.Grant(id)
	if err != nil {
		return g, auth.Session{}, unknown(err)
	}
	session, err := tx.SessionByGrant(id)
	if err == nil {
		_, err = alive(tx, s.wall(), session)
	}
	mine := r.proves(session.KeyThumbprint) && session.Generation == 0 && how.again(s.now(), g)
	if errors.Is(err, store.ErrNotFound) || err == nil && !mine {
		err = grant.ErrRedeemed
	}
	return g, session, err
}

// keep writes what has to be remembered of tokens that are about to be handed out.
func keep(tx store.Tx, proof dpop.Proof, session auth.Session, t Tokens) error {
	if err := spendProof(tx, proof); err != nil || t.Refresh.IsZero() {
		return err
	}
	return tx.AddRefresh(auth.Refresh{Hash: t.Refresh.Hash(), SessionID: session.ID, Generation: session.Generation})
}

// lost reports whether an approved grant may not become a session any more: its client
// or its person is gone, or the person has reported the desktop since.
func (s *Service) lost(tx store.Tx, g grant.Grant) (bool, error) {
	if over, err := s.gone(tx, g); err != nil || over {
		return over, err
	}
	return s.blocked(tx, g.KeyThumbprint, g.Origin, g.UserID)
}

// gone reports whether the client or the person that an approved grant needs has
// been removed or disabled since.
func (s *Service) gone(tx store.Tx, g grant.Grant) (bool, error) {
	if _, err := s.clientOf(tx, g); err != nil {
		return missing(err)
	}
	u, err := tx.User(g.UserID)
	if err != nil {
		return missing(err)
	}
	return u.Disabled, nil
}

func missing(err error) (bool, error) {
	if errors.Is(err, store.ErrNotFound) {
		return true, nil
	}
	return false, err
}
