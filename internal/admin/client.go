package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// maxClientID is the length of a client ID, in bytes.
const maxClientID = 64

// ClientRequest describes an application that is to be allowed to ask.
type ClientRequest struct {
	ID   auth.ClientID
	Name string // what people read on the phone
	// Verified: the operator vouches for the name.
	Verified bool
	// Confidential: the application keeps a secret and must bring it (RFC 6749
	// section 2.1). An application on people's own computers cannot keep one.
	Confidential bool
	Scopes       []string      // none: openid and profile
	Lifetime     time.Duration // of a grant; 0: auth.DefaultLifetime
	Interval     time.Duration // between polls; 0: auth.DefaultInterval
}

// AddClient adds the application. For a confidential one the secret is returned,
// this once: the store keeps its hash. All that is wrong with the request is
// reported at once, as ErrInvalid; ErrClientExists when the ID is taken.
func (o Operator) AddClient(ctx context.Context, r ClientRequest) (auth.Client, secret.Text, error) {
	c, err := r.client(o.now())
	if err != nil {
		return auth.Client{}, secret.Text{}, err
	}
	var sec secret.Text
	if r.Confidential {
		if sec, err = secret.New(o.random()); err != nil {
			return auth.Client{}, secret.Text{}, err
		}
		c.SecretHash = sec.Hash()
	}
	err = o.Store.Update(ctx, func(tx store.Tx) error { return tx.AddClient(c) })
	if errors.Is(err, store.ErrConflict) {
		err = fmt.Errorf("client %s: %w", c.ID, ErrClientExists)
	}
	if err != nil {
		return auth.Client{}, secret.Text{}, err
	}
	return c, sec, nil
}

// client checks the request and fills in its defaults.
func (r ClientRequest) client(now time.Time) (auth.Client, error) {
	c := auth.Client{
		ID:        r.ID,
		Name:      auth.CleanName(r.Name),
		Verified:  r.Verified,
		Lifetime:  r.Lifetime,
		Interval:  r.Interval,
		CreatedAt: now,
	}
	if c.Lifetime == 0 {
		c.Lifetime = auth.DefaultLifetime
	}
	if c.Interval == 0 {
		c.Interval = auth.DefaultInterval
	}
	var err error
	c.Scopes, err = parseScopes(r.Scopes)
	return c, errors.Join(
		checkClientID(c.ID),
		checkName(r.Name),
		err,
		checkDuration("lifetime", c.Lifetime, auth.MinLifetime, auth.MaxLifetime),
		checkDuration("interval", c.Interval, time.Second, auth.MaxInterval),
	)
}

// checkClientID allows what needs no escaping in a form, a shell or a header.
func checkClientID(id auth.ClientID) error {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r)
	}
	strange := strings.ContainsFunc(string(id), func(r rune) bool { return !plain(r) })
	if id == "" || len(id) > maxClientID || strange || strings.ContainsAny(string(id[:1]), "._-") {
		return fmt.Errorf("client ID %q is %w: use 1 to %d letters, digits, dots, hyphens and underscores, a letter or digit first",
			id, ErrInvalid, maxClientID)
	}
	return nil
}

func checkName(name string) error {
	clean := auth.CleanName(name)
	if clean == "" {
		return fmt.Errorf("the empty name is %w: give the name that people know the application by", ErrInvalid)
	}
	if tooLong(name) {
		return fmt.Errorf("name %q is %w: use at most %d characters", clean, ErrInvalid, auth.MaxDeviceField)
	}
	return nil
}

// tooLong reports a name that auth.CleanName would cut, into another one.
func tooLong(name string) bool {
	return utf8.RuneCountInString(strings.TrimSpace(name)) > auth.MaxDeviceField
}

func checkDuration(what string, d, least, most time.Duration) error {
	if d < least || d > most || d%time.Second != 0 {
		return fmt.Errorf("%s %s is %w: use whole seconds from %s to %s", what, d, ErrInvalid, least, most)
	}
	return nil
}

func parseScopes(list []string) (auth.Scopes, error) {
	scopes, err := auth.ParseScopes(strings.Join(list, " "))
	if err != nil {
		return nil, fmt.Errorf("scopes %q are %w: %w", list, ErrInvalid, err)
	}
	if len(scopes) == 0 {
		return auth.Scopes{auth.ScopeOpenID, auth.ScopeProfile}, nil
	}
	return scopes, nil
}

// Clients lists the applications by ID.
func (o Operator) Clients(ctx context.Context) (list []auth.Client, err error) {
	err = o.Store.View(ctx, func(tx store.Tx) error {
		list, err = tx.Clients()
		return err
	})
	return list, err
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
		return void(tx, now, live)
	})
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("client %s: %w", id, ErrNoClient)
	}
	return err
}
