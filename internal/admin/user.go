package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

// Account is what an operator sees of a person.
type Account struct {
	auth.User
	Passkeys int
	Sessions int // desktops that are signed in
}

// AmbiguousError is why a name did not name one person. It wraps ErrAmbiguous.
type AmbiguousError struct {
	Name  string
	Users []auth.User
}

// Error lists the IDs, one of which is to be used instead.
func (e *AmbiguousError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "user %q: %s; use one of their IDs instead:", e.Name, ErrAmbiguous)
	for _, u := range e.Users {
		fmt.Fprintf(&b, "\n  %s  (%s, since %s)", u.ID, u.Name, u.CreatedAt.UTC().Format("2006-01-02 15:04 MST"))
	}
	return b.String()
}

func (e *AmbiguousError) Unwrap() error { return ErrAmbiguous }

// Users lists the accounts, the oldest first.
func (o Operator) Users(ctx context.Context) (list []Account, err error) {
	err = o.Store.View(ctx, func(tx store.Tx) error {
		users, err := tx.Users()
		if err != nil {
			return err
		}
		list = make([]Account, 0, len(users))
		for _, u := range users {
			a, err := o.account(tx, u)
			if err != nil {
				return err
			}
			list = append(list, a)
		}
		return nil
	})
	return list, err
}

func (o Operator) account(tx store.Tx, u auth.User) (Account, error) {
	passkeys, err := tx.PasskeysOf(u.ID)
	if err != nil {
		return Account{}, err
	}
	sessions, err := tx.SessionsOf(u.ID)
	if err != nil {
		return Account{}, err
	}
	a := Account{User: u, Passkeys: len(passkeys)}
	for _, s := range sessions {
		if o.now().Before(s.ExpiresAt) {
			a.Sessions++
		}
	}
	return a, nil
}

// Disable keeps the person from signing in and ends the sessions of their
// desktops, of which it returns the number, and the sign-ins that the person has
// approved and no desktop has redeemed yet. Passkeys stay, for Enable. The account
// is returned as it was: disabling it twice is no error, and can be told.
func (o Operator) Disable(ctx context.Context, idOrName string) (was auth.User, ended int, err error) {
	err = o.Store.Update(ctx, func(tx store.Tx) error {
		if was, err = setDisabled(tx, idOrName, true); err != nil {
			return err
		}
		if err := o.voidApproved(tx, was.ID); err != nil {
			return err
		}
		if ended, err = endSessions(tx, was.ID); err != nil || was.Disabled && ended == 0 {
			return err
		}
		return o.recordUser(tx, auth.EventUserDisabled, was)
	})
	return was, ended, err
}

// Enable lets the person sign in again. The account is returned as it was.
func (o Operator) Enable(ctx context.Context, idOrName string) (was auth.User, err error) {
	err = o.Store.Update(ctx, func(tx store.Tx) error {
		if was, err = setDisabled(tx, idOrName, false); err != nil || !was.Disabled {
			return err
		}
		return o.recordUser(tx, auth.EventUserEnabled, was)
	})
	return was, err
}

// RemoveUser removes the account and all that is the person's, for good.
func (o Operator) RemoveUser(ctx context.Context, idOrName string) (u auth.User, err error) {
	err = o.Store.Update(ctx, func(tx store.Tx) error {
		if u, err = findUser(tx, idOrName); err != nil {
			return err
		}
		if err := o.voidApproved(tx, u.ID); err != nil {
			return err
		}
		if err := tx.RemoveUser(u.ID); err != nil {
			return err
		}
		return o.recordUser(tx, auth.EventUserRemoved, u)
	})
	return u, err
}

func setDisabled(tx store.Tx, idOrName string, disabled bool) (was auth.User, err error) {
	was, err = findUser(tx, idOrName)
	if err != nil || was.Disabled == disabled {
		return was, err
	}
	now := was
	now.Disabled = disabled
	return was, tx.SetUser(now)
}

func endSessions(tx store.Tx, id auth.UserID) (int, error) {
	sessions, err := tx.SessionsOf(id)
	if err != nil {
		return 0, err
	}
	for _, s := range sessions {
		if err := tx.RemoveSession(s.ID); err != nil {
			return 0, err
		}
	}
	return len(sessions), nil
}

// findUser finds a person by ID, or by a name that nobody else has; case does
// not count. ErrNoUser, or an *AmbiguousError.
func findUser(tx store.Tx, idOrName string) (auth.User, error) {
	u, err := tx.User(auth.UserID(idOrName))
	if !errors.Is(err, store.ErrNotFound) {
		return u, err
	}
	if tooLong(idOrName) {
		return auth.User{}, fmt.Errorf("user %q: %w", idOrName, ErrNoUser)
	}
	all, err := tx.Users()
	if err != nil {
		return auth.User{}, err
	}
	var named []auth.User
	for _, u := range all {
		if strings.EqualFold(u.Name, auth.CleanName(idOrName)) {
			named = append(named, u)
		}
	}
	switch len(named) {
	case 0:
		return auth.User{}, fmt.Errorf("user %q: %w", idOrName, ErrNoUser)
	case 1:
		return named[0], nil
	}
	return auth.User{}, &AmbiguousError{Name: idOrName, Users: named}
}
