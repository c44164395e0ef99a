package storetest

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

func outbox() []testCase {
	return []testCase{
		{"any message reads back as it was added and as it was set", anyMessage},
		{"due messages come in the order in which they are due, so many at a time", dueInOrder},
		{"a message is due from its time on", dueBounds},
		{"a message that is put off or removed is not due", putOff},
	}
}

func due(t *testing.T, s store.Store, now time.Time, limit int) (list []auth.Message) {
	t.Helper()
	view(t, s, func(tx store.Tx) (err error) {
		list, err = tx.DueMessages(now, limit)
		return err
	})
	return list
}

func anyMessage(t *testing.T, s store.Store) {
	n := 0
	draw := func(rt *rapid.T) auth.Message {
		return auth.Message{
			ID:        fmt.Sprintf("%d", n),
			Body:      orNil(rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(rt, "body")),
			CreatedAt: moment.Draw(rt, "created"),
			DueAt:     moment.Draw(rt, "due"),
			Tries:     rapid.Int().Draw(rt, "tries"),
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		n++
		first, second := draw(rt), draw(rt)
		update(t, s, func(tx store.Tx) error { return tx.AddMessage(first) })
		equal(t, "message", found(t, s, messageByID, first.ID), first)
		update(t, s, func(tx store.Tx) error { return tx.SetMessage(second) })
		equal(t, "message", found(t, s, messageByID, second.ID), second)
	})
}

func dueInOrder(t *testing.T, s store.Store) {
	var list []auth.Message
	for i := range 5 {
		list = append(list, sampleMessage(i))
	}
	update(t, s, func(tx store.Tx) error {
		for _, i := range []int{3, 0, 4, 2, 1} {
			if err := tx.AddMessage(list[i]); err != nil {
				return err
			}
		}
		return nil
	})
	later := epoch.Add(time.Hour)
	for _, c := range []struct {
		limit int
		want  []auth.Message
	}{{5, list}, {100, list}, {2, list[:2]}, {0, nil}, {-1, nil}} {
		equal(t, fmt.Sprintf("up to %d", c.limit), due(t, s, later, c.limit), c.want)
	}
}

func dueBounds(t *testing.T, s store.Store) {
	at, never := sampleMessage(1), auth.Message{ID: "of no time"}
	update(t, s, func(tx store.Tx) error {
		if err := tx.AddMessage(at); err != nil {
			return err
		}
		return tx.AddMessage(never)
	})
	equal(t, "just before", due(t, s, at.DueAt.Add(-time.Microsecond), 10), []auth.Message{never})
	equal(t, "at its time", due(t, s, at.DueAt, 10), []auth.Message{never, at})
	equal(t, "later", due(t, s, at.DueAt.Add(time.Hour), 10), []auth.Message{never, at})
}

func putOff(t *testing.T, s store.Store) {
	off, removed, kept := sampleMessage(0), sampleMessage(1), sampleMessage(2)
	now := epoch.Add(time.Second)
	update(t, s, func(tx store.Tx) error {
		for _, m := range []auth.Message{off, removed, kept} {
			if err := tx.AddMessage(m); err != nil {
				return err
			}
		}
		off.DueAt, off.Tries = now.Add(time.Minute), off.Tries+1
		if err := tx.SetMessage(off); err != nil {
			return err
		}
		return tx.RemoveMessage(removed.ID)
	})
	equal(t, "due", due(t, s, now, 10), []auth.Message{kept})
	equal(t, "due when the time has come", due(t, s, off.DueAt, 10), []auth.Message{kept, off})
	missing(t, s, "the removed one", messageByID, removed.ID)
}
