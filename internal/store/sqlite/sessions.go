package sqlite

import (
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
)

const sessionColumns = `id, grant_id, user_id, client_id, scopes, device_name, device_platform, app_version,
	access_hash, created_at, expires_at`

func scanSession(r row) (s auth.Session, err error) {
	err = r.Scan(&s.ID, &s.GrantID, &s.UserID, &s.ClientID, scopes(&s.Scopes),
		&s.Device.Name, &s.Device.Platform, &s.Device.AppVersion,
		(*digest)(&s.AccessHash), (*instant)(&s.CreatedAt), (*instant)(&s.ExpiresAt))
	return s, err
}

func (t *tx) AddSession(s auth.Session) error {
	return t.add("session", `INSERT INTO sessions (`+sessionColumns+`) VALUES (?,?,?,?,?,?,?,?,?,?,?)`,
		string(s.ID), string(s.GrantID), string(s.UserID), string(s.ClientID), s.Scopes.String(),
		s.Device.Name, s.Device.Platform, s.Device.AppVersion,
		digest(s.AccessHash), instant(s.CreatedAt), instant(s.ExpiresAt))
}

func (t *tx) SessionByAccess(h secret.Hash) (auth.Session, error) {
	return one(t, "session", scanSession, `SELECT `+sessionColumns+` FROM sessions WHERE access_hash = ?`, digest(h))
}

func (t *tx) SessionsOf(user auth.UserID) ([]auth.Session, error) {
	return all(t, "sessions", scanSession,
		`SELECT `+sessionColumns+` FROM sessions WHERE user_id = ? ORDER BY created_at, rowid`, string(user))
}

func (t *tx) RemoveSession(id auth.SessionID) error {
	return t.change("session", `DELETE FROM sessions WHERE id = ?`, string(id))
}
