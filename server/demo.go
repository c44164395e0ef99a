package server

import (
	"context"
	"errors"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/store"
)

// DemoClientID is the public client that a demo has.
const DemoClientID = "desktop-demo"

// addDemoClient adds it, unless it is there.
func addDemoClient(ctx context.Context, st store.Store) error {
	_, _, err := admin.Operator{Store: st}.AddClient(ctx, admin.ClientRequest{
		ID:       DemoClientID,
		Name:     "Desktop Demo",
		Verified: true,
		// Sign in on this computer: an app listens on any port (RFC 8252 section 7.3).
		RedirectURIs: []string{"http://127.0.0.1/callback", "http://[::1]/callback"},
	})
	if errors.Is(err, admin.ErrClientExists) {
		return nil
	}
	return err
}
