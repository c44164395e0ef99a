package keychain

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/qrauthd/qrauthd/desktop"
)

// File returns a store of plain files in dir, which it makes if need be.
//
// Know what that costs. The sessions lie on the disk unencrypted: every program
// of the same person can read them, so can whoever has the disk or a backup of
// it, and nobody is asked before. Only other accounts of the same computer are
// kept out, by the permissions 0700 and 0600, and a folder or file that they
// could get at is refused with an error that is ErrExposed. (On Windows the
// folder's access list decides, and it isn't looked at: choose a folder below
// the person's own.) Choose File on purpose, for systems without a keychain.
//
// A Save is on the disk when it returns, and one that is cut off leaves what
// was there before.
func File(dir string) (desktop.Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for sessions: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("look at the folder for sessions: %w", err)
	}
	if err := private(dir, info, "700"); err != nil {
		return nil, err
	}
	return folder(dir), nil
}

// folder is a File store. Its files are named by the hash of their key, for keys
// hold characters that file systems don't take.
type folder string

var _ desktop.Store = folder("")

func (d folder) path(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(string(d), hex.EncodeToString(sum[:16])+".session")
}

func (d folder) Load(key string) ([]byte, error) {
	f, err := os.Open(d.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, desktop.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := private(f.Name(), info, "600"); err != nil {
		return nil, err
	}
	return io.ReadAll(f)
}

// Save writes beside the file and renames, so that a reader sees the old data or
// the new, never half of either.
func (d folder) Save(key string, data []byte) error {
	tmp, err := os.CreateTemp(string(d), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), d.path(key))
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return d.sync()
}

func (d folder) Delete(key string) error {
	err := os.Remove(d.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, d.sync())
}

// sync puts the names of the folder on the disk. Windows does so by itself.
func (d folder) sync() error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(string(d))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// private refuses what other accounts may read or write.
func private(path string, info fs.FileInfo, mode string) error {
	if runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s has mode %o: sign out everywhere, then run chmod %s on it", ErrExposed, path, info.Mode().Perm(), mode)
}
