package sqlite

import "github.com/qrauthd/qrauthd/internal/auth"

const keyColumns = `id, use, algorithm, material, sealed, created_at, signs_from, expires_at`

func scanKey(r *row) auth.Key {
	return auth.Key{
		ID: text[auth.KeyID](r), Use: text[auth.KeyUse](r), Algorithm: text[string](r), Material: r.blob(), Sealed: r.flag(),
		CreatedAt: r.instant(), SignsFrom: r.instant(), ExpiresAt: r.instant(),
	}
}

func (t *tx) AddKey(k auth.Key) error {
	return t.add("key", `INSERT INTO keys (`+keyColumns+`) VALUES (?,?,?,?,?,?,?,?)`,
		string(k.ID), string(k.Use), k.Algorithm, blob(k.Material), k.Sealed,
		instant(k.CreatedAt), instant(k.SignsFrom), instant(k.ExpiresAt))
}

func (t *tx) Keys() ([]auth.Key, error) {
	return all(t, "keys", scanKey, `SELECT `+keyColumns+` FROM keys ORDER BY created_at, rowid`)
}

func (t *tx) SetKey(k auth.Key) error {
	return t.change("key", `UPDATE keys SET use=?, algorithm=?, material=?, sealed=?,
		created_at=?, signs_from=?, expires_at=? WHERE id = ?`,
		string(k.Use), k.Algorithm, blob(k.Material), k.Sealed,
		instant(k.CreatedAt), instant(k.SignsFrom), instant(k.ExpiresAt), string(k.ID))
}
