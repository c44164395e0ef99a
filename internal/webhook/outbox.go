package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

// lease is for how long a notice is left to the one who has taken it.
const lease = time.Minute

// take leases up to limit notices that are due. It looks before it writes: mostly there
// is nothing.
func (s *Sender) take(ctx context.Context, limit int) (taken []auth.Message, err error) {
	err = s.store.View(ctx, func(tx store.Tx) (err error) {
		taken, err = tx.DueMessages(s.clock.Now(), 1)
		return err
	})
	if err != nil || len(taken) == 0 {
		return nil, err
	}
	err = s.store.Update(ctx, func(tx store.Tx) (err error) {
		taken, err = leaseDue(tx, s.clock.Now(), limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	return taken, nil
}

func leaseDue(tx store.Tx, now time.Time, limit int) ([]auth.Message, error) {
	due, err := tx.DueMessages(now, limit)
	if err != nil {
		return nil, err
	}
	for _, m := range due {
		m.DueAt = now.Add(lease)
		if err := tx.SetMessage(m); err != nil {
			return nil, err
		}
	}
	return due, nil
}

// remove takes a notice out of the outbox that was delivered.
func (s *Sender) remove(ctx context.Context, m auth.Message) error {
	return s.change(ctx, func(tx store.Tx) error { return tx.RemoveMessage(m.ID) })
}

// put keeps a notice for its next try.
func (s *Sender) put(ctx context.Context, m auth.Message) error {
	return s.change(ctx, func(tx store.Tx) error { return tx.SetMessage(m) })
}

// drop takes a notice out of the outbox that was given up, and says so in the audit log.
func (s *Sender) drop(ctx context.Context, m auth.Message, why string) error {
	return s.change(ctx, func(tx store.Tx) error {
		if err := tx.RemoveMessage(m.ID); err != nil {
			return err
		}
		return s.record.Record(tx, s.clock.Wall(), auth.Event{
			Type: auth.EventUndelivered, Actor: auth.ActorServer,
			Note: fmt.Sprintf("a notice of %s was given up: %s (tries: %d)", typeOf(m), why, m.Tries),
		})
	})
}

// change is for a notice that may be gone: its lease was over, and another node has
// delivered it.
func (s *Sender) change(ctx context.Context, fn func(store.Tx) error) error {
	err := s.store.Update(ctx, fn)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// typeOf is what a notice tells of.
func typeOf(m auth.Message) auth.EventType {
	var body struct {
		Type auth.EventType `json:"type"`
	}
	_ = json.Unmarshal(m.Body, &body) // without one it tells of nothing
	return body.Type
}
