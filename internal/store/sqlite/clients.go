package sqlite

import (
	"fmt"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
)

const clientColumns = `id, name, verified, auth_method, secrets, keys, redirect_uris, resources, introspects,
	pairwise, require_dpop, scopes, lifetime, poll_interval, policy, created_at`

func scanClient(r *row) auth.Client {
	return auth.Client{
		ID: text[auth.ClientID](r), Name: text[string](r), Verified: r.flag(), AuthMethod: text[auth.AuthMethod](r),
		Secrets: r.clientSecrets(), Keys: r.blob(), RedirectURIs: r.words(), Resources: r.words(), Introspects: r.words(),
		Pairwise: r.flag(), RequireDPoP: r.flag(), Scopes: r.words(),
		Lifetime: number[time.Duration](r), Interval: number[time.Duration](r),
		Policy: r.policyChange(), CreatedAt: r.instant(),
	}
}

// clientArgs are the columns but for the ID, in their order.
func clientArgs(c auth.Client) ([]any, error) {
	secrets, err := clientSecrets(c.Secrets)
	if err != nil {
		return nil, err
	}
	policy, err := policyChange(c.Policy)
	return []any{
		c.Name, c.Verified, string(c.AuthMethod), secrets, blob(c.Keys),
		words(c.RedirectURIs), words(c.Resources), words(c.Introspects),
		c.Pairwise, c.RequireDPoP, c.Scopes.String(), int64(c.Lifetime), int64(c.Interval),
		policy, instant(c.CreatedAt),
	}, err
}

func (t *tx) AddClient(c auth.Client) error {
	args, err := clientArgs(c)
	if err != nil {
		return fmt.Errorf("add client: %w", err)
	}
	return t.add("client", `INSERT INTO clients (`+clientColumns+`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		append([]any{string(c.ID)}, args...)...)
}

func (t *tx) Client(id auth.ClientID) (auth.Client, error) {
	return one(t, "client", scanClient, `SELECT `+clientColumns+` FROM clients WHERE id = ?`, string(id))
}

func (t *tx) Clients() ([]auth.Client, error) {
	return all(t, "clients", scanClient, `SELECT `+clientColumns+` FROM clients ORDER BY id`)
}

func (t *tx) SetClient(c auth.Client) error {
	args, err := clientArgs(c)
	if err != nil {
		return fmt.Errorf("change client: %w", err)
	}
	return t.change("client", `UPDATE clients SET name=?, verified=?, auth_method=?, secrets=?, keys=?,
		redirect_uris=?, resources=?, introspects=?, pairwise=?, require_dpop=?,
		scopes=?, lifetime=?, poll_interval=?, policy=?, created_at=? WHERE id = ?`,
		append(args, string(c.ID))...)
}

func (t *tx) RemoveClient(id auth.ClientID) error {
	return t.change("client", `DELETE FROM clients WHERE id = ?`, string(id))
}
