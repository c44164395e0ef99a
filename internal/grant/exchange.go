package grant

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/clock"
	"github.com/qrauthd/qrauthd/internal/secret"
)

// CodeLife is how long an authorization code is good: it has only to travel from
// a browser to an app (RFC 6749 section 4.1.2 allows ten minutes at most).
const CodeLife = time.Minute

// RepeatFor is how long the holder of the same key may ask for the answer to an
// exchange once more, because the first was lost on the way.
const RepeatFor = 30 * time.Second

// Repeats reports whether it is still time to ask for an answer once more that was
// given at that time.
func Repeats(now, answered time.Time) bool {
	return clock.During(now, answered, answered.Add(RepeatFor))
}

// ForBrowser reports whether an authorization request began the grant. A device's
// grant has a user code instead.
func (g Grant) ForBrowser() bool { return g.Redirect.URI != "" }

// Mint gives an approved authorization request the code that its browser takes to
// the client, for the browser that approved it. A new code voids the one before.
func (g Grant) Mint(now time.Time, browser auth.BrowserID, code secret.Hash) (Grant, error) {
	if !g.ForBrowser() || g.claimedElsewhere(browser) {
		return g, ErrNotClaimed
	}
	if g.StateAt(now) != Approved {
		if err := g.refusal(now); err != nil {
			return g, err
		}
		return g, ErrPending
	}
	g.Redirect.Code, g.CodeMintedAt = code, now
	return g.changed(), nil
}

// Presented is what a client brings to exchange an authorization code.
type Presented struct {
	Code        secret.Hash
	RedirectURI string
	Verifier    string // code_verifier (RFC 7636 section 4.5)
}

// Exchange spends the authorization code (RFC 6749 section 4.1.3), once, for the
// client that began the grant. With ErrMismatch the grant that comes back is void:
// whoever has the code without what belongs to it gets one try.
func (g Grant) Exchange(now time.Time, client auth.ClientID, p Presented) (Grant, error) {
	if g.ClientID != client || !g.minted(p.Code) {
		return g, ErrForeign
	}
	if g.StateAt(now) != Approved {
		if err := g.refusal(now); err != nil {
			return g, err
		}
		return g, ErrPending
	}
	if !clock.During(now, g.CodeMintedAt, g.CodeMintedAt.Add(CodeLife)) {
		return g, ErrExpired
	}
	if !g.matches(p) {
		return g.Void(now), ErrMismatch
	}
	g.State, g.RedeemedAt = Redeemed, now
	return g.changed(), nil
}

// Repeatable reports whether a redeemed grant's answer may be given once more, to
// the client that got it and to the key that it was bound to.
func (g Grant) Repeatable(now time.Time, client auth.ClientID) bool {
	return g.State == Redeemed && g.ClientID == client && Repeats(now, g.RedeemedAt)
}

// RepeatableWith is Repeatable for an authorization code with all that belongs to it.
func (g Grant) RepeatableWith(now time.Time, client auth.ClientID, p Presented) bool {
	return g.Repeatable(now, client) && g.minted(p.Code) && g.matches(p)
}

func (g Grant) minted(code secret.Hash) bool {
	return g.ForBrowser() && !g.Redirect.Code.IsZero() && g.Redirect.Code == code
}

func (g Grant) matches(p Presented) bool {
	return p.RedirectURI == g.Redirect.URI && challenged(p.Verifier, g.Redirect.Challenge)
}

// The bounds of a code_verifier (RFC 7636 section 4.1).
const (
	minVerifier = 43
	maxVerifier = 128
)

// challenged reports whether the verifier is what the challenge was made of
// (RFC 7636 section 4.6).
func challenged(verifier, challenge string) bool {
	if len(verifier) < minVerifier || len(verifier) > maxVerifier {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	made := base64.RawURLEncoding.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(made), []byte(challenge)) == 1
}
