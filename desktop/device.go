package desktop

import (
	"cmp"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"

	"github.com/qrauthd/qrauthd/internal/auth"
)

// Device is what this computer says of itself. The phone shows it as the
// computer's own words, each field cut to 64 characters of plain text. Empty
// fields are filled in by New.
type Device struct {
	Name       string // default: the host name
	Platform   string // default: the system's name, such as "Windows"
	AppVersion string // default: the version of the program's main module, if it is a released one
}

// declared is the device in the words that are sent.
func (d Device) declared() auth.Device {
	return auth.Device{
		Name:       cmp.Or(d.Name, hostName()),
		Platform:   cmp.Or(d.Platform, platform(runtime.GOOS)),
		AppVersion: cmp.Or(d.AppVersion, moduleVersion()),
	}.Clean()
}

func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "" // the server says "a computer"
	}
	return name
}

func platform(goos string) string {
	names := map[string]string{
		"windows": "Windows", "darwin": "macOS", "linux": "Linux",
		"freebsd": "FreeBSD", "openbsd": "OpenBSD", "netbsd": "NetBSD",
	}
	return cmp.Or(names[goos], goos)
}

func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || unreleased.MatchString(info.Main.Version) {
		return ""
	}
	return info.Main.Version
}

// unreleased versions tell nobody on a phone anything: pseudo-versions have a time and
// a revision in them.
var unreleased = regexp.MustCompile(`^\(devel\)$|\d{14}-[0-9a-f]{12}|\+dirty$`)
