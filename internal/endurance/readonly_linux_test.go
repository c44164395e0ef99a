package endurance

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"github.com/qrauthd/qrauthd/internal/store"
)

// nobody may do only what everybody may.
const nobody = 65534

// asNobody has the server started by a user who owns nothing.
func asNobody(t *testing.T) func(*exec.Cmd) {
	t.Helper()
	if os.Geteuid() != 0 {
		return asOneself // whom modes stop
	}
	if err := os.Chmod(filepath.Dir(built), 0o755); err != nil {
		t.Fatal(err)
	}
	return func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		cmd.Dir = "/"
	}
}

func TestStartingOnWhatMayOnlyBeReadSaysWhatToDo(t *testing.T) {
	t.Parallel()
	// Not under t.TempDir, whose parent may be closed to others.
	root, err := os.MkdirTemp("", "qrauthd-readonly-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	data := filepath.Join(root, "data")
	x := try(t, data)
	approved := x.acknowledged()
	if err := x.Stop(); err != nil {
		t.Fatal(err)
	}
	restrict := func(above, folder, file os.FileMode) {
		t.Helper()
		if err := errors.Join(os.Chmod(x.database(), file), os.Chmod(data, folder), os.Chmod(root, above)); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct{ above, folder, file os.FileMode }{
		"the file":              {0o777, 0o777, 0o444},
		"the folder":            {0o777, 0o555, 0o666},
		"both":                  {0o777, 0o555, 0o444},
		"what is above as well": {0o555, 0o555, 0o444},
	} {
		restrict(c.above, c.folder, c.file)
		said := startFails(t, data, asNobody(t))
		wantSaid(t, said, "check the owner and mode of the file and of its folder")
		if t.Failed() {
			t.Fatal(name)
		}
		restrict(0o777, 0o777, 0o666)
	}
	if err := os.Chmod(root, 0o555); err != nil {
		t.Fatal(err)
	}
	wantSaid(t, startFails(t, filepath.Join(root, "new"), asNobody(t)), "check the owner and mode of the file and of its folder")
	restrict(0o700, 0o700, 0o600)
	x.again()
	x.redeems(approved)
	x.ends()
}

// fixed makes a file one that nobody can change, not even who has it open: what a disk
// does to all files that the system mounts read-only after an error. It takes a file
// system that knows of it, and the superuser.
func fixed(t *testing.T, path string) (loose func()) {
	t.Helper()
	// linux/fs.h: FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_IMMUTABLE_FL.
	const get, set, immutable = 0x80086601, 0x40086602, 0x10
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	call := func(request uintptr, flags *int) error {
		if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(unsafe.Pointer(flags))); e != 0 {
			return e
		}
		return nil
	}
	var before int
	if err := call(get, &before); err != nil {
		t.Skipf("this file system has no files that cannot be changed: %v", err)
	}
	flags := before | immutable
	if err := call(set, &flags); err != nil {
		t.Skipf("to make a file that cannot be changed takes the superuser (CAP_LINUX_IMMUTABLE) and a file system such as ext4: %v", err)
	}
	loose = sync.OnceFunc(func() {
		if err := call(set, &before); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(loose) // or the folder could not be removed
	return loose
}

func TestADatabaseThatTurnsReadOnlyUnderTheServer(t *testing.T) {
	t.Parallel()
	x := try(t, t.TempDir())
	approved, pending := x.acknowledged(), x.started()
	waiting := x.tells(pending)
	loose := fixed(t, x.database()+"-wal")
	x.fallsIll(store.CauseReadOnly, "how the disk is mounted")
	x.putsOff(approved, pending)
	x.awaits(pending)
	loose()
	x.heals()
	x.redeems(approved)
	if err := x.phone.Approve(pending.VerificationURIComplete); err != nil {
		t.Errorf("the sign-in that waited: %v", err)
	}
	x.stays(waiting)
	x.redeems(pending)
	x.ends()
}
