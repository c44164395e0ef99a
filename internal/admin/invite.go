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

// How long an invitation is good for.
const (
	DefaultInviteLifetime = 7 * 24 * time.Hour
	MinInviteLifetime     = time.Minute
	MaxInviteLifetime     = 90 * 24 * time.Hour
)

// InviteRequest says whom to invite: a newcomer, to whom Name is offered, or the
// person whose account User names by ID or name, who has lost their passkeys.
type InviteRequest struct {
	Name     string
	User     string
	Lifetime time.Duration // 0: DefaultInviteLifetime
}

// Invite makes a one-time invitation. Its token is returned, this once. All that is
// wrong with the request is reported at once, as ErrInvalid.
func (o Operator) Invite(ctx context.Context, r InviteRequest) (auth.Invitation, secret.Text, error) {
	if r.Lifetime == 0 {
		r.Lifetime = DefaultInviteLifetime
	}
	if err := r.check(); err != nil {
		return auth.Invitation{}, secret.Text{}, err
	}
	token, err := secret.New(o.random())
	if err != nil {
		return auth.Invitation{}, secret.Text{}, err
	}
	now := o.now()
	inv := auth.Invitation{Hash: token.Hash(), Name: auth.CleanName(r.Name), CreatedAt: now, ExpiresAt: now.Add(r.Lifetime)}
	err = o.Store.Update(ctx, func(tx store.Tx) error {
		u, err := invitee(tx, r.User)
		if err != nil {
			return err
		}
		inv.UserID = u.ID
		if err := tx.AddInvitation(inv); err != nil {
			return err
		}
		return o.record(tx, now, invited(inv, u))
	})
	if err != nil {
		return auth.Invitation{}, secret.Text{}, err
	}
	return inv, token, nil
}

func (r InviteRequest) check() error {
	var both error
	if r.Name != "" && r.User != "" {
		both = fmt.Errorf("name and user together are %w: an account that exists has its name", ErrInvalid)
	}
	return errors.Join(both, checkOffer(r.Name), checkDuration("lifetime", r.Lifetime, MinInviteLifetime, MaxInviteLifetime))
}

// checkOffer allows what the page can offer as it is, and no name at all.
func checkOffer(name string) error {
	if name == "" {
		return nil
	}
	if auth.CleanName(name) == "" {
		return fmt.Errorf("name %q is %w: give one that can be read, or none", name, ErrInvalid)
	}
	return checkName(name)
}

// invitee is whose account the invitation is for: nobody's when none was named.
func invitee(tx store.Tx, idOrName string) (auth.User, error) {
	if idOrName == "" {
		return auth.User{}, nil
	}
	u, err := findUser(tx, idOrName)
	if err == nil && u.Disabled {
		err = fmt.Errorf("user %q: %w: enable it first", idOrName, ErrDisabled)
	}
	return u, err
}

func invited(inv auth.Invitation, u auth.User) auth.Event {
	e := auth.Event{Type: auth.EventUserInvited, Note: "to make an account"}
	e.UserID, e.UserName = u.ID, u.Name
	if u.ID == "" {
		e.UserName = inv.Name
	} else {
		e.Note = "to add a passkey"
	}
	e.Note += ", until " + inv.ExpiresAt.UTC().Format(time.RFC3339)
	return e
}
