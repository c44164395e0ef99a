package resource

import (
	"strings"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// maxAuthorization is the size in bytes above which an Authorization header is
// refused.
const maxAuthorization = 16 << 10

// credentials is what an Authorization header brings. The zero value is nothing.
type credentials struct {
	scheme string // as wire.TokenTypeBearer or wire.TokenTypeDPoP spells it
	token  string
}

// String is the header's value.
func (c credentials) String() string { return c.scheme + " " + c.token }

// parseAuthorization reads the values of the Authorization header: one at most,
// an auth-scheme and a token68 (RFC 9110 section 11.4). The scheme's case is free
// (RFC 9110 section 11.1). Another scheme is the same as no credentials: it is for
// somebody else. The query and the body are never looked at (RFC 9700 section
// 4.3.2).
func parseAuthorization(values []string) (credentials, error) {
	switch {
	case len(values) == 0:
		return credentials{}, nil
	case len(values) > 1:
		return credentials{}, malformed("more than one Authorization header")
	}
	name, token, _ := strings.Cut(values[0], " ")
	scheme, ok := knownScheme(name)
	if !ok {
		return credentials{}, nil
	}
	token = strings.TrimLeft(token, " ")
	if len(values[0]) > maxAuthorization || !isToken68(token) {
		return credentials{scheme: scheme}, malformed("the Authorization header has no well-formed token")
	}
	return credentials{scheme, token}, nil
}

func knownScheme(name string) (string, bool) {
	for _, scheme := range []string{wire.TokenTypeBearer, wire.TokenTypeDPoP} {
		if strings.EqualFold(name, scheme) {
			return scheme, true
		}
	}
	return "", false
}

// isToken68 is the rule of RFC 9110 section 11.2.
func isToken68(s string) bool {
	s = strings.TrimRight(s, "=")
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~+/", r))
	})
}
