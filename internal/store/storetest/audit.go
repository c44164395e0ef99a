package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

func auditLog() []testCase {
	return []testCase{
		{"the head of the audit log is zero, and then each record in turn", headMoves},
		{"any audit record reads back as it was added", anyRecord},
		{"a record that does not follow the head is a conflict", recordsInOrder},
		{"a record that was refused is not in the audit log, nor its head", refusedRecord},
		{"the audit log is read in pages", auditPages},
		{"what is about a person is forgotten up to the time, and nothing else", forgetBefore},
		{"what is about a person is forgotten a few records at a time", forgetFew},
	}
}

func head(t *testing.T, s store.Store) auth.AuditHead {
	t.Helper()
	var h auth.AuditHead
	view(t, s, func(tx store.Tx) (err error) {
		h, err = tx.AuditHead()
		return err
	})
	return h
}

// wholeLog is more records than a test writes.
const wholeLog = 10_000

func audit(t *testing.T, s store.Store, after int64, limit int) []auth.AuditRecord {
	t.Helper()
	var list []auth.AuditRecord
	view(t, s, func(tx store.Tx) (err error) {
		list, err = tx.Audit(after, limit)
		return err
	})
	return list
}

// unbroken expects each record of the log to follow the one before, up to the head.
func unbroken(t *testing.T, s store.Store) []auth.AuditRecord {
	t.Helper()
	var last auth.AuditHead
	list := audit(t, s, 0, wholeLog)
	for _, r := range list {
		if r.Seq != last.Seq+1 || r.Previous != last.Hash {
			t.Errorf("record %d after %s: got it after record %d with %s", r.Seq, r.Previous, last.Seq, last.Hash)
		}
		last = auth.AuditHead{Seq: r.Seq, Hash: r.Hash}
	}
	equal(t, "head of the audit log", head(t, s), last)
	return list
}

func addRecords(t *testing.T, s store.Store, n int) (list []auth.AuditRecord) {
	t.Helper()
	for i := range n {
		list = append(list, sampleRecord(i))
	}
	update(t, s, func(tx store.Tx) error {
		for _, r := range list {
			if err := tx.AddAudit(r); err != nil {
				return err
			}
		}
		return nil
	})
	return list
}

func headMoves(t *testing.T, s store.Store) {
	equal(t, "head of an empty log", head(t, s), auth.AuditHead{})
	equal(t, "an empty log", audit(t, s, 0, wholeLog), nil)
	for i := range 3 {
		r := sampleRecord(i)
		update(t, s, func(tx store.Tx) error {
			if err := tx.AddAudit(r); err != nil {
				return err
			}
			h, err := tx.AuditHead()
			equal(t, "head within the transaction", h, auth.AuditHead{Seq: r.Seq, Hash: r.Hash})
			return err
		})
		equal(t, "head", head(t, s), auth.AuditHead{Seq: r.Seq, Hash: r.Hash})
	}
}

func anyRecord(t *testing.T, s store.Store) {
	rapid.Check(t, func(rt *rapid.T) {
		r := drawRecord(rt, head(t, s))
		update(t, s, func(tx store.Tx) error { return tx.AddAudit(r) })
		equal(t, "record", found(t, s, auditBySeq, r.Seq), r)
		equal(t, "head", head(t, s), auth.AuditHead{Seq: r.Seq, Hash: r.Hash})
	})
}

func drawRecord(rt *rapid.T, after auth.AuditHead) auth.AuditRecord {
	text := rapid.String()
	digest := rapid.Custom(func(rt *rapid.T) secret.Hash {
		return secret.Hash(rapid.SliceOfN(rapid.Byte(), len(secret.Hash{}), len(secret.Hash{})).Draw(rt, "bytes"))
	})
	return auth.AuditRecord{
		Seq:          after.Seq + 1,
		At:           moment.Draw(rt, "at"),
		Type:         auth.EventType(text.Draw(rt, "type")),
		Actor:        auth.Actor(text.Draw(rt, "actor")),
		ClientID:     auth.ClientID(text.Draw(rt, "client")),
		Risk:         text.Draw(rt, "risk"),
		Reasons:      words.Draw(rt, "reasons"),
		Note:         text.Draw(rt, "note"),
		Personal:     orNil(rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(rt, "personal")),
		PersonalHash: digest.Draw(rt, "hash of personal"),
		Previous:     after.Hash,
		Hash:         digest.Draw(rt, "hash"),
	}
}

