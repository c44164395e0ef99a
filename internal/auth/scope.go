package auth

import (
	"errors"
	"slices"
	"strings"
)

// The scopes that the server itself gives a meaning to.
const (
	ScopeOpenID  = "openid"         // an ID token, and UserInfo
	ScopeProfile = "profile"        // the person's name at UserInfo
	ScopeOffline = "offline_access" // a refresh token: signed in until signed out
)

// Scopes is a set of scope tokens in the order in which they were asked for.
type Scopes []string

// ErrScopeSyntax is returned for a scope parameter that RFC 6749 section 3.3 forbids.
var ErrScopeSyntax = errors.New("scope has a character that RFC 6749 section 3.3 forbids")

// ParseScopes reads a scope parameter (RFC 6749 section 3.3). Repetitions are
// dropped; the empty string is the empty set.
func ParseScopes(param string) (Scopes, error) {
	var s Scopes
	for _, tok := range strings.Split(param, " ") {
		if tok == "" || s.Has(tok) {
			continue
		}
		if strings.ContainsFunc(tok, func(r rune) bool { return r < 0x21 || r > 0x7e || r == '"' || r == '\\' }) {
			return nil, ErrScopeSyntax
		}
		s = append(s, tok)
	}
	return s, nil
}

// DefaultScopes are those of a client that none were named for.
func DefaultScopes() Scopes { return Scopes{ScopeOpenID, ScopeProfile, ScopeOffline} }

// Has reports whether the set contains the token.
func (s Scopes) Has(token string) bool { return slices.Contains(s, token) }

// Within reports whether every scope of s is also one of allowed.
func (s Scopes) Within(allowed Scopes) bool {
	return !slices.ContainsFunc(s, func(tok string) bool { return !allowed.Has(tok) })
}

// And is what both sets have, in the order of s.
func (s Scopes) And(other Scopes) Scopes {
	var both Scopes
	for _, tok := range s {
		if other.Has(tok) {
			both = append(both, tok)
		}
	}
	return both
}

// String is the form of the scope parameter.
func (s Scopes) String() string { return strings.Join(s, " ") }
