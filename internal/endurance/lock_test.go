package endurance

import (
	"sync"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/qrauthd/qrauthd/internal/load"
	"github.com/qrauthd/qrauthd/internal/store"
)

// lockWait is how long the server waits for another process's lock, and lockSlack how
// much later a busy machine may say so.
const (
	lockWait  = 5 * time.Second
	lockSlack = 10 * time.Second
)

// heldLocked has the test, which is another process, hold the database as a backup or a
// second server would.
func (x *trial) heldLocked() (release func()) {
	x.t.Helper()
	c, err := (&sqlite3.SQLiteDriver{}).Open(x.database())
	if err != nil {
		x.t.Fatal(err)
	}
	other := c.(*sqlite3.SQLiteConn)
	exec := func(query string) {
		x.t.Helper()
		if _, err := other.Exec(query, nil); err != nil {
			x.t.Fatal(err)
		}
	}
	exec("PRAGMA busy_timeout = 5000; BEGIN EXCLUSIVE")
	x.t.Cleanup(func() { _ = other.Close() })
	return func() { exec("ROLLBACK") }
}

func TestADatabaseThatAnotherProcessHoldsLocked(t *testing.T) {
	t.Parallel()
	x := try(t, t.TempDir())
	approved, pending := x.acknowledged(), x.started()
	waiting := x.tells(pending)
	before, err := x.Usage()
	if err != nil {
		t.Fatal(err)
	}

	release := x.heldLocked()
	f := x.flood(400)
	redeemed := make(chan error, 1)
	another := x.dial()
	f.work.Go(func() {
		_, err := another.Redeem(x.Host, approved.DeviceCode)
		redeemed <- err
	})
	for refused := 0; refused < f.starts; refused++ {
		select {
		case err := <-f.answers:
			x.isPutOff("a start", err)
		case <-time.After(lockWait + lockSlack):
			t.Fatal("starts wait for longer than for the lock")
		}
		if refused%100 == 0 {
			x.awaits(pending) // nobody who only reads waits for the lock
			x.shows(pending.VerificationURIComplete)
		}
	}
	x.fallsIll(store.CauseLocked, "see whether a backup or a second server runs")
	x.isPutOff("redeeming", <-redeemed)
	_ = x.tells(pending).Close()
	during, err := x.Usage()
	if err != nil {
		t.Fatal(err)
	}
	if grown := during.Anon - before.Anon; grown > 100*mebibyte {
		t.Errorf("the server has %d MiB more than before", grown/mebibyte)
	}

	release()
	x.heals()
	f.work.Wait()
	x.redeems(approved)
	x.stays(waiting)
	if err := x.phone.Approve(pending.VerificationURIComplete); err != nil {
		t.Errorf("the sign-in that waited: %v", err)
	}
	x.redeems(pending)
	x.signsIn()
	x.ends()
}

const mebibyte = 1 << 20

// flood is many starts at the same time, each over a connection of its own.
type flood struct {
	starts  int
	answers chan error
	work    *sync.WaitGroup
}

func (x *trial) flood(starts int) flood {
	x.t.Helper()
	f := flood{starts, make(chan error, starts), new(sync.WaitGroup)}
	lines := make([]*load.Conn, starts)
	for i := range lines {
		lines[i] = x.dial()
	}
	for _, line := range lines {
		f.work.Go(func() {
			_, err := line.Start(x.Host, "CAROL-PC")
			f.answers <- err
		})
	}
	return f
}

func TestALockThatIsLetGoInTimeIsNoIllness(t *testing.T) {
	t.Parallel()
	x := try(t, t.TempDir())
	release := x.heldLocked()
	f := x.flood(50)
	until(t, "they have come", func() bool { return x.openFiles() > 50 })
	x.awaitsNobody(f)
	release()
	for range f.starts {
		if err := <-f.answers; err != nil {
			t.Errorf("a start: %v", err)
		}
	}
	f.work.Wait()
	if got := x.lines("level=ERROR"); len(got) > 0 {
		t.Errorf("the log tells of errors: %q", got)
	}
	x.signsIn()
	x.ends()
}

func (x *trial) openFiles() int {
	x.t.Helper()
	u, err := x.Usage()
	if err != nil {
		x.t.Fatal(err)
	}
	return u.Files
}

// awaitsNobody wants that none of the flood has been answered.
func (x *trial) awaitsNobody(f flood) {
	x.t.Helper()
	if n := len(f.answers); n > 0 {
		x.t.Errorf("%d starts were answered while the database was locked", n)
	}
}
