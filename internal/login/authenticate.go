package login

import (
	"context"
	"errors"
	"fmt"

	"github.com/qrauthd/qrauthd/internal/assertion"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// Credentials are how a client says who it is. A public client has its name only.
type Credentials struct {
	ID     auth.ClientID
	Secret secret.Text // of auth.AuthSecret
	// Assertion is that of auth.AuthPrivateKey, and Audiences whom it may be meant
	// for: the issuer, or the endpoint that it was sent to.
	Assertion string
	Audiences []string
	// Starts says that a sign-in is to begin: those that have begun go ahead of it.
	Starts bool
}

// AuthenticateClient finds the client and checks what it brought (RFC 6749 section
// 2.3, RFC 7523 section 3). A public client comes with nothing; any other must
// bring what it was registered for. ErrUnknownClient or ErrClientAuth otherwise.
func (s *Service) AuthenticateClient(ctx context.Context, c Credentials) (auth.Client, error) {
	client, err := s.Client(ctx, c.ID)
	if err != nil {
		return auth.Client{}, err
	}
	switch client.AuthMethod {
	case auth.AuthNone:
		if !c.Secret.IsZero() || c.Assertion != "" {
			err = ErrClientAuth
		}
	case auth.AuthSecret:
		if c.Assertion != "" || c.Secret.IsZero() || !client.HasSecret(s.wall(), c.Secret.Hash()) {
			err = ErrClientAuth
		}
	case auth.AuthPrivateKey:
		err = s.checkAssertion(ctx, client, c)
	default:
		err = ErrClientAuth
	}
	if err != nil {
		return auth.Client{}, err
	}
	return client, nil
}

// checkAssertion verifies the assertion and spends it: it works once, on any node.
func (s *Service) checkAssertion(ctx context.Context, client auth.Client, c Credentials) error {
	if !c.Secret.IsZero() || c.Assertion == "" {
		return ErrClientAuth
	}
	wall := s.wall()
	a, err := assertion.Verify(wall, c.Assertion, assertion.Expect{
		ClientID: string(client.ID), Audiences: c.Audiences, Keys: client.Keys,
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrClientAuth, err)
	}
	if !s.replays.first(wall, a) {
		return fmt.Errorf("%w: %w", ErrClientAuth, ErrReplay)
	}
	if !c.Starts {
		ctx = store.Ahead(ctx)
	}
	err = s.Store.Update(ctx, func(tx store.Tx) error { return spend(tx, a) })
	s.replays.settle(a, err)
	if errors.Is(err, ErrReplay) {
		err = fmt.Errorf("%w: %w", ErrClientAuth, err)
	}
	return err
}
