package jws

import "strings"

// TypeAccess is the typ of an access token (RFC 9068 section 2.1).
const TypeAccess = "at+jwt"

// IsAccess reports whether a typ is that of an access token, which keeps out an ID
// token and whatever else the same key has signed (RFC 9068 section 4). Media types
// have no case, and may leave out application/ (RFC 7515 section 4.1.9).
func IsAccess(typ string) bool {
	return strings.TrimPrefix(strings.ToLower(typ), "application/") == TypeAccess
}
