package server

import (
	"context"
	"log/slog"
	"time"

	"github.com/qrauthd/qrauthd/internal/store"
)

// pruneEvery is how often what ended long ago is deleted.
const pruneEvery = 5 * time.Minute

// prune deletes what ended long ago, at once, for a server may be restarted before
// its first turn, and again and again until ctx ends. A failure is
// logged, and the next turn tries again.
func prune(ctx context.Context, st store.Store, now func() time.Time, log *slog.Logger) {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		gone, err := st.Prune(ctx, now())
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Error("prune", "err", err)
		case gone != (store.Pruned{}):
			log.Info("pruned", "grants", gone.Grants, "sessions", gone.Sessions, "browsers", gone.Browsers,
				"invitations", gone.Invitations, "ceremonies", gone.Ceremonies,
				"keys", gone.Keys, "replays", gone.Replays)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
