package auth

import "time"

// Passkey is a WebAuthn credential of a user, with what WebAuthn Level 3
// section 4 asks a relying party to remember.
type Passkey struct {
	ID        []byte // credential ID
	UserID    UserID
	PublicKey []byte // COSE_Key
	AAGUID    []byte
	SignCount uint32
	// BackupEligible never changes over a credential's life; BackupState may.
	BackupEligible bool
	BackupState    bool
	Transports     []string
	CreatedAt      time.Time
	LastUsedAt     time.Time // zero: never
}
