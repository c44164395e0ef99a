package keychain_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/qrauthd/qrauthd/desktop/keychain"
)

func onlyUnix(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has access lists")
	}
}

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	onlyUnix(t)
	dir := filepath.Join(t.TempDir(), "a", "b")
	s, err := keychain.File(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Save("key", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 {
		t.Errorf("folder: mode %o, want 700", info.Mode().Perm())
	}
	files, _ := os.ReadDir(dir)
	if len(files) != 1 {
		t.Fatalf("got %d files, want the session alone", len(files))
	}
	if info, _ := files[0].Info(); info.Mode().Perm() != 0o600 {
		t.Errorf("file: mode %o, want 600", info.Mode().Perm())
	}
}

func TestWhatOthersCanReadIsRefused(t *testing.T) {
	onlyUnix(t)
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if _, err := keychain.File(dir); !errors.Is(err, keychain.ErrExposed) {
		t.Errorf("an open folder: got %v, want ErrExposed", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := keychain.File(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Save("key", []byte("x")); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.session"))
	if err := os.Chmod(files[0], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load("key"); !errors.Is(err, keychain.ErrExposed) {
		t.Errorf("an open file: got %v, want ErrExposed", err)
	}
	if err := s.Save("key", []byte("y")); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Load("key"); err != nil || string(got) != "y" {
		t.Errorf("after a new Save: got %q, %v", got, err)
	}
}

func TestAFolderThatCannotBeMadeIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keychain.File(filepath.Join(file, "sub")); err == nil {
		t.Error("got no error")
	}
	if _, err := keychain.File(file); err == nil {
		t.Error("a file passes for a folder")
	}
}
