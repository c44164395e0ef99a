package auth

import "time"

// FamiliarKind is what an account can be familiar with.
type FamiliarKind string

// The kinds.
const (
	FamiliarKey FamiliarKind = "key" // a desktop's DPoP key, by its thumbprint (RFC 7638)
	// FamiliarClientKey is a key with the client that it has signed in for: their IDs
	// with a space between. A sign-in for one client says little about another's policy.
	FamiliarClientKey FamiliarKind = "client_key"
	// FamiliarOwnKey is a key whose computer the person was at: it signed in by its own
	// browser, or they have confirmed it.
	FamiliarOwnKey  FamiliarKind = "own_key"
	FamiliarNetwork FamiliarKind = "network" // a desktop's network: /24 of IPv4, /64 of IPv6
	FamiliarCountry FamiliarKind = "country" // a desktop's, ISO 3166-1 alpha-2
)

// FamiliarKept is how long it is remembered after it was last seen.
const FamiliarKept = 366 * 24 * time.Hour

// Familiar is something that the sign-ins of an account have had before, and that
// makes the next one with it less of a risk.
type Familiar struct {
	UserID      UserID
	Kind        FamiliarKind
	Value       string
	FirstSeenAt time.Time
	LastSeenAt  time.Time
}
