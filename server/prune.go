package server

import (
	"context"
	"log/slog"
	"time"

	"github.com/qrauthd/qrauthd/internal/store"
)

const (
	// pruneEvery is how often what ended long ago is deleted, and pruneFirst when it is
	// for the first time: a machine that has just begun has asked for the time by then.
	pruneEvery = 5 * time.Minute
	pruneFirst = 15 * time.Second
	// forgetBatch is how many records of the audit log one transaction forgets the
	// people of: others wait for as long.
	forgetBatch = 500
)

// pruner deletes what ended long ago, and has the audit log forget people.
type pruner struct {
	store     store.Store
	auditKeep time.Duration // 0: it forgets nobody
	now       func() time.Time
	log       *slog.Logger
}

func (s *Server) pruner() pruner {
	return pruner{store: s.store, auditKeep: s.config.AuditKeep, now: s.clock.Wall, log: s.log}
}

// run works again and again until ctx ends. A failure is logged, and the next turn tries
// again. What is to go must have been over a turn earlier as well, at the first turn when
// run began: a clock that is far ahead for a moment, until it has asked for the time,
// takes nothing away.
func (p pruner) run(ctx context.Context) {
	turn := time.NewTimer(pruneFirst)
	defer turn.Stop()
	for before := p.now(); ; turn.Reset(pruneEvery) {
		select {
		case <-ctx.Done():
			return
		case <-turn.C:
		}
		now := p.now()
		until := earlier(before, now)
		before = now
		p.prune(ctx, until)
		p.forget(ctx, until)
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (p pruner) prune(ctx context.Context, now time.Time) {
	gone, err := p.store.Prune(ctx, now)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		p.log.Error("prune", "err", err)
	case gone != (store.Pruned{}):
		p.log.Info("pruned", "grants", gone.Grants, "sessions", gone.Sessions, "browsers", gone.Browsers,
			"invitations", gone.Invitations, "ceremonies", gone.Ceremonies, "keys", gone.Keys, "replays", gone.Replays,
			"familiars", gone.Familiars, "blocks", gone.Blocks, "messages", gone.Messages)
	}
}

// forget has the audit log forget whom its old records are about. The records stay.
func (p pruner) forget(ctx context.Context, now time.Time) {
	if p.auditKeep == 0 {
		return
	}
	total, err := p.forgetBefore(ctx, now.Add(-p.auditKeep))
	if total > 0 {
		p.log.Info("the audit log forgot whom it was about", "records", total)
	}
	if err != nil && ctx.Err() == nil {
		p.log.Error("forget old audit data", "err", err)
	}
}

// forgetBefore goes on until nothing is left, and says of how many records it was.
func (p pruner) forgetBefore(ctx context.Context, before time.Time) (total int, err error) {
	for {
		var n int
		err := p.store.Update(ctx, func(tx store.Tx) (err error) {
			n, err = tx.ForgetAudit(before, forgetBatch)
			return err
		})
		if err != nil || n == 0 {
			return total, err
		}
		total += n
	}
}
