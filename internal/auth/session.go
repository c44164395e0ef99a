package auth

import (
	"net/netip"
	"time"

	"github.com/qrauthd/qrauthd/internal/secret"
)

// Session is one desktop, signed in: what a redeemed grant became. Its access
// tokens name it (sid) and are worth nothing at this server once it has ended.
// It ends when it is deleted or its time is over, whichever is first.
type Session struct {
	ID       SessionID // random
	GrantID  GrantID   // one grant, one session
	UserID   UserID
	ClientID ClientID
	Scopes   Scopes
	// Resources are what its access tokens may be for, the default first (RFC 8707).
	Resources []string
	Device    Device
	// StartedFrom is the address from which the desktop began the sign-in, and Origin
	// the one that it was last heard from.
	StartedFrom netip.Addr
	Origin      netip.Addr
	// ReducedScopes are all that the desktop has until ReducedUntil; the zero time:
	// nothing is, or is any more, withheld.
	ReducedScopes Scopes
	ReducedUntil  time.Time
	// AuthTime is when the person proved their passkey.
	AuthTime time.Time
	// KeyThumbprint is that of the DPoP key that its tokens are bound to (RFC 9449
	// section 6); empty: bearer tokens.
	KeyThumbprint string
	// Family is the hash of what all refresh tokens of the session have in common;
	// the zero hash: there are none (no offline_access).
	Family secret.Hash
	// Generation counts the rotations of the refresh token, RotatedAt is the last, by a
	// clock that never goes back: it may be ahead of the other times.
	Generation int64
	RotatedAt  time.Time
	CreatedAt  time.Time
	// ExpiresAt is the end if nothing happens: of the idle time, which each refresh
	// moves, and never past the absolute limit.
	ExpiresAt time.Time
}

// Unconfirmed reports whether the person has yet to say that they know the desktop.
func (s Session) Unconfirmed(now time.Time) bool { return now.Before(s.ReducedUntil) }

// ScopesAt are what the session's tokens may be for at that time.
func (s Session) ScopesAt(now time.Time) Scopes {
	if s.Unconfirmed(now) {
		return s.ReducedScopes
	}
	return s.Scopes
}

// Refresh is one refresh token, as it is kept. Several of one generation are
// alive when an answer was lost on the way and asked for again.
type Refresh struct {
	Hash       secret.Hash
	SessionID  SessionID
	Generation int64
}

// Browser is a phone's browser in which a person proved a passkey. It makes the
// next ceremony shorter and opens the account pages. It approves nothing.
type Browser struct {
	ID        BrowserID
	UserID    UserID
	ProvedAt  time.Time // of the last passkey ceremony in it
	ExpiresAt time.Time
}
