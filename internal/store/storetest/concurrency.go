package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

func concurrency() []testCase {
	return []testCase{
		{"of 50 redeems of one grant one wins", oneRedeem},
		{"no update is lost", noLostUpdate},
		{"a caller that fails does not take its neighbours with it", failingNeighbours},
		{"of 50 grants that want one user code one gets it", oneUserCode},
		{"what works once has one winner of 50", takeOnce},
		{"of 50 sessions of one grant one is added", oneSession},
		{"of 50 rotations of one refresh token one wins", oneRotation},
		{"of 50 uses of one value one is the first", oneUse},
		{"of 50 records that follow one head of the audit log one is added", oneNextRecord},
		{"50 callers who append to the audit log make one unbroken chain", manyRecords},
		{"of 50 who take a due message on one gets it", oneDelivery},
		{"too many who wait to write are told so at once, and the others are served", overload},
		{"View reads one state while writers run", consistentView},
		{"Update sees the newest state and View what is committed", viewSeesCommitted},
	}
}

func oneRedeem(t *testing.T, s store.Store) {
	g := freshGrant(0)
	g.State = grant.Approved
	update(t, s, func(tx store.Tx) error { return tx.AddGrant(g) })
	errs := atOnce(50, func(int) error {
		return s.Update(context.Background(), func(tx store.Tx) error {
			g, err := tx.Grant(g.ID)
			if err != nil {
				return err
			}
			if g, err = g.Redeem(epoch.Add(time.Second), g.ClientID); err != nil {
				return err
			}
			return tx.SetGrant(g)
		})
	})
	oneWinner(t, errs, grant.ErrRedeemed)
	equal(t, "state", found(t, s, store.Tx.Grant, g.ID).State, grant.Redeemed)
}

