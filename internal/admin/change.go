package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/qrauthd/qrauthd/internal/assertion"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// ClientChange is what is to be different about a client. What is nil stays as it
// is; a list that is not nil replaces the one before, and takes it away when it is
// empty (the scopes: back to auth.DefaultScopes).
type ClientChange struct {
	Name         *string
	Verified     *bool
	AuthMethod   *auth.AuthMethod
	Keys         []byte // in a form that assertion.ParseKeys reads
	RedirectURIs []string
	Resources    []string
	Introspects  []string
	Pairwise     *bool
	RequireDPoP  *bool
	Scopes       []string
	Lifetime     *time.Duration
	Interval     *time.Duration
	// Policy is what is to hold for its sign-ins in particular, and Networks are its
	// networks in a form that auth.ParseNetwork reads. PolicyReset is what is to be as
	// the configuration has it again.
	Policy      auth.PolicyChange
	Networks    []string
	PolicyReset []auth.PolicyField
}

// none reports whether nothing is to be different.
func (ch ClientChange) none() bool {
	pointers := ch.Name == nil && ch.Verified == nil && ch.AuthMethod == nil && ch.Pairwise == nil &&
		ch.RequireDPoP == nil && ch.Lifetime == nil && ch.Interval == nil
	return pointers && ch.samePolicy() && ch.Keys == nil && ch.RedirectURIs == nil && ch.Resources == nil && ch.Introspects == nil && ch.Scopes == nil
}

// UpdateClient changes the application. It is the same one afterwards: its
// sessions and its sign-ins under way go on. With another way to authenticate the
// secrets or the keys of the one before are dropped; where that is a secret, the
// new one is returned, this once. All that is wrong with the change is reported at
// once, as ErrInvalid; ErrNoClient when there is no such client.
func (o Operator) UpdateClient(ctx context.Context, id auth.ClientID, ch ClientChange) (auth.Client, secret.Text, error) {
	if ch.none() {
		return auth.Client{}, secret.Text{}, fmt.Errorf("a change of nothing is %w: name what is to be different", ErrInvalid)
	}
	now := o.now()
	fresh, err := secret.New(o.random())
	if err != nil {
		return auth.Client{}, secret.Text{}, err
	}
	var c auth.Client
	var shown secret.Text
	err = o.Store.Update(ctx, func(tx store.Tx) error {
		shown = secret.Text{}
		if c, err = tx.Client(id); err != nil {
			return err
		}
		was := c
		faults := ch.apply(&c)
		if err := errors.Join(faults, check(c), o.checkPolicy(c, ch)); err != nil {
			return err
		}
		if c.AuthMethod == auth.AuthSecret && len(c.Secrets) == 0 {
			shown = fresh
			c.Secrets = []auth.ClientSecret{{Hash: fresh.Hash(), CreatedAt: now}}
		}
		if err := tx.SetClient(c); err != nil {
			return err
		}
		return o.recordChange(tx, now, was, c)
	})
	if err != nil {
		return auth.Client{}, secret.Text{}, noClient(id, err)
	}
	return c, shown, nil
}

// apply makes the change. It returns what cannot be seen of the client afterwards
// to be wrong.
func (ch ClientChange) apply(c *auth.Client) error {
	var faults []error
	if ch.Name != nil {
		c.Name = auth.CleanName(*ch.Name)
		faults = append(faults, checkName(*ch.Name))
	}
	set(&c.Verified, ch.Verified)
	set(&c.Pairwise, ch.Pairwise)
	set(&c.RequireDPoP, ch.RequireDPoP)
	set(&c.Lifetime, ch.Lifetime)
	set(&c.Interval, ch.Interval)
	replace(&c.RedirectURIs, ch.RedirectURIs)
	replace(&c.Resources, ch.Resources)
	replace(&c.Introspects, ch.Introspects)
	return errors.Join(append(faults, ch.applyScopes(c), ch.applyAuth(c), ch.applyPolicy(c))...)
}

// set changes a field, if there is anything to change it to.
func set[T any](field, to *T) {
	if to != nil {
		*field = *to
	}
}

// replace changes a list, if there is anything to change it to, without what is
// in there twice. An empty list is nil, as the store reads it back.
func replace(field *[]string, to []string) {
	switch {
	case len(to) > 0:
		*field = distinct(to)
	case to != nil:
		*field = nil
	}
}

// distinct is the list without what is in there twice, and never nil.
func distinct[T comparable](list []T) []T {
	all := make([]T, 0, len(list))
	for _, v := range list {
		if !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}

func (ch ClientChange) applyScopes(c *auth.Client) (err error) {
	if ch.Scopes != nil {
		c.Scopes, err = parseScopes(ch.Scopes)
	}
	return err
}

func (ch ClientChange) applyAuth(c *auth.Client) error {
	set(&c.AuthMethod, ch.AuthMethod)
	if c.AuthMethod != auth.AuthSecret {
		c.Secrets = nil
	}
	if c.AuthMethod != auth.AuthPrivateKey {
		c.Keys = nil
	}
	if ch.Keys == nil {
		return nil
	}
	keys, err := assertion.ParseKeys(ch.Keys)
	if err != nil {
		c.Keys = ch.Keys // so that they are not called missing besides
		return fmt.Errorf("the keys are %w: %w", ErrInvalid, err)
	}
	c.Keys = keys
	return nil
}
