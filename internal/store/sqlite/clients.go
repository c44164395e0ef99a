package sqlite

import "github.com/qrauthd/qrauthd/internal/auth"

const clientColumns = `id, name, verified, auth_method, secrets, keys, redirect_uris, resources, introspects,
	pairwise, require_dpop, scopes, lifetime, poll_interval, policy, created_at`

func scanClient(r row) (c auth.Client, err error) {
	err = r.Scan(&c.ID, &c.Name, &c.Verified, &c.AuthMethod, (*clientSecrets)(&c.Secrets), &c.Keys,
		(*words)(&c.RedirectURIs), (*words)(&c.Resources), (*words)(&c.Introspects),
		&c.Pairwise, &c.RequireDPoP, scopes(&c.Scopes), &c.Lifetime, &c.Interval,
		(*policyChange)(&c.Policy), (*instant)(&c.CreatedAt))
	return c, err
}

// clientArgs are the columns but for the ID, in their order.
func clientArgs(c auth.Client) []any {
	return []any{
		c.Name, c.Verified, string(c.AuthMethod), clientSecrets(c.Secrets), blob(c.Keys),
		words(c.RedirectURIs), words(c.Resources), words(c.Introspects),
		c.Pairwise, c.RequireDPoP, c.Scopes.String(), int64(c.Lifetime), int64(c.Interval),
		policyChange(c.Policy), instant(c.CreatedAt),
	}
}

func (t *tx) AddClient(c auth.Client) error {
	return t.add("client", `INSERT INTO clients (`+clientColumns+`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		append([]any{string(c.ID)}, clientArgs(c)...)...)
}

func (t *tx) Client(id auth.ClientID) (auth.Client, error) {
	return one(t, "client", scanClient, `SELECT `+clientColumns+` FROM clients WHERE id = ?`, string(id))
}

func (t *tx) Clients() ([]auth.Client, error) {
	return all(t, "clients", scanClient, `SELECT `+clientColumns+` FROM clients ORDER BY id`)
}

func (t *tx) SetClient(c auth.Client) error {
	return t.change("client", `UPDATE clients SET name=?, verified=?, auth_method=?, secrets=?, keys=?,
		redirect_uris=?, resources=?, introspects=?, pairwise=?, require_dpop=?,
		scopes=?, lifetime=?, poll_interval=?, policy=?, created_at=? WHERE id = ?`,
		append(clientArgs(c), string(c.ID))...)
}

func (t *tx) RemoveClient(id auth.ClientID) error {
	return t.change("client", `DELETE FROM clients WHERE id = ?`, string(id))
}
