package grant

import (
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
)

// Glance is as much of a grant as the answer to a poll takes that brings no tokens.
// Most polls are such ones, and a store reads so little at less cost.
type Glance struct {
	ID            auth.GrantID
	State         State
	ClientID      auth.ClientID
	Interval      time.Duration
	CreatedAt     time.Time
	ExpiresAt     time.Time
	KeyThumbprint string
	RedirectURI   string
	Tries         int
}

// Glance is the grant at a glance.
func (g Grant) Glance() Glance {
	return Glance{
		ID: g.ID, State: g.State, ClientID: g.ClientID, Interval: g.Interval,
		CreatedAt: g.CreatedAt, ExpiresAt: g.ExpiresAt,
		KeyThumbprint: g.KeyThumbprint, RedirectURI: g.Redirect.URI, Tries: g.Tries,
	}
}

// Redeem says what Grant.Redeem would of the grant; nil when there are tokens to be
// had, for which the grant is to be read as a whole.
func (l Glance) Redeem(now time.Time, client auth.ClientID) error {
	_, err := Grant{
		ID: l.ID, State: l.State, ClientID: l.ClientID, CreatedAt: l.CreatedAt, ExpiresAt: l.ExpiresAt,
		Redirect: Redirect{URI: l.RedirectURI}, Tries: l.Tries,
	}.Redeem(now, client)
	return err
}
