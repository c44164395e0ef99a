package sqlite

import (
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
)

const messageColumns = `id, body, created_at, due_at, tries`

func scanMessage(r *row) auth.Message {
	return auth.Message{
		ID: text[string](r), Body: r.blob(), CreatedAt: r.instant(), DueAt: r.instant(), Tries: number[int](r),
	}
}

func (t *tx) AddMessage(m auth.Message) error {
	return t.add("message", `INSERT INTO messages (`+messageColumns+`) VALUES (?,?,?,?,?)`,
		m.ID, blob(m.Body), instant(m.CreatedAt), m.DueAt.UnixMicro(), m.Tries)
}

func (t *tx) DueMessages(now time.Time, limit int) ([]auth.Message, error) {
	return all(t, "due messages", scanMessage, `SELECT `+messageColumns+` FROM messages
		WHERE due_at <= ? ORDER BY due_at, rowid LIMIT ?`, now.UnixMicro(), atMost(limit))
}

func (t *tx) SetMessage(m auth.Message) error {
	return t.change("message", `UPDATE messages SET body = ?, created_at = ?, due_at = ?, tries = ? WHERE id = ?`,
		blob(m.Body), instant(m.CreatedAt), m.DueAt.UnixMicro(), m.Tries, m.ID)
}

func (t *tx) RemoveMessage(id string) error {
	return t.change("message", `DELETE FROM messages WHERE id = ?`, id)
}

// pruneMessages deletes up to limit that nobody has taken for long enough.
func (t *tx) pruneMessages(now time.Time, limit int) (int, error) {
	n, err := t.exec(`DELETE FROM messages WHERE rowid IN (SELECT rowid FROM messages WHERE created_at <= ? ORDER BY created_at LIMIT ?)`,
		instant(now.Add(-auth.MessageKept)), limit)
	return int(n), err
}
