package login

import (
	"fmt"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
)

// dateLength is that of a time in milliseconds since 1970, in hex: enough for 8,900 years.
const dateLength = 12

// dated puts the time before a random name. What is named one after the other then
// lies side by side in the trees of the store, and a commit for many callers writes a
// few pages of them instead of one for each caller (docs/adr/0025). Nothing relies on
// the time that it tells, and chance is in the rest alone.
func dated(now time.Time, name secret.Text) secret.Text {
	return secret.From(fmt.Sprintf("%0*x", dateLength, now.UnixMilli()) + name.Reveal())
}

// idOf is the name of the grant that the device code belongs to: its date and its hash.
// What has no date is hashed only, such as the codes of earlier releases.
func idOf(deviceCode secret.Text) auth.GrantID {
	hash := deviceCode.Hash().String()
	if code := deviceCode.Reveal(); len(code) == dateLength+secret.Length {
		return auth.GrantID(code[:dateLength] + hash)
	}
	return auth.GrantID(hash)
}
