package auth

import "time"

// BlockKind is what can be blocked.
type BlockKind string

// The kinds.
const (
	BlockKey     BlockKind = "key"     // a desktop's DPoP key, by its thumbprint
	BlockAddress BlockKind = "address" // a desktop's address, or the /64 of an IPv6 one
)

// BlockedAddress is how long an address is blocked; a key is until the operator lifts it.
const BlockedAddress = 24 * time.Hour

// Block keeps a computer that somebody reported ("This wasn't me") from being signed
// in to that account, and makes it a risk to all others.
type Block struct {
	Kind      BlockKind
	Value     string
	UserID    UserID // who reported it
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
}

// Holds reports whether the block is in force at that time.
func (b Block) Holds(now time.Time) bool { return b.ExpiresAt.IsZero() || now.Before(b.ExpiresAt) }
