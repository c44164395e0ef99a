package endurance

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/store/sqlite"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// disk is a small file system of the test's own, in memory.
type disk struct {
	t   *testing.T
	dir string
}

// newDisk mounts one of so many bytes. It is gone with the test, which is skipped where
// nobody may mount anything.
func newDisk(t *testing.T, size int) disk {
	t.Helper()
	d := disk{t, t.TempDir()}
	if err := d.mount(0, size); errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skip("to fill a disk takes one that may be filled: run this as root, who may mount one (CAP_SYS_ADMIN)")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(d.dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d disk) mount(flags uintptr, size int) error {
	return syscall.Mount("tmpfs", d.dir, "tmpfs", flags, fmt.Sprintf("size=%d", size))
}

// grow gives the disk another size.
func (d disk) grow(size int) {
	d.t.Helper()
	if err := d.mount(syscall.MS_REMOUNT, size); err != nil {
		d.t.Fatal(err)
	}
}

// data is a folder on the disk.
func (d disk) data() string { return filepath.Join(d.dir, "data") }

// fill leaves no byte free. Empty takes that back.
func (d disk) fill() (empty func()) {
	d.t.Helper()
	f, err := os.Create(filepath.Join(d.dir, "ballast"))
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; size /= 16 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			d.t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(f.Name()); err != nil {
			d.t.Fatal(err)
		}
	}
}

func TestADiskThatFillsUpUnderSignIns(t *testing.T) {
	d := newDisk(t, 16*mebibyte)
	x := try(t, d.data())
	approved, pending := x.acknowledged(), x.started()
	waiting := x.tells(pending)
	c := x.newCustomer()
	<-c.more // so many at least were acknowledged before
	empty := d.fill()
	x.fallsIll(store.CauseFull, "free some space")
	x.putsOff(approved, pending)
	x.awaits(pending)
	_ = x.tells(pending).Close()

	empty()
	x.heals()
	<-c.more // they go on by themselves
	for _, d := range c.stop() {
		x.redeems(d)
	}
	x.redeems(approved)
	x.stays(waiting)
	if err := x.phone.Approve(pending.VerificationURIComplete); err != nil {
		t.Errorf("the sign-in that waited: %v", err)
	}
	x.redeems(pending)
	x.signsIn()
	x.ends()
}

// customer begins and approves sign-ins, one after the other, and comes back when it is
// put off. Any other error fails the test.
type customer struct {
	more chan struct{} // each time that three more approvals were acknowledged
	quit chan struct{}
	done chan []wire.DeviceAuthorization
}

func (x *trial) newCustomer() customer {
	x.t.Helper()
	desk, phone := x.dial(), x.newPhone()
	if err := phone.Join("Carol"); err != nil {
		x.t.Fatal(err)
	}
	c := customer{make(chan struct{}), make(chan struct{}), make(chan []wire.DeviceAuthorization, 1)}
	go func() {
		again := time.NewTicker(20 * time.Millisecond)
		defer again.Stop()
		var acknowledged []wire.DeviceAuthorization
		for {
			d, err := desk.Start(x.Host, "CAROL-PC")
			if err == nil {
				err = phone.Approve(d.VerificationURIComplete)
			}
			if err == nil {
				acknowledged = append(acknowledged, d)
			} else {
				x.isPutOff("the customer", err)
			}
			more := c.more
			if err != nil || len(acknowledged)%3 != 0 {
				more = nil
			}
			select {
			case <-c.quit:
				c.done <- acknowledged
				return
			case more <- struct{}{}:
			case <-again.C:
			}
		}
	}()
	return c
}

// stop is what was acknowledged.
func (c customer) stop() []wire.DeviceAuthorization {
	close(c.quit)
	return <-c.done
}

