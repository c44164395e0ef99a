package sqlite

import (
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
)

const familiarColumns = `user_id, kind, value, first_seen_at, last_seen_at`

func scanFamiliar(r *row) auth.Familiar {
	return auth.Familiar{
		UserID: text[auth.UserID](r), Kind: text[auth.FamiliarKind](r), Value: text[string](r),
		FirstSeenAt: r.instant(), LastSeenAt: r.instant(),
	}
}

func (t *tx) PutFamiliar(f auth.Familiar) error {
	return t.add("familiar", `INSERT INTO familiars (`+familiarColumns+`) VALUES (?,?,?,?,?)
		ON CONFLICT (user_id, kind, value) DO UPDATE SET
		first_seen_at = excluded.first_seen_at, last_seen_at = excluded.last_seen_at`,
		string(f.UserID), string(f.Kind), f.Value, instant(f.FirstSeenAt), f.LastSeenAt.UnixMicro())
}

func (t *tx) FamiliarsOf(user auth.UserID) ([]auth.Familiar, error) {
	return all(t, "familiars", scanFamiliar,
		`SELECT `+familiarColumns+` FROM familiars WHERE user_id = ? ORDER BY kind, value`, string(user))
}

func (t *tx) RemoveFamiliar(user auth.UserID, kind auth.FamiliarKind, value string) error {
	_, err := t.exec(`DELETE FROM familiars WHERE user_id = ? AND kind = ? AND value = ?`,
		string(user), string(kind), value)
	return err
}

// pruneFamiliars deletes up to limit that were last seen long enough ago.
func (t *tx) pruneFamiliars(now time.Time, limit int) (int, error) {
	n, err := t.exec(`DELETE FROM familiars WHERE (user_id, kind, value) IN (
		SELECT user_id, kind, value FROM familiars WHERE last_seen_at <= ? ORDER BY last_seen_at LIMIT ?)`,
		now.Add(-auth.FamiliarKept).UnixMicro(), limit)
	return int(n), err
}