func noLostUpdate(t *testing.T, s store.Store) {
	const callers, times = 20, 10
	g := freshGrant(0)
	update(t, s, func(tx store.Tx) error { return tx.AddGrant(g) })
	errs := atOnce(callers, func(int) error {
		for range times {
			if err := s.Update(context.Background(), func(tx store.Tx) error {
				g, err := tx.Grant(g.ID)
				if err != nil {
					return err
				}
				g.Seq++
				return tx.SetGrant(g)
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	equal(t, "seq", found(t, s, store.Tx.Grant, g.ID).Seq, g.Seq+callers*times)
}

func failingNeighbours(t *testing.T, s store.Store) {
	const callers = 60
	add := func(i int) error {
		return s.Update(context.Background(), func(tx store.Tx) error {
			if err := tx.AddUser(sampleUser(i)); err != nil {
				return err
			}
			switch i % 3 {
			case 1:
				return errRefused
			case 2:
				panic(errRefused)
			}
			return nil
		})
	}
	errs := atOnce(callers, func(i int) (err error) {
		if value := caught(func() { err = add(i) }); value != nil {
			return value.(error)
		}
		return err
	})
	for i, err := range errs {
		if i%3 == 0 {
			if err != nil {
				t.Errorf("caller %d, who did nothing wrong: %v", i, err)
			}
			equal(t, "user", found(t, s, store.Tx.User, sampleUser(i).ID), sampleUser(i))
			continue
		}
		if !errors.Is(err, errRefused) {
			t.Errorf("caller %d: got %v, want its own error", i, err)
		}
		missing(t, s, "the user of a caller that failed", store.Tx.User, sampleUser(i).ID)
	}
}

func oneUserCode(t *testing.T, s store.Store) {
	errs := atOnce(50, func(i int) error {
		g := freshGrant(i)
		g.Code, g.OldCode = sampleCode(1000), sampleCode(i)
		if i%2 == 0 {
			g.Code, g.OldCode = g.OldCode, g.Code
		}
		return s.Update(context.Background(), func(tx store.Tx) error { return tx.AddGrant(g) })
	})
	oneWinner(t, errs, store.ErrConflict)
}

func takeOnce(t *testing.T, s store.Store) {
	k := seed(t, s)
	for _, c := range []attempt{
		{"TakeInvitation", get(store.Tx.TakeInvitation, k.invitation.Hash)},
		{"TakeRecoveryCode", get(store.Tx.TakeRecoveryCode, k.codes[0].Hash)},
		{"TakeCeremony", get(store.Tx.TakeCeremony, k.ceremony.Hash)},
	} {
		t.Run(c.name, func(t *testing.T) {
			errs := atOnce(50, func(int) error { return s.Update(context.Background(), c.do) })
			oneWinner(t, errs, store.ErrNotFound)
		})
	}
	equal(t, "recovery codes left", found(t, s, store.Tx.RecoveryCodesLeft, k.user.ID), len(k.codes)-1)
}

func oneSession(t *testing.T, s store.Store) {
	k := family(0)
	update(t, s, func(tx store.Tx) error { return errors.Join(tx.AddUser(k.user), tx.AddClient(k.client)) })
	errs := atOnce(50, func(i int) error {
		session := sampleSession(i, k.user.ID, k.client.ID)
		session.GrantID = k.grant.ID
		return s.Update(context.Background(), func(tx store.Tx) error { return tx.AddSession(session) })
	})
	oneWinner(t, errs, store.ErrConflict)
	equal(t, "sessions", len(found(t, s, store.Tx.SessionsOf, k.user.ID)), 1)
}

func oneRotation(t *testing.T, s store.Store) {
	k := seed(t, s)
	next := func(i int) auth.Refresh { return sampleRefresh(1+i, k.session.ID, k.refresh.Generation+1) }
	errs := atOnce(50, func(i int) error {
		return s.Update(context.Background(), func(tx store.Tx) error { return rotate(tx, k.refresh.Hash, next(i)) })
	})
	oneWinner(t, errs, errRefused)
	k.session.Generation++
	equal(t, "session", found(t, s, store.Tx.Session, k.session.ID), k.session)
	equal(t, "the token before", found(t, s, store.Tx.Refresh, k.refresh.Hash), k.refresh)
	for i, err := range errs {
		if err == nil {
			equal(t, "the winner's token", found(t, s, store.Tx.Refresh, next(i).Hash), next(i))
			continue
		}
		missing(t, s, "a loser's token", store.Tx.Refresh, next(i).Hash)
	}
}

// rotate puts next in the place of a token of the session's present generation,
// and refuses one of an earlier.
func rotate(tx store.Tx, old secret.Hash, next auth.Refresh) error {
	r, err := tx.Refresh(old)
	if err != nil {
		return err
	}
	s, err := tx.Session(r.SessionID)
	if err != nil {
		return err
	}
	if r.Generation != s.Generation {
		return errRefused
	}
	s.Generation = next.Generation
	return errors.Join(tx.SetSession(s), tx.AddRefresh(next), tx.RemoveRefreshes(s.ID, r.Generation))
}

func oneUse(t *testing.T, s store.Store) {
	errs := atOnce(50, func(i int) error {
		r := sampleReplay(0)
		r.ExpiresAt = r.ExpiresAt.Add(time.Duration(i) * time.Second)
		return s.Update(context.Background(), func(tx store.Tx) error { return tx.AddReplay(r) })
	})
	oneWinner(t, errs, store.ErrConflict)
}

func oneNextRecord(t *testing.T, s store.Store) {
	first := sampleRecord(0)
	update(t, s, func(tx store.Tx) error { return tx.AddAudit(first) })
	record := func(i int) auth.AuditRecord {
		r := sampleRecord(1)
		r.Hash = hash("the record of caller %d", i)
		return r
	}
	errs := atOnce(50, func(i int) error {
		return s.Update(context.Background(), func(tx store.Tx) error { return tx.AddAudit(record(i)) })
	})
	oneWinner(t, errs, store.ErrConflict)
	equal(t, "records", len(unbroken(t, s)), 2)
	for i, err := range errs {
		if err == nil {
			equal(t, "the winner's record", found(t, s, auditBySeq, 2), record(i))
		}
	}
}

func manyRecords(t *testing.T, s store.Store) {
	appendAtOnce(t, s)
	unbroken(t, s)
}

// appendAtOnce has 50 callers append records to one log, over the stores in turns.
// Some fail after they have, and are to leave nothing behind.
func appendAtOnce(t *testing.T, stores ...store.Store) {
	t.Helper()
	const callers, times = 50, 4
	note := func(caller, time int) string { return fmt.Sprintf("caller %d, %d", caller, time) }
	errs := atOnce(callers, func(i int) error {
		s := stores[i%len(stores)]
		for n := range times {
			err := s.Update(context.Background(), func(tx store.Tx) error {
				if err := appendNext(tx, note(i, n)); err != nil {
					return err
				}
				if n == 2 {
					return errRefused
				}
				return nil
			})
			if err != nil && !errors.Is(err, errRefused) {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, r := range unbroken(t, stores[0]) {
		got = append(got, r.Note)
	}
	for i := range callers {
		for _, n := range []int{0, 1, 3} {
			want = append(want, note(i, n))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	equal(t, "the records of all callers", got, want)
}

// appendNext adds a record after the head.
func appendNext(tx store.Tx, note string) error {
	head, err := tx.AuditHead()
	if err != nil {
		return err
	}
	return tx.AddAudit(auth.AuditRecord{
		Seq: head.Seq + 1, At: epoch, Note: note, Previous: head.Hash, Hash: hash("%s after %s", note, head.Hash),
	})
}

// oneDelivery is how two nodes share an outbox: who postpones a message sends it.
func oneDelivery(t *testing.T, s store.Store) {
	m := sampleMessage(0)
	update(t, s, func(tx store.Tx) error { return tx.AddMessage(m) })
	now := m.DueAt.Add(time.Second)
	errs := atOnce(50, func(int) error {
		return s.Update(context.Background(), func(tx store.Tx) error {
			list, err := tx.DueMessages(now, 1)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				return errRefused
			}
			mine := list[0]
			mine.Tries, mine.DueAt = mine.Tries+1, now.Add(time.Minute)
			return tx.SetMessage(mine)
		})
	})
	oneWinner(t, errs, errRefused)
	equal(t, "tries", found(t, s, messageByID, m.ID).Tries, m.Tries+1)
}

// overload has more callers than anybody should have wait for one who takes its time.
func overload(t *testing.T, s store.Store) {
	const callers = 5000
	held, letGo, errs := make(chan struct{}), make(chan struct{}), make(chan error, callers)
	var ran atomic.Int32
	go func() {
		errs <- s.Update(context.Background(), func(store.Tx) error {
			close(held)
			<-letGo
			ran.Add(1)
			return nil
		})
	}()
	<-held
	for range callers - 1 {
		go func() { errs <- s.Update(context.Background(), func(store.Tx) error { ran.Add(1); return nil }) }()
	}
	first := <-errs // which nobody who waits can have sent
	close(letGo)
	if !errors.Is(first, store.ErrOverloaded) {
		t.Errorf("got %v, want ErrOverloaded", first)
	}
	served := int32(0)
	for range callers - 1 {
		switch err := <-errs; {
		case err == nil:
			served++
		case !errors.Is(err, store.ErrOverloaded):
			t.Errorf("got %v, want nil or ErrOverloaded", err)
		}
	}
	equal(t, "how many ran", ran.Load(), served)
	update(t, s, func(store.Tx) error { return nil })
}

// consistentView has writers move both grants together, so that a reading in
// which they differ was of two states.
func consistentView(t *testing.T, s store.Store) {
	a, b := freshGrant(0), freshGrant(1)
	update(t, s, func(tx store.Tx) error { return errors.Join(tx.AddGrant(a), tx.AddGrant(b)) })
	move := func(tx store.Tx) error {
		for _, id := range []auth.GrantID{a.ID, b.ID} {
			g, err := tx.Grant(id)
			if err != nil {
				return err
			}
			g.Seq++
			if err := tx.SetGrant(g); err != nil {
				return err
			}
		}
		return nil
	}
	look := func(tx store.Tx) error {
		ga, err := tx.Grant(a.ID)
		if err != nil {
			return err
		}
		gb, err := tx.Grant(b.ID)
		if err != nil {
			return err
		}
		if ga.Seq != gb.Seq {
			return fmt.Errorf("read %d and %d in one View", ga.Seq, gb.Seq)
		}
		return nil
	}
	var writing atomic.Int32
	const writers = 4
	writing.Store(writers)
	errs := atOnce(2*writers, func(i int) error {
		if i < writers {
			defer writing.Add(-1)
			for range 50 {
				if err := s.Update(context.Background(), move); err != nil {
					return err
				}
			}
			return nil
		}
		for writing.Load() > 0 {
			if err := s.View(context.Background(), look); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

func viewSeesCommitted(t *testing.T, s store.Store) {
	u := sampleUser(0)
	update(t, s, func(tx store.Tx) error {
		if err := tx.AddUser(u); err != nil {
			return err
		}
		missing(t, s, "a user that is not committed", store.Tx.User, u.ID)
		return nil
	})
	equal(t, "user", found(t, s, store.Tx.User, u.ID), u)
}
