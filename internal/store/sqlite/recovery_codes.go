package sqlite

import (
	"fmt"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
)

const (
	recoveryCodeColumns = `hash, user_id, created_at`
	findRecoveryCode    = `SELECT ` + recoveryCodeColumns + ` FROM recovery_codes WHERE hash = ?`
)

func scanRecoveryCode(r *row) auth.RecoveryCode {
	return auth.RecoveryCode{Hash: r.digest(), UserID: text[auth.UserID](r), CreatedAt: r.instant()}
}

func (t *tx) SetRecoveryCodes(user auth.UserID, list []auth.RecoveryCode) error {
	err := t.whole(func() error {
		if _, err := t.exec(`DELETE FROM recovery_codes WHERE user_id = ?`, string(user)); err != nil {
			return err
		}
		for _, c := range list {
			if _, err := t.exec(`INSERT INTO recovery_codes (`+recoveryCodeColumns+`) VALUES (?,?,?)`,
				key(c.Hash), string(user), instant(c.CreatedAt)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("set recovery codes: %w", err)
	}
	return nil
}

func (t *tx) RecoveryCode(h secret.Hash) (auth.RecoveryCode, error) {
	return one(t, "recovery code", scanRecoveryCode, findRecoveryCode, key(h))
}

func (t *tx) TakeRecoveryCode(h secret.Hash) (auth.RecoveryCode, error) {
	return take(t, "recovery code", scanRecoveryCode, findRecoveryCode,
		`DELETE FROM recovery_codes WHERE hash = ?`, key(h))
}

func (t *tx) RecoveryCodesLeft(user auth.UserID) (int, error) {
	return one(t, "recovery codes", number[int], `SELECT count(*) FROM recovery_codes WHERE user_id = ?`, string(user))
}
