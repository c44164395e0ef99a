package desktop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/oauth2"
)

// kept is a session as a Store holds it.
type kept struct {
	Issuer      string    `json:"issuer"`
	ClientID    string    `json:"client_id"`
	AccessToken string    `json:"access_token"`
	Expiry      time.Time `json:"expiry,omitzero"`
}

// storeKey names the app's session at this server.
func (c *Client) storeKey() string { return c.clientID + " at " + c.issuer.String() }

// past reports whether a time is over, by the clock on the wall. The zero time
// never is.
func (c *Client) past(t time.Time) bool { return !t.IsZero() && !c.wall().Before(t) }

// Save keeps the session for Client.Restore, and remembers the store, so that
// SignOut can forget it there. Errors are ErrSignedOut, ErrNoSession and the
// store's.
func (s *Session) Save(store Store) error {
	tok, err := s.Token()
	if err != nil {
		return err
	}
	data, err := json.Marshal(kept{
		Issuer:      s.client.issuer.String(),
		ClientID:    s.client.clientID,
		AccessToken: tok.AccessToken,
		Expiry:      tok.Expiry,
	})
	if err != nil {
		return err
	}
	if err := store.Save(s.client.storeKey(), data); err != nil {
		return fmt.Errorf("keep the session: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store = store
	return nil
}

// Restore signs in silently by the session that [Session.Save] kept. It asks the
// server whether the session is still good; without an answer of its own, one that
// is not past its time is returned as it is. ErrNoSession says that there is none or
// that it has ended, and then the store has forgotten it. Other errors are the
// store's, or tell of a server that isn't what the configuration says.
func (c *Client) Restore(ctx context.Context, store Store) (*Session, error) {
	s, err := c.load(store)
	if err != nil {
		return nil, err
	}
	if _, err := s.Token(); err != nil {
		return nil, errors.Join(err, s.forget())
	}
	return s.confirm(ctx)
}

// load reads what the store holds. What does not read back is no session.
func (c *Client) load(store Store) (*Session, error) {
	data, err := store.Load(c.storeKey())
	if errors.Is(err, ErrNotFound) {
		return nil, ErrNoSession
	}
	if err != nil {
		return nil, fmt.Errorf("look for a kept session: %w", err)
	}
	var k kept
	if json.Unmarshal(data, &k) != nil || k.AccessToken == "" || k.Issuer != c.issuer.String() || k.ClientID != c.clientID {
		return nil, fmt.Errorf("%w: the kept one can't be read", ErrNoSession)
	}
	s := newSession(c, &oauth2.Token{AccessToken: k.AccessToken, TokenType: "Bearer", Expiry: k.Expiry})
	s.store = store
	return s, nil
}

// confirm asks the server whether the session lives. Only a clear no counts: an
// app that starts on a train stays signed in.
func (s *Session) confirm(ctx context.Context) (*Session, error) {
	_, err := s.UserInfo(ctx)
	var refused *OAuthError
	switch {
	case err == nil, errors.Is(err, ErrOffline), errors.As(err, &refused), errors.Is(err, errNoUserInfo):
		return s, nil
	case errors.Is(err, ErrSignedOut):
		return nil, fmt.Errorf("%w: %w", ErrNoSession, err)
	}
	return nil, err
}
