//go:build (dragonfly && cgo) || (freebsd && cgo) || linux || netbsd || openbsd

package keychain

import (
	"errors"
	"slices"

	"github.com/godbus/dbus/v5"
)

// unavailable reports whether an error means that there is no Secret Service:
// no session bus, or nobody on it who provides one.
func unavailable(err error) bool {
	var reply dbus.Error
	if errors.As(err, &reply) {
		return slices.Contains([]string{
			"org.freedesktop.DBus.Error.ServiceUnknown",
			"org.freedesktop.DBus.Error.NameHasNoOwner",
			"org.freedesktop.DBus.Error.NoServer",
			"org.freedesktop.DBus.Error.Spawn.ServiceNotFound",
			"org.freedesktop.DBus.Error.Spawn.ExecFailed",
			"org.freedesktop.DBus.Error.Spawn.ChildExited",
		}, reply.Name)
	}
	_, err = dbus.SessionBus()
	return err != nil
}
