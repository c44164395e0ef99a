package sqlite

import (
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
)

const ceremonyColumns = `hash, browser, data, expires_at`

func scanCeremony(r *row) auth.Ceremony {
	return auth.Ceremony{Hash: r.digest(), Browser: text[auth.BrowserID](r), Data: r.blob(), ExpiresAt: r.instant()}
}

func (t *tx) AddCeremony(c auth.Ceremony) error {
	return t.add("ceremony", `INSERT INTO ceremonies (`+ceremonyColumns+`) VALUES (?,?,?,?)`,
		key(c.Hash), string(c.Browser), blob(c.Data), instant(c.ExpiresAt))
}

func (t *tx) TakeCeremony(h secret.Hash) (auth.Ceremony, error) {
	return take(t, "ceremony", scanCeremony, `SELECT `+ceremonyColumns+` FROM ceremonies WHERE hash = ?`,
		`DELETE FROM ceremonies WHERE hash = ?`, key(h))
}
