package server

import (
	"context"
	"log/slog"
	"time"

	"github.com/qrauthd/qrauthd/internal/keyring"
)

// openKeys has the keys ready before the first request, and fails where the key
// file is not the one that the keys in the database were encrypted with.
func (s *Server) openKeys(ctx context.Context) error {
	policy, err := s.config.KeyPolicy()
	if err != nil {
		return err
	}
	s.keys = keyring.New(s.store, policy, s.clock.Wall)
	return s.keys.Tend(ctx)
}

// tendKeys replaces what has come of age, again and again until ctx ends. A failure
// is logged, and the next turn tries again.
func tendKeys(ctx context.Context, keys *keyring.Keyring, log *slog.Logger) {
	tick := time.NewTicker(keyring.TendEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := keys.Tend(ctx); err != nil && ctx.Err() == nil {
			log.Error("tend keys", "err", err)
		}
	}
}
