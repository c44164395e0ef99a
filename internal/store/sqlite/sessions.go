package sqlite

import (
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
)

const (
	sessionColumns = `id, grant_id, user_id, client_id, scopes, resources, device_name, device_platform, app_version,
	auth_time, key_thumbprint, family_hash, generation, rotated_at, created_at, expires_at,
	started_from, origin, reduced_scopes, reduced_until`
	findSession = `SELECT ` + sessionColumns + ` FROM sessions WHERE `
)

func scanSession(r *row) auth.Session {
	return auth.Session{
		ID: text[auth.SessionID](r), GrantID: text[auth.GrantID](r), UserID: text[auth.UserID](r), ClientID: text[auth.ClientID](r),
		Scopes: r.words(), Resources: r.words(), Device: r.device(),
		AuthTime: r.instant(), KeyThumbprint: text[string](r), Family: r.digest(), Generation: number[int64](r),
		RotatedAt: r.instant(), CreatedAt: r.instant(), ExpiresAt: r.instant(),
		StartedFrom: r.address(), Origin: r.address(), ReducedScopes: r.words(), ReducedUntil: r.instant(),
	}
}

func (r *row) device() auth.Device {
	return auth.Device{Name: text[string](r), Platform: text[string](r), AppVersion: text[string](r)}
}

// sessionArgs are the columns but for the ID, in their order.
func sessionArgs(s auth.Session) []any {
	return []any{
		string(s.GrantID), string(s.UserID), string(s.ClientID), s.Scopes.String(), words(s.Resources),
		s.Device.Name, s.Device.Platform, s.Device.AppVersion,
		instant(s.AuthTime), s.KeyThumbprint, digest(s.Family), s.Generation,
		instant(s.RotatedAt), instant(s.CreatedAt), instant(s.ExpiresAt),
		address(s.StartedFrom), address(s.Origin), s.ReducedScopes.String(), instant(s.ReducedUntil),
	}
}

func (t *tx) AddSession(s auth.Session) error {
	return t.add("session", `INSERT INTO sessions (`+sessionColumns+`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		append([]any{string(s.ID)}, sessionArgs(s)...)...)
}

func (t *tx) Session(id auth.SessionID) (auth.Session, error) {
	return one(t, "session", scanSession, findSession+`id = ?`, string(id))
}

func (t *tx) SessionByGrant(id auth.GrantID) (auth.Session, error) {
	return one(t, "session of grant", scanSession, findSession+`grant_id = ?`, string(id))
}

// SessionByFamily finds nothing by the zero hash, which stands as NULL.
func (t *tx) SessionByFamily(h secret.Hash) (auth.Session, error) {
	return one(t, "session of family", scanSession, findSession+`family_hash = ?`, digest(h))
}

func (t *tx) SessionsOf(user auth.UserID) ([]auth.Session, error) {
	return all(t, "sessions", scanSession, findSession+`user_id = ? ORDER BY created_at, rowid`, string(user))
}

func (t *tx) SetSession(s auth.Session) error {
	return t.change("session", `UPDATE sessions SET grant_id=?, user_id=?, client_id=?, scopes=?, resources=?,
		device_name=?, device_platform=?, app_version=?, auth_time=?, key_thumbprint=?, family_hash=?,
		generation=?, rotated_at=?, created_at=?, expires_at=?,
		started_from=?, origin=?, reduced_scopes=?, reduced_until=? WHERE id = ?`,
		append(sessionArgs(s), string(s.ID))...)
}

func (t *tx) RemoveSession(id auth.SessionID) error {
	return t.change("session", `DELETE FROM sessions WHERE id = ?`, string(id))
}
