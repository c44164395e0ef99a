package admin

import (
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/store"
)

// voidApproved ends the sign-ins that the person has approved and that are not
// redeemed yet.
func (o Operator) voidApproved(tx store.Tx, id auth.UserID) error {
	now := o.now()
	live, err := tx.GrantsOfUser(id, now)
	if err != nil {
		return err
	}
	return void(tx, now, live)
}

// void ends those of the grants that are not over, so that what is taken away now
// and given back later brings none of them back.
func void(tx store.Tx, now time.Time, grants []grant.Grant) error {
	for _, g := range grant.VoidAll(now, grants) {
		if err := tx.SetGrant(g); err != nil {
			return err
		}
	}
	return nil
}
