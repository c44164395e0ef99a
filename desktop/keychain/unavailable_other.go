//go:build !((dragonfly && cgo) || (freebsd && cgo) || linux || netbsd || openbsd)

package keychain

import (
	"errors"

	"github.com/zalando/go-keyring"
)

// unavailable reports whether an error means that there is no keychain. macOS
// and Windows always have theirs.
func unavailable(err error) bool { return errors.Is(err, keyring.ErrUnsupportedPlatform) }
