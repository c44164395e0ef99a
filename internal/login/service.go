package login

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/passkey"
	"github.com/qrauthd/qrauthd/internal/push"
	"github.com/qrauthd/qrauthd/internal/store"
)

// What a use case can be refused for, beside package grant's errors and the
// store's. Test with errors.Is.
var (
	ErrUnknownClient = errors.New("no client has this client_id")
	ErrClientAuth    = errors.New("client authentication failed")
	ErrUnknownCode   = errors.New("no grant has this code")
	ErrScope         = errors.New("the client may not ask for this scope")
	ErrSlowDown      = errors.New("polling too fast")
	ErrUnknownToken  = errors.New("no live session has this token")
	ErrNoAccount     = errors.New("the account is disabled or gone")
	ErrPasskey       = errors.New("the passkey was not accepted")
	ErrJoinClosed    = errors.New("creating an account needs an invitation")
	ErrInvitation    = errors.New("the invitation is used, expired or unknown")
	ErrRecoveryCode  = errors.New("the recovery code is used or unknown")
	ErrName          = errors.New("a name is needed")
	ErrNameTooLong   = errors.New("the name is too long")
	ErrPasskeyExists = errors.New("the passkey is registered already")
	ErrCeremony      = errors.New("the ceremony is over or not this browser's")
	ErrSignInFirst   = errors.New("a fresh passkey sign-in is needed")
	ErrLastPasskey   = errors.New("the last passkey cannot be removed")
)

// Config is what a Service is made of. Store, Passkeys and Hub are required.
type Config struct {
	Store    store.Store
	Passkeys *passkey.RelyingParty
	Hub      *push.Hub
	Log      *slog.Logger
	// OpenRegistration lets anybody who reaches the server make an account.
	OpenRegistration bool
	// SessionLifetime is how long a desktop stays signed in; default 30 days.
	SessionLifetime time.Duration
	// NoPace lifts slow_down, for load tests.
	NoPace bool
	Now    func() time.Time // default time.Now
	Random io.Reader        // default crypto/rand.Reader
}

// DefaultSessionLifetime is how long a desktop stays signed in.
const DefaultSessionLifetime = 30 * 24 * time.Hour

// Service runs the use cases. It is safe for concurrent use.
type Service struct {
	Config
	clients clientCache
	pace    pace
}

// New makes a service.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.SessionLifetime == 0 {
		c.SessionLifetime = DefaultSessionLifetime
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	return &Service{Config: c}
}

// now is the present as the store keeps it, so that what was written compares
// equal to what is read.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// Heed has what another process changes in the store take effect here at once, such
// as an operator's command: whoever waits for a grant looks at it again. It returns
// when ctx ends.
func (s *Service) Heed(ctx context.Context) {
	s.Store.Watch(ctx, func() {
		s.clients.clear()
		s.Hub.PublishAll()
	})
}

// change runs one transition of a grant in a transaction and wakes who waits for
// it. Decide may return the grant unchanged; then nothing is written.
func (s *Service) change(ctx context.Context, id auth.GrantID, decide func(store.Tx, grant.Grant) (grant.Grant, error)) (grant.Grant, error) {
	var after grant.Grant
	var changed bool
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		before, err := tx.Grant(id)
		if err != nil {
			return unknown(err)
		}
		if after, err = decide(tx, before); err != nil {
			return err
		}
		if changed = after.Seq != before.Seq; !changed {
			return nil
		}
		return tx.SetGrant(after)
	})
	if err != nil {
		return grant.Grant{}, err
	}
	if changed {
		s.Hub.Publish(id)
	}
	return after, nil
}

func unknown(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return ErrUnknownCode
	}
	return err
}
