package auth

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxDeviceField is the length, in characters, to which each word of a Device is cut.
const MaxDeviceField = 64

// Device is what a desktop says of itself when it asks for a sign-in. Nothing
// of it is proved: pages mark it as the computer's own words.
type Device struct {
	Name       string
	Platform   string
	AppVersion string
}

// Clean returns the device as plain text: control and formatting characters
// (bidirectional overrides among them) removed, white space folded, each field
// cut to MaxDeviceField characters.
func (d Device) Clean() Device {
	return Device{plain(d.Name), plain(d.Platform), plain(d.AppVersion)}
}

// CleanName returns a person's name as plain text, by the same rules as Device.Clean.
func CleanName(name string) string { return plain(name) }

func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > MaxDeviceField {
		s = strings.TrimSpace(string([]rune(s)[:MaxDeviceField]))
	}
	return s
}
