package sqlite

import "github.com/qrauthd/qrauthd/internal/auth"

func (t *tx) AddReplay(r auth.Replay) error {
	return t.add("replay", `INSERT INTO replays (hash, expires_at) VALUES (?,?)`, key(r.Hash), instant(r.ExpiresAt))
}
