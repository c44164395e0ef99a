package desktop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// kept is a session as a Store holds it. Records of versions that had only the
// first four members are read as well.
type kept struct {
	Issuer      string    `json:"issuer"`
	ClientID    string    `json:"client_id"`
	AccessToken string    `json:"access_token"`
	Expiry      time.Time `json:"expiry,omitzero"`

	TokenType    string `json:"token_type,omitempty"` // none: Bearer
	RefreshToken string `json:"refresh_token,omitempty"`
	Key          []byte `json:"key,omitempty"`       // that the tokens are bound to, in PKCS #8
	ID           string `json:"id,omitempty"`        // tells the sign-ins of an app apart
	Rotations    int    `json:"rotations,omitempty"` // tells older tokens of a sign-in from newer ones
}

func (k kept) tokens() *tokens {
	kind := wire.TokenTypeBearer
	if k.TokenType != "" {
		kind = k.TokenType
	}
	return &tokens{kind: kind, access: k.AccessToken, refresh: k.RefreshToken, expiry: k.Expiry}
}

// record is the session for a store. The key is in it, so that the two can't be of
// different sign-ins. The caller holds the mutex.
func (s *Session) record() (kept, error) {
	key, err := marshaled(s.key)
	return kept{
		Issuer:       s.client.issuer.String(),
		ClientID:     s.client.clientID,
		AccessToken:  s.held.access,
		Expiry:       s.held.expiry,
		TokenType:    s.held.kind,
		RefreshToken: s.held.refresh,
		Key:          key,
		ID:           s.id,
		Rotations:    s.rotations,
	}, err
}

// storeKey names the app's session at this server.
func (c *Client) storeKey() string { return c.clientID + " at " + c.issuer.String() }

// past reports whether a time is over, by the clock on the wall. The zero time
// never is.
func (c *Client) past(t time.Time) bool { return !t.IsZero() && !c.wall().Before(t) }

// Save keeps the session for Client.Restore, and remembers the store: renewed
// tokens are kept there too, and SignOut forgets them there. With the tokens goes the
// key that they are bound to. The installation's key, for the sign-ins to come, has an
// entry of its own, which outlives a sign-out: the first that is kept there stays.
// Errors are ErrSignedOut, ErrNoSession and the store's.
func (s *Session) Save(store Store) error {
	if err := s.client.keepKey(store, s.key); err != nil {
		return err
	}
	before, err := s.adopt(store)
	if err != nil {
		return err
	}
	if err := s.keep(store); err != nil {
		s.leave(store, before)
		return err
	}
	return nil
}

// adopt makes the store the session's before anything is in it, so that a sign-out
// meanwhile cleans it up. It returns the one of before.
func (s *Session) adopt(store Store) (before Store, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.over:
		return nil, ErrSignedOut
	case s.lost():
		return nil, errRanOut
	}
	before, s.store = s.store, store
	return before, nil
}

// leave takes the store of before again, unless it has changed since.
func (s *Session) leave(store, before Store) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.store == store {
		s.store = before
	}
}

// keep writes the session of the moment into a store.
func (s *Session) keep(store Store) error {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	s.mu.Lock()
	over := s.over
	k, err := s.record()
	s.mu.Unlock()
	if over {
		return ErrSignedOut
	}
	if err != nil {
		return err
	}
	data, err := json.Marshal(k)
	if err != nil {
		return err
	}
	if err := store.Save(s.client.storeKey(), data); err != nil {
		return fmt.Errorf("keep the session: %w", err)
	}
	return nil
}

// Restore signs in silently by the session that [Session.Save] kept. It asks the
// server whether the session is still good; without an answer of its own, one that
// is not past its time, or that can be renewed later, is returned as it is.
// ErrNoSession says that there is none, that it has ended, and then the store has
// forgotten it, or that what is kept can't be read: that stays until the next Save,
// for it may be of a newer version of the app. Other errors are the store's, or tell of
// a server that isn't what the configuration says.
//
// It also takes up the installation's key that Save has kept. An app that calls Restore before it
// starts a sign-in has one key for as long as it is installed.
func (c *Client) Restore(ctx context.Context, store Store) (*Session, error) {
	key, err := c.loadKey(store)
	if err != nil {
		return nil, err
	}
	c.key.takeUp(key)
	s, err := c.load(store)
	if err != nil {
		return nil, err
	}
	return s.resume(ctx)
}

// errUnreadable: what the store holds is no session of this app at this server.
var errUnreadable = fmt.Errorf("%w: the kept one can't be read", ErrNoSession)

// read returns what the store holds: ErrNotFound, errUnreadable, or the store's
// error when there is none.
func (c *Client) read(store Store) (kept, error) {
	data, err := store.Load(c.storeKey())
	if err != nil {
		return kept{}, err
	}
	var k kept
	if json.Unmarshal(data, &k) != nil || k.AccessToken == "" || k.Issuer != c.issuer.String() || k.ClientID != c.clientID {
		return kept{}, errUnreadable
	}
	return k, nil
}

// load makes a session of what the store holds. What does not read back is none,
// and neither are bound tokens whose key does not.
func (c *Client) load(store Store) (*Session, error) {
	k, err := c.read(store)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, ErrNoSession
	case errors.Is(err, errUnreadable):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("look for a kept session: %w", err)
	}
	s := &Session{client: c, id: k.ID, held: k.tokens(), rotations: k.Rotations, store: store, gone: make(chan struct{})}
	if s.held.kind != wire.TokenTypeDPoP {
		return s, nil
	}
	if s.key, err = dpop.ParseKey(k.Key); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return s, nil
}

// resume renews the session if it is time to, and asks the server whether it lives
// if not. Only a clear no counts: an app that starts on a train stays signed in, and
// another refusal is for whoever asks for a token.
func (s *Session) resume(ctx context.Context) (*Session, error) {
	before := s.current()
	held, err := s.fresh(ctx)
	if err == nil && held == before {
		_, err = s.UserInfo(ctx)
	}
	var refused *OAuthError
	switch {
	case errors.Is(err, ErrNoSession):
		return nil, errors.Join(err, s.forget())
	case errors.Is(err, ErrSignedOut):
		return nil, fmt.Errorf("%w: %w", ErrNoSession, err)
	case err == nil, errors.Is(err, ErrOffline), errors.As(err, &refused), errors.Is(err, errNoUserInfo):
		return s, nil
	}
	return nil, err
}

// due reports whether the access token is to be replaced, by either clock.
func (c *Client) due(t *tokens) bool { return c.past(t.due()) || t.aged() }
