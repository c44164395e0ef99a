package token

import (
	"fmt"
	"time"
)

// ACR says how the person was authenticated: with something that cannot be
// phished (OpenID Connect EAP ACR Values 1.0 section 2). All sign-ins are by
// passkey, so there is one value.
const ACR = "phr"

// AMR says with what: possession of a key, proved (pop; EAP ACR Values), by a
// person who was verified there and then (user), which makes two factors (mfa;
// RFC 8176 section 2).
func AMR() []string { return []string{"pop", "user", "mfa"} }

// seconds is a NumericDate (RFC 7519 section 2); zero for no time at all.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func date(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// claim is one that must be there.
type claim struct {
	name    string
	present bool
}

// require refuses to sign a token that no verifier would take.
func require(claims ...claim) error {
	for _, c := range claims {
		if !c.present {
			return fmt.Errorf("claim %s is missing", c.name)
		}
	}
	return nil
}
