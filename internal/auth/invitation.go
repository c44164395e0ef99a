package auth

import (
	"time"

	"github.com/qrauthd/qrauthd/internal/secret"
)

// Invitation is an operator's one-time leave to create a passkey: for a new
// account when UserID is empty, else for that existing one.
type Invitation struct {
	Hash      secret.Hash
	UserID    UserID
	Name      string // offered to the newcomer, who may change it
	CreatedAt time.Time
	ExpiresAt time.Time
}

// RecoveryCode is a person's own one-time leave to create a passkey when the
// last one is lost.
type RecoveryCode struct {
	Hash      secret.Hash
	UserID    UserID
	CreatedAt time.Time
}

// Ceremony is a WebAuthn ceremony that has begun and not ended, other than an
// approval's, which lives with its grant. It is consumed by the first answer.
type Ceremony struct {
	Hash      secret.Hash // of the handle that the page holds
	Browser   BrowserID   // only this browser may end it
	Data      []byte      // what the login floor needs to end it
	ExpiresAt time.Time
}
