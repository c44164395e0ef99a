package auth

import (
	"time"

	"github.com/qrauthd/qrauthd/internal/secret"
)

// Session is one desktop, signed in: what a redeemed grant became. It ends when
// it is deleted or its access token expires, whichever is first.
type Session struct {
	ID         SessionID
	GrantID    GrantID
	UserID     UserID
	ClientID   ClientID
	Scopes     Scopes
	Device     Device
	AccessHash secret.Hash // of the opaque access token
	CreatedAt  time.Time
	ExpiresAt  time.Time
}

// Browser is a phone's browser in which a person proved a passkey. It makes the
// next ceremony shorter and opens the account pages. It approves nothing.
type Browser struct {
	ID        BrowserID
	UserID    UserID
	ProvedAt  time.Time // of the last passkey ceremony in it
	ExpiresAt time.Time
}
