package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// ClientRequest describes an application that is to be allowed to ask.
type ClientRequest struct {
	ID   auth.ClientID
	Name string // what people read on the phone
	// Verified: the operator vouches for the name.
	Verified bool
	// AuthMethod is how it authenticates; empty: auth.AuthNone. An application on
	// people's own computers can keep neither a secret nor a key that all copies of
	// it share (RFC 8252 section 8.5).
	AuthMethod auth.AuthMethod
	// Keys are the public keys of auth.AuthPrivateKey, in a form that
	// assertion.ParseKeys reads.
	Keys []byte
	// RedirectURIs are where authorization codes may go. None: LoopbackRedirectURIs
	// for an application that keeps no secret, and no codes for any other.
	RedirectURIs []string
	Resources    []string
	Introspects  []string
	Pairwise     bool
	RequireDPoP  bool
	Scopes       []string      // none: auth.DefaultScopes
	Lifetime     time.Duration // of a grant; 0: auth.DefaultLifetime
	Interval     time.Duration // between polls; 0: auth.DefaultInterval
	// Policy is what is to hold for its sign-ins in particular, and Networks are its
	// networks in a form that auth.ParseNetwork reads: nil says nothing of them, and an
	// empty list is anywhere.
	Policy   auth.PolicyChange
	Networks []string
}

// AddClient adds the application. The secret of one that authenticates with a
// secret is returned, this once: the store keeps its hash. All that is wrong with
// the request is reported at once, as ErrInvalid; ErrClientExists when the ID is
// taken.
func (o Operator) AddClient(ctx context.Context, r ClientRequest) (auth.Client, secret.Text, error) {
	now := o.now()
	c, err := o.client(r, now)
	if err != nil {
		return auth.Client{}, secret.Text{}, err
	}
	var sec secret.Text
	if c.AuthMethod == auth.AuthSecret {
		if sec, err = secret.New(o.random()); err != nil {
			return auth.Client{}, secret.Text{}, err
		}
		c.Secrets = []auth.ClientSecret{{Hash: sec.Hash(), CreatedAt: now}}
	}
	err = o.Store.Update(ctx, func(tx store.Tx) error {
		if err := tx.AddClient(c); err != nil {
			return err
		}
		return o.record(tx, now, auth.Event{Type: auth.EventClientAdded, ClientID: c.ID, Note: beyondDefaults(c)})
	})
	if errors.Is(err, store.ErrConflict) {
		err = fmt.Errorf("client %s: %w", c.ID, ErrClientExists)
	}
	if err != nil {
		return auth.Client{}, secret.Text{}, err
	}
	return c, sec, nil
}

// client checks the request and fills in its defaults.
func (o Operator) client(r ClientRequest, now time.Time) (auth.Client, error) {
	c := unsaid()
	c.ID, c.CreatedAt = r.ID, now
	change := r.change()
	faults := change.apply(&c)
	if c.AuthMethod == auth.AuthNone && len(c.RedirectURIs) == 0 {
		c.RedirectURIs = LoopbackRedirectURIs()
	}
	return c, errors.Join(checkClientID(c.ID), faults, check(c), o.checkPolicy(c, change))
}

// unsaid is a client of which nothing is said.
func unsaid() auth.Client {
	return auth.Client{
		AuthMethod: auth.AuthNone,
		Scopes:     auth.DefaultScopes(),
		Lifetime:   auth.DefaultLifetime,
		Interval:   auth.DefaultInterval,
	}
}

// LoopbackRedirectURIs are where our SDK takes an authorization code on the person's
// own computer, on any port (RFC 8252 section 7.3).
func LoopbackRedirectURIs() []string {
	return []string{"http://127.0.0.1/callback", "http://[::1]/callback"}
}

// change is what the request says beyond the defaults.
func (r ClientRequest) change() ClientChange {
	return ClientChange{
		Name:         &r.Name,
		Verified:     &r.Verified,
		AuthMethod:   unlessZero(r.AuthMethod),
		Keys:         r.Keys,
		RedirectURIs: r.RedirectURIs,
		Resources:    r.Resources,
		Introspects:  r.Introspects,
		Pairwise:     &r.Pairwise,
		RequireDPoP:  &r.RequireDPoP,
		Scopes:       r.Scopes,
		Lifetime:     unlessZero(r.Lifetime),
		Interval:     unlessZero(r.Interval),
		Policy:       r.Policy,
		Networks:     r.Networks,
	}
}

func unlessZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// Clients lists the applications by ID.
func (o Operator) Clients(ctx context.Context) (list []auth.Client, err error) {
	err = o.Store.View(ctx, func(tx store.Tx) error {
		list, err = tx.Clients()
		return err
	})
	return list, err
}

// Client finds one application. ErrNoClient when there is none of that ID.
func (o Operator) Client(ctx context.Context, id auth.ClientID) (c auth.Client, err error) {
	err = o.Store.View(ctx, func(tx store.Tx) error {
		c, err = tx.Client(id)
		return err
	})
	return c, noClient(id, err)
}

// RemoveClient removes the application and ends the sessions of its desktops.
// Its sign-ins under way are over for good, also if a client of that ID is added
// again, and its polls are told that the client is unknown. ErrNoClient when there
// is none.
func (o Operator) RemoveClient(ctx context.Context, id auth.ClientID) error {
	now := o.now()
	err := o.Store.Update(ctx, func(tx store.Tx) error {
		if err := tx.RemoveClient(id); err != nil {
			return err
		}
		live, err := tx.GrantsOfClient(id, now)
		if err != nil {
			return err
		}
		if err := void(tx, now, live); err != nil {
			return err
		}
		return o.record(tx, now, auth.Event{Type: auth.EventClientRemoved, ClientID: id})
	})
	return noClient(id, err)
}

// noClient tells of a client that is not there in the operator's words.
func noClient(id auth.ClientID, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("client %s: %w", id, ErrNoClient)
	}
	return err
}
