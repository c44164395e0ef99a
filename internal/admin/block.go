package admin

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
	"github.com/qrauthd/qrauthd/internal/store"
)

// Blocked is a computer that somebody reported ("This wasn't me").
type Blocked struct {
	auth.Block
	UserName string // of who reported it; empty when the account is gone
}

// Blocks lists what is blocked now, the oldest first.
func (o Operator) Blocks(ctx context.Context) (list []Blocked, err error) {
	now := o.now()
	err = o.Store.View(ctx, func(tx store.Tx) error {
		list = nil
		all, err := tx.Blocks()
		if err != nil {
			return err
		}
		for _, b := range all {
			if !b.Holds(now) {
				continue
			}
			name, err := nameOf(tx, b.UserID)
			if err != nil {
				return err
			}
			list = append(list, Blocked{b, name})
		}
		return nil
	})
	return list, err
}

// nameOf is the name of the account, if it is still there.
func nameOf(tx store.Tx, id auth.UserID) (string, error) {
	u, err := tx.User(id)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return u.Name, err
}

// LiftBlock lets the key or address in again, for all accounts, and returns what was
// lifted, one for each account that had reported it. An address of IPv6 stands for its
// /64. ErrNoBlock when nobody has, ErrInvalid for a kind or an address that is none.
func (o Operator) LiftBlock(ctx context.Context, kind auth.BlockKind, value string) (lifted []Blocked, err error) {
	value, err = blockValue(kind, value)
	if err != nil {
		return nil, err
	}
	now := o.now()
	err = o.Store.Update(ctx, func(tx store.Tx) error {
		lifted = nil
		blocks, err := tx.BlocksOn(kind, value)
		if err != nil {
			return err
		}
		if err := tx.RemoveBlocks(kind, value); err != nil {
			return err
		}
		for _, b := range blocks {
			name, err := nameOf(tx, b.UserID)
			if err != nil {
				return err
			}
			lifted = append(lifted, Blocked{b, name})
			if err := o.record(tx, now, ofBlock(b, name)); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("%s %s: %w", kind, value, ErrNoBlock)
	}
	if err != nil {
		return nil, err
	}
	return lifted, nil
}

// ofBlock tells of one account's block that is lifted.
func ofBlock(b auth.Block, name string) auth.Event {
	e := auth.Event{Type: auth.EventBlockLifted, Note: "of " + string(b.Kind)}
	e.UserID, e.UserName = b.UserID, name
	switch b.Kind {
	case auth.BlockKey:
		e.KeyThumbprint = b.Value
	case auth.BlockAddress:
		e.DesktopOrigin = firstOf(b.Value)
	}
	return e
}

// firstOf is the address, or the first of the network.
func firstOf(value string) netip.Addr {
	n, err := auth.ParseNetwork(value)
	if err != nil {
		return netip.Addr{}
	}
	return n.Addr()
}

// blockValue is the value as blocks have it.
func blockValue(kind auth.BlockKind, value string) (string, error) {
	switch kind {
	case auth.BlockKey:
		return value, nil
	case auth.BlockAddress:
		n, err := auth.ParseNetwork(value)
		if err != nil {
			return "", fmt.Errorf("address %q is %w: use a form such as 192.0.2.7 or 2001:db8::/64", value, ErrInvalid)
		}
		if !n.IsSingleIP() && ratelimit.AddressKey(n.Addr()) != n.String() {
			return "", fmt.Errorf("address %s is %w: blocked are single addresses of IPv4 and /64 networks of IPv6", n, ErrInvalid)
		}
		return ratelimit.AddressKey(n.Addr()), nil
	}
	return "", fmt.Errorf("kind %q is %w: use key or address", kind, ErrInvalid)
}