func TestStartingOnAFullDiskSaysWhatToDo(t *testing.T) {
	d := newDisk(t, 16*mebibyte)
	x := try(t, d.data())
	approved := x.acknowledged()
	if err := x.Stop(); err != nil {
		t.Fatal(err)
	}
	empty := d.fill()
	for _, data := range []string{d.data(), filepath.Join(d.dir, "new")} {
		wantSaid(t, startFails(t, data, asOneself), "the disk is full", "free some space")
	}
	empty()
	x.again()
	x.redeems(approved)
	x.ends()
}

// After a power cut all files are there, and a server may start with them. It must
// know that it can do no work.
func TestAfterAPowerCutOnAFullDisk(t *testing.T) {
	d := newDisk(t, 16*mebibyte)
	x := try(t, d.data())
	approved, pending := x.acknowledged(), x.started()
	if err := x.Kill(); err != nil {
		t.Fatal(err)
	}
	empty := d.fill()
	x.again()
	until(t, "the server tells it without being asked", func() bool {
		return len(x.lines("the store is unavailable", string(store.CauseFull))) > 0
	})
	x.fallsIll(store.CauseFull, "free some space")
	x.putsOff(approved, pending)
	x.awaits(pending)
	empty()
	x.heals()
	x.redeems(approved)
	x.ends()
}

// The log is moved into the file as there is room, until there is none for either. The
// sizes that they have by then are the engine's affair.
func TestALogThatCannotBeMovedIntoTheFileLosesNothing(t *testing.T) {
	const small, refusals, each = 12 * mebibyte, 30, 20
	d := newDisk(t, small)
	path := filepath.Join(d.data(), "qrauthd.db")
	db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	acknowledged := 0
	for refused := 0; refused < refusals; {
		switch err := addCrowd(t, db, acknowledged, each); {
		case err == nil:
			acknowledged += each
		default:
			wantCause(t, err, store.CauseFull)
			refused++
		}
	}
	if log, file := sizeOf(t, path+"-wal"), sizeOf(t, path); log == 0 || log+file < small/2 {
		t.Fatalf("the log has %d bytes and the file %d: that was no full disk with a log that could not be moved", log, file)
	}
	if got := countUsers(t, db); got != acknowledged {
		t.Errorf("got %d users while the disk is full, want %d", got, acknowledged)
	}

	d.grow(64 * mebibyte)
	if err := db.Check(t.Context()); err != nil {
		t.Errorf("with more room: %v", err)
	}
	if err := addCrowd(t, db, acknowledged, each); err != nil {
		t.Errorf("with more room: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if log := sizeOf(t, path+"-wal"); log != 0 {
		t.Errorf("the log has %d bytes after the end, want that it was moved", log)
	}
	if db, err = sqlite.Open(t.Context(), path, sqlite.Options{}); err != nil {
		t.Fatal(err)
	}
	if got, want := countUsers(t, db), acknowledged+each; got != want {
		t.Errorf("got %d users at last, want %d", got, want)
	}
}

// addCrowd adds so many users in one transaction, of a page each.
func addCrowd(t *testing.T, db *sqlite.DB, from, n int) error {
	return db.Update(t.Context(), func(tx store.Tx) error {
		for i := from; i < from+n; i++ {
			if err := tx.AddUser(auth.User{ID: auth.UserID(fmt.Sprint("user-", i)), Name: strings.Repeat("x", 3000)}); err != nil {
				return err
			}
		}
		return nil
	})
}

func countUsers(t *testing.T, db *sqlite.DB) (n int) {
	t.Helper()
	if err := db.View(t.Context(), func(tx store.Tx) error {
		users, err := tx.Users()
		n = len(users)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// sizeOf is 0 for a file that is not there.
func sizeOf(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return 0
	case err != nil:
		t.Fatal(err)
	}
	return info.Size()
}

func wantCause(t *testing.T, err error, want store.Cause) {
	t.Helper()
	if cause, _ := errors.AsType[store.Cause](err); cause != want || !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable because %q", err, want)
	}
}
