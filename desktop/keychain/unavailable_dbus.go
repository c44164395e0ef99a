//go:build (dragonfly && cgo) || (freebsd && cgo) || linux || netbsd || openbsd

package keychain

import (
	"errors"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"
)

// unavailable reports whether an error means that there is no Secret Service: no
// session bus, nobody on it who provides one, or one without a place to keep
// anything.
func unavailable(err error) bool {
	var reply dbus.Error
	if errors.As(err, &reply) {
		// Spawn is a family: the bus could not start the service that is installed.
		return strings.HasPrefix(reply.Name, "org.freedesktop.DBus.Error.Spawn.") || slices.Contains([]string{
			"org.freedesktop.DBus.Error.ServiceUnknown",
			"org.freedesktop.DBus.Error.NameHasNoOwner",
			"org.freedesktop.DBus.Error.NoServer",
		}, reply.Name)
	}
	bus, err := dbus.SessionBus()
	return err != nil || empty(bus)
}

// empty reports whether the Secret Service has no collection that go-keyring
// would use: "login", or else the default one. So it is in a session that began
// without a password, as over ssh, until somebody makes a collection. There is
// nothing to unlock then, and go-keyring makes none.
func empty(bus *dbus.Conn) bool {
	service := bus.Object("org.freedesktop.secrets", "/org/freedesktop/secrets")
	var all []dbus.ObjectPath
	if err := service.StoreProperty("org.freedesktop.Secret.Service.Collections", &all); err != nil ||
		slices.Contains(all, "/org/freedesktop/secrets/collection/login") {
		return false
	}
	var standard dbus.ObjectPath
	err := service.Call("org.freedesktop.Secret.Service.ReadAlias", 0, "default").Store(&standard)
	return err == nil && standard == "/"
}
