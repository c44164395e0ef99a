package endurance

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/qrauthd/qrauthd/internal/load"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// pageSize is that of the database, in bytes.
const pageSize = 4096

// marked is a computer whose sign-in can be found in the file.
const marked = "MARKED-COMPUTER"

// scattered begins a sign-in that is marked, and so many others that they are on other
// pages. All are in the file when it returns, and the server has stopped.
func (x *trial) scattered() (there, elsewhere wire.DeviceAuthorization) {
	x.t.Helper()
	there, err := x.desk.Start(x.Host, marked)
	if err != nil {
		x.t.Fatal(err)
	}
	for range 60 {
		elsewhere = x.started()
	}
	if err := x.Stop(); err != nil {
		x.t.Fatal(err)
	}
	return there, elsewhere
}

// spoiled writes nonsense over the page of the marked sign-in.
func (x *trial) spoiled() (mend func()) {
	x.t.Helper()
	content, err := os.ReadFile(x.database())
	if err != nil {
		x.t.Fatal(err)
	}
	at := bytes.Index(content, []byte(marked))
	if at < 0 || bytes.Count(content, []byte(marked)) > 1 {
		x.t.Fatal("the marked sign-in is not in one place of the file")
	}
	at -= at % pageSize
	good := content[at : at+pageSize]
	x.write(int64(at), bytes.Repeat([]byte{0x5a}, pageSize))
	return func() { x.write(int64(at), good) }
}

func (x *trial) write(at int64, page []byte) {
	x.t.Helper()
	f, err := os.OpenFile(x.database(), os.O_WRONLY, 0)
	if err != nil {
		x.t.Fatal(err)
	}
	_, err = f.WriteAt(page, at)
	if err := errors.Join(err, f.Close()); err != nil {
		x.t.Fatal(err)
	}
}

// suffers meets the damage, and wants it told, and all else to go on.
func (x *trial) suffers(there, elsewhere wire.DeviceAuthorization) {
	x.t.Helper()
	if got := x.health(); got != "ok\n" {
		x.t.Errorf("health before anybody has met the damage: got %q", got)
	}
	_, err := x.desk.Redeem(x.Host, there.DeviceCode)
	x.isPutOff("polling for what is damaged", err)
	_, err = load.Attach(x.t.Context(), x.Server, there, nil)
	if err == nil {
		x.t.Error("the push channel tells of what is damaged")
	}
	x.fallsIll(store.CauseDamaged, "stop the server and restore a backup")
	x.awaits(elsewhere)
	x.shows(elsewhere.VerificationURIComplete)
	x.signsIn()
}

// TestADamagedPageUnderTheServer is about a disk that reads a page wrongly for a while.
func TestADamagedPageUnderTheServer(t *testing.T) {
	t.Parallel()
	x := try(t, t.TempDir())
	there, elsewhere := x.scattered()
	x.again()
	if err := x.phone.Join("Bob"); err != nil {
		t.Fatal(err)
	}
	mend := x.spoiled()
	x.suffers(there, elsewhere)
	mend()
	x.heals()
	x.awaits(there)
	if err := x.phone.Approve(there.VerificationURIComplete); err != nil {
		t.Errorf("what was damaged: %v", err)
	}
	x.redeems(there)
	x.ends()
}

func TestStartingOnADamagedPageSaysWhatToDo(t *testing.T) {
	t.Parallel()
	x := try(t, t.TempDir())
	there, _ := x.scattered()
	backup, err := os.ReadFile(x.database())
	if err != nil {
		t.Fatal(err)
	}
	_ = x.spoiled()
	// A start looks through the sign-ins under way, and so meets it.
	wantSaid(t, startFails(t, x.data, asOneself), "the database is damaged: stop the server and restore a backup")
	if err := os.WriteFile(x.database(), backup, 0o600); err != nil {
		t.Fatal(err)
	}
	x.again()
	if got := x.health(); got != "ok\n" {
		t.Errorf("health: got %q", got)
	}
	x.awaits(there)
	if err := x.phone.Join("Carol"); err != nil {
		t.Fatal(err)
	}
	x.signsIn()
	x.ends()
}

func TestADatabaseThatIsMovedAwayUnderTheServer(t *testing.T) {
	t.Parallel()
	x := try(t, t.TempDir())
	approved := x.acknowledged()
	away := x.database() + ".away"
	if err := os.Rename(x.database(), away); err != nil {
		t.Fatal(err)
	}
	x.fallsIll(store.CauseMoved, "restart the server on the right one")
	if err := os.Rename(away, x.database()); err != nil {
		t.Fatal(err)
	}
	x.heals()
	x.redeems(approved)
	x.ends()
}

func TestStartingOnWhatIsNoDatabaseSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 8*pageSize)
	_, _ = rand.Read(noise)
	put := func(name string, content []byte) func(t *testing.T, data string) {
		return func(t *testing.T, data string) {
			if err := os.WriteFile(filepath.Join(data, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		put  func(t *testing.T, data string)
		says string
	}{
		"noise": {put("qrauthd.db", noise), "the file is not an SQLite database"},
		"a database whose head is damaged": {
			put("qrauthd.db", append([]byte("SQLite format 3\x00"), noise...)), "the database is damaged: stop the server and restore a backup",
		},
		"a log without its file": {put("qrauthd.db-wal", noise), "keep the log"},
		"a folder in its place": {func(t *testing.T, data string) {
			if err := os.Mkdir(filepath.Join(data, "qrauthd.db"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "is a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			c.put(t, data)
			wantSaid(t, startFails(t, data, asOneself), c.says)
		})
	}
}
