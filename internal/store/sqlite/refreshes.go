package sqlite

import (
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
)

const refreshColumns = `hash, session_id, generation`

func scanRefresh(r *row) auth.Refresh {
	return auth.Refresh{Hash: r.digest(), SessionID: text[auth.SessionID](r), Generation: number[int64](r)}
}

func (t *tx) AddRefresh(f auth.Refresh) error {
	return t.add("refresh token", `INSERT INTO refreshes (`+refreshColumns+`) VALUES (?,?,?)`,
		key(f.Hash), string(f.SessionID), f.Generation)
}

func (t *tx) Refresh(h secret.Hash) (auth.Refresh, error) {
	return one(t, "refresh token", scanRefresh, `SELECT `+refreshColumns+` FROM refreshes WHERE hash = ?`, key(h))
}

func (t *tx) RemoveRefreshes(session auth.SessionID, before int64) error {
	_, err := t.exec(`DELETE FROM refreshes WHERE session_id = ? AND generation < ?`, string(session), before)
	return err
}
