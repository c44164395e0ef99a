package sqlite

import "github.com/qrauthd/qrauthd/internal/auth"

const passkeyColumns = `id, user_id, public_key, aaguid, sign_count, backup_eligible, backup_state,
	transports, created_at, last_used_at`

func scanPasskey(r *row) auth.Passkey {
	return auth.Passkey{
		ID: r.blob(), UserID: text[auth.UserID](r), PublicKey: r.blob(), AAGUID: r.blob(),
		SignCount: number[uint32](r), BackupEligible: r.flag(), BackupState: r.flag(),
		Transports: r.words(), CreatedAt: r.instant(), LastUsedAt: r.instant(),
	}
}

func (t *tx) AddPasskey(p auth.Passkey) error {
	return t.add("passkey", `INSERT INTO passkeys (`+passkeyColumns+`) VALUES (?,?,?,?,?,?,?,?,?,?)`,
		p.ID, string(p.UserID), blob(p.PublicKey), blob(p.AAGUID), int64(p.SignCount), p.BackupEligible, p.BackupState,
		words(p.Transports), instant(p.CreatedAt), instant(p.LastUsedAt))
}

func (t *tx) Passkey(id []byte) (auth.Passkey, error) {
	return one(t, "passkey", scanPasskey, `SELECT `+passkeyColumns+` FROM passkeys WHERE id = ?`, id)
}

func (t *tx) PasskeysOf(user auth.UserID) ([]auth.Passkey, error) {
	return all(t, "passkeys", scanPasskey,
		`SELECT `+passkeyColumns+` FROM passkeys WHERE user_id = ? ORDER BY created_at, rowid`, string(user))
}

func (t *tx) SetPasskey(p auth.Passkey) error {
	return t.change("passkey", `UPDATE passkeys SET user_id=?, public_key=?, aaguid=?, sign_count=?,
		backup_eligible=?, backup_state=?, transports=?, created_at=?, last_used_at=? WHERE id = ?`,
		string(p.UserID), blob(p.PublicKey), blob(p.AAGUID), int64(p.SignCount), p.BackupEligible, p.BackupState,
		words(p.Transports), instant(p.CreatedAt), instant(p.LastUsedAt), p.ID)
}

func (t *tx) RemovePasskey(id []byte) error {
	return t.change("passkey", `DELETE FROM passkeys WHERE id = ?`, id)
}