// recordsInOrder tries what does not follow on an empty log and on one of two
// records, and what does within the same transaction.
func recordsInOrder(t *testing.T, s store.Store) {
	for next := range 3 {
		right := sampleRecord(next)
		with := func(seq int64, previous secret.Hash) auth.AuditRecord {
			r := right
			r.Seq, r.Previous = seq, previous
			return r
		}
		update(t, s, func(tx store.Tx) error {
			for name, r := range map[string]auth.AuditRecord{
				"a number that is taken":       with(right.Seq-1, right.Previous),
				"a number too far":             with(right.Seq+1, right.Previous),
				"a number below all":           with(-right.Seq, right.Previous),
				"a hash that is not the one":   with(right.Seq, hash("another")),
				"both of them another":         with(right.Seq+1, hash("another")),
				"the number and hash of later": with(right.Seq+1, right.Hash),
			} {
				if err := tx.AddAudit(r); !errors.Is(err, store.ErrConflict) {
					t.Errorf("after %d records, %s: got %v, want ErrConflict", next, name, err)
				}
			}
			return tx.AddAudit(right)
		})
	}
	unchained := sampleRecord(3)
	unchained.Previous = secret.Hash{}
	expect(t, s, store.ErrConflict, []attempt{{"AddAudit of what follows nothing", put(store.Tx.AddAudit, unchained)}})
	equal(t, "the log", unbroken(t, s), []auth.AuditRecord{sampleRecord(0), sampleRecord(1), sampleRecord(2)})
}

func refusedRecord(t *testing.T, s store.Store) {
	kept := addRecords(t, s, 2)
	expect(t, s, errRefused, []attempt{
		{"a function that fails", func(tx store.Tx) error { return errors.Join(tx.AddAudit(sampleRecord(2)), errRefused) }},
	})
	value := caught(func() {
		update(t, s, func(tx store.Tx) error {
			if err := tx.AddAudit(sampleRecord(2)); err != nil {
				return err
			}
			panic(errRefused)
		})
	})
	panicked(t, value)
	equal(t, "the log", unbroken(t, s), kept)
	update(t, s, func(tx store.Tx) error { return tx.AddAudit(sampleRecord(2)) })
	equal(t, "the log that went on", unbroken(t, s), append(kept, sampleRecord(2)))
}

func auditPages(t *testing.T, s store.Store) {
	list := addRecords(t, s, 5)
	for _, c := range []struct {
		after int64
		limit int
		want  []auth.AuditRecord
	}{
		{0, 5, list},
		{-7, wholeLog, list},
		{0, 2, list[:2]},
		{2, 2, list[2:4]},
		{4, 2, list[4:]},
		{5, 2, nil},
		{1 << 62, 2, nil},
		{0, 0, nil},
		{0, -1, nil},
	} {
		equal(t, fmt.Sprintf("up to %d after %d", c.limit, c.after), audit(t, s, c.after, c.limit), c.want)
	}
}

// forget calls ForgetAudit, and says of how many records it was.
func forget(t *testing.T, s store.Store, before time.Time, limit int) (n int) {
	t.Helper()
	update(t, s, func(tx store.Tx) (err error) {
		n, err = tx.ForgetAudit(before, limit)
		return err
	})
	return n
}

func forgetBefore(t *testing.T, s store.Store) {
	var list []auth.AuditRecord
	for i, r := range []auth.AuditRecord{
		{At: epoch.Add(-time.Hour)},
		{At: epoch.Add(-time.Microsecond)},
		{At: epoch},
		{At: epoch.Add(time.Microsecond)},
		{At: epoch.Add(-time.Hour)}, // a clock that went back
		{},                          // and one that has not been set
		{At: epoch.Add(-time.Hour)},
	} {
		at := r.At
		r = sampleRecord(i)
		r.At = at
		list = append(list, r)
	}
	list[6].Personal = nil // there is nothing to forget
	update(t, s, func(tx store.Tx) error {
		for _, r := range list {
			if err := tx.AddAudit(r); err != nil {
				return err
			}
		}
		return nil
	})
	equal(t, "forgotten", forget(t, s, epoch, wholeLog), 4)
	for _, i := range []int{0, 1, 4, 5} {
		list[i].Personal = nil
	}
	equal(t, "the log", unbroken(t, s), list)
	equal(t, "forgotten when there is nothing more", forget(t, s, epoch, wholeLog), 0)
	equal(t, "the log", unbroken(t, s), list)
}

func forgetFew(t *testing.T, s store.Store) {
	const n = 5
	addRecords(t, s, n)
	later := epoch.Add(time.Hour)
	for _, c := range []struct{ limit, want, left int }{
		{0, 0, 5}, {-1, 0, 5}, {2, 2, 3}, {2, 2, 1}, {2, 1, 0}, {2, 0, 0},
	} {
		equal(t, "forgotten", forget(t, s, later, c.limit), c.want)
		left := 0
		for _, r := range unbroken(t, s) {
			if r.Personal != nil {
				left++
			}
		}
		equal(t, "records that still have it", left, c.left)
	}
}
