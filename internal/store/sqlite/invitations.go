package sqlite

import (
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
)

const (
	invitationColumns = `hash, user_id, name, created_at, expires_at`
	findInvitation    = `SELECT ` + invitationColumns + ` FROM invitations WHERE hash = ?`
)

func scanInvitation(r *row) auth.Invitation {
	return auth.Invitation{
		Hash: r.digest(), UserID: auth.UserID(r.optional()), Name: text[string](r),
		CreatedAt: r.instant(), ExpiresAt: r.instant(),
	}
}

func (t *tx) AddInvitation(i auth.Invitation) error {
	return t.add("invitation", `INSERT INTO invitations (`+invitationColumns+`) VALUES (?,?,?,?,?)`,
		key(i.Hash), optional(i.UserID), i.Name, instant(i.CreatedAt), instant(i.ExpiresAt))
}

func (t *tx) Invitation(h secret.Hash) (auth.Invitation, error) {
	return one(t, "invitation", scanInvitation, findInvitation, key(h))
}

func (t *tx) TakeInvitation(h secret.Hash) (auth.Invitation, error) {
	return take(t, "invitation", scanInvitation, findInvitation, `DELETE FROM invitations WHERE hash = ?`, key(h))
}
