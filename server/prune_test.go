package server

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qrauthd/qrauthd/internal/store"
)

// pruned counts the turns; the second one fails.
type pruned struct {
	store.Store
	turns []time.Time
}

func (p *pruned) Prune(_ context.Context, now time.Time) (store.Pruned, error) {
	p.turns = append(p.turns, now)
	if len(p.turns) == 2 {
		return store.Pruned{}, errors.New("disk full")
	}
	return store.Pruned{Grants: 1}, nil
}

func TestPruneGoesOnAfterAFailureAndEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*pruneEvery+time.Second)
		defer cancel()
		var st pruned
		var log strings.Builder
		begun := time.Now()
		prune(ctx, &st, time.Now, slog.New(slog.NewTextHandler(&log, nil)))
		if got, want := time.Since(begun), 3*pruneEvery+time.Second; got != want {
			t.Errorf("ended after %s, want %s", got, want)
		}
		if len(st.turns) != 4 || !st.turns[0].Equal(begun) {
			t.Errorf("got turns at %v, want one at once and three more", st.turns)
		}
		if !strings.Contains(log.String(), "disk full") || !strings.Contains(log.String(), "grants=1") {
			t.Errorf("the log tells neither: %s", log.String())
		}
	})
}
