package server

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
)

// maxSecretFile is more than any secret needs, in bytes.
const maxSecretFile = 4 << 10

// readSecretFile refuses a file that others than its owner may read. Missing says what
// to do where there is none.
func readSecretFile(path, missing string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", err, missing)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: let the server's user read it, and nobody else", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	// Windows has no such bits.
	if open := info.Mode().Perm() & 0o077; open != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("%s has mode %#o, which others than its owner may use: chmod 600 it", path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err == nil && len(text) > maxSecretFile {
		err = fmt.Errorf("%s is longer than %d bytes: it is to hold a secret, such as 32 random bytes in base64", path, maxSecretFile)
	}
	return text, err
}
