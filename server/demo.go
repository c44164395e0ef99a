package server

import (
	"context"
	"errors"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/store"
)

// DemoClientID is the public client that a demo has.
const DemoClientID = "desktop-demo"

// addDemoClient adds it, unless it is there.
func addDemoClient(ctx context.Context, st store.Store, record audit.Recorder) error {
	_, _, err := admin.Operator{Store: st, Record: record}.AddClient(ctx, admin.ClientRequest{
		ID:       DemoClientID,
		Name:     "Desktop Demo",
		Verified: true,
	})
	if errors.Is(err, admin.ErrClientExists) {
		return nil
	}
	return err
}
