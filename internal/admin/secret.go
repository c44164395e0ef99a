package admin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// For how long an old secret stays good beside the new one.
const (
	DefaultOverlap = 24 * time.Hour
	MaxOverlap     = 30 * 24 * time.Hour
)

// RotateSecret gives the client a new secret, which is returned, this once. The one
// before stays good for the overlap, unless it was to end sooner; 0: it ends at
// once. No other one is good any more. ErrNoSecret for a client that authenticates
// without one, ErrNoClient when there is none, ErrInvalid for an overlap out of
// bounds.
func (o Operator) RotateSecret(ctx context.Context, id auth.ClientID, overlap time.Duration) (auth.Client, secret.Text, error) {
	if err := checkDuration("overlap", overlap, 0, MaxOverlap); err != nil {
		return auth.Client{}, secret.Text{}, err
	}
	fresh, err := secret.New(o.random())
	if err != nil {
		return auth.Client{}, secret.Text{}, err
	}
	now := o.now()
	var c auth.Client
	err = o.Store.Update(ctx, func(tx store.Tx) error {
		if c, err = tx.Client(id); err != nil {
			return err
		}
		if c.AuthMethod != auth.AuthSecret {
			return fmt.Errorf("client %s: %w", id, ErrNoSecret)
		}
		newest := auth.ClientSecret{Hash: fresh.Hash(), CreatedAt: now}
		c.Secrets = append([]auth.ClientSecret{newest}, outgoing(c.Secrets, now, now.Add(overlap))...)
		if err := tx.SetClient(c); err != nil {
			return err
		}
		return o.record(tx, now, auth.Event{Type: auth.EventSecretRotated, ClientID: id, Note: ofTheOldSecret(c)})
	})
	if err != nil {
		return auth.Client{}, secret.Text{}, noClient(id, err)
	}
	return c, fresh, nil
}

// ofTheOldSecret says until when the secret before the newest works.
func ofTheOldSecret(c auth.Client) string {
	if len(c.Secrets) < 2 {
		return "no other secret works any more"
	}
	return "the one before works until " + c.Secrets[1].ExpiresAt.UTC().Format(time.RFC3339)
}

// outgoing is the newest of the secrets, to end at that time at the latest; none
// when that is not in the future.
func outgoing(secrets []auth.ClientSecret, now, end time.Time) []auth.ClientSecret {
	if len(secrets) == 0 {
		return nil
	}
	last := slices.MaxFunc(secrets, func(a, b auth.ClientSecret) int { return a.CreatedAt.Compare(b.CreatedAt) })
	if last.ExpiresAt.IsZero() || last.ExpiresAt.After(end) {
		last.ExpiresAt = end
	}
	if !now.Before(last.ExpiresAt) {
		return nil
	}
	return []auth.ClientSecret{last}
}
