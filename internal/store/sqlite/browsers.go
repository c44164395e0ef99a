package sqlite

import (
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
)

const browserColumns = `id, user_id, proved_at, expires_at`

func scanBrowser(r *row) auth.Browser {
	return auth.Browser{
		ID: text[auth.BrowserID](r), UserID: text[auth.UserID](r), ProvedAt: r.instant(), ExpiresAt: r.instant(),
	}
}

func (t *tx) PutBrowser(b auth.Browser) error {
	return t.add("browser", `INSERT INTO browsers (`+browserColumns+`) VALUES (?,?,?,?)
		ON CONFLICT (id) DO UPDATE SET
		user_id = excluded.user_id, proved_at = excluded.proved_at, expires_at = excluded.expires_at`,
		string(b.ID), string(b.UserID), instant(b.ProvedAt), instant(b.ExpiresAt))
}

func (t *tx) Browser(id auth.BrowserID) (auth.Browser, error) {
	return one(t, "browser", scanBrowser, `SELECT `+browserColumns+` FROM browsers WHERE id = ?`, string(id))
}

func (t *tx) RemoveBrowser(id auth.BrowserID) error {
	return t.change("browser", `DELETE FROM browsers WHERE id = ?`, string(id))
}

func (t *tx) RemoveBrowsersOf(user auth.UserID, keep auth.BrowserID) error {
	_, err := t.exec(`DELETE FROM browsers WHERE user_id = ? AND id <> ?`, string(user), string(keep))
	return err
}

func (t *tx) UnproveBrowsers(after time.Time) error {
	_, err := t.exec(`UPDATE browsers SET proved_at = NULL WHERE proved_at > ?`, instant(after))
	return err
}
