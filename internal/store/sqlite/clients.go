package sqlite

import "github.com/qrauthd/qrauthd/internal/auth"

const clientColumns = `id, name, verified, secret_hash, scopes, lifetime, poll_interval, created_at`

func scanClient(r row) (c auth.Client, err error) {
	err = r.Scan(&c.ID, &c.Name, &c.Verified, (*digest)(&c.SecretHash), scopes(&c.Scopes),
		&c.Lifetime, &c.Interval, (*instant)(&c.CreatedAt))
	return c, err
}

func (t *tx) AddClient(c auth.Client) error {
	return t.add("client", `INSERT INTO clients (`+clientColumns+`) VALUES (?,?,?,?,?,?,?,?)`,
		string(c.ID), c.Name, c.Verified, digest(c.SecretHash), c.Scopes.String(),
		int64(c.Lifetime), int64(c.Interval), instant(c.CreatedAt))
}

func (t *tx) Client(id auth.ClientID) (auth.Client, error) {
	return one(t, "client", scanClient, `SELECT `+clientColumns+` FROM clients WHERE id = ?`, string(id))
}

func (t *tx) Clients() ([]auth.Client, error) {
	return all(t, "clients", scanClient, `SELECT `+clientColumns+` FROM clients ORDER BY id`)
}

func (t *tx) RemoveClient(id auth.ClientID) error {
	return t.change("client", `DELETE FROM clients WHERE id = ?`, string(id))
}
