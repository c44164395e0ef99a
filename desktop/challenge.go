package desktop

import (
	"net/http"
	"strings"
)

// challengeError is the error that a challenge of the scheme names (RFC 6750
// section 3, RFC 9449 section 7.1), empty when there is no such challenge or it
// names none.
func challengeError(h http.Header, scheme string) string {
	for _, line := range h.Values("WWW-Authenticate") {
		said := ""
		for _, part := range challengeParts(line) {
			head, rest, _ := strings.Cut(part, " ")
			if !strings.ContainsAny(head, `="`) && !strings.HasPrefix(rest, "=") {
				said, part = head, rest
			}
			name, value, _ := strings.Cut(part, "=")
			if strings.EqualFold(said, scheme) && strings.EqualFold(strings.TrimSpace(name), "error") {
				return unquoted(strings.TrimSpace(value))
			}
		}
	}
	return ""
}

// challengeParts splits a line of challenges at its commas (RFC 9110 section
// 11.6.1). Each part is a scheme, a parameter, or a scheme and its first one.
// What stands in quotes is nobody's word but the quoter's, and stays whole.
func challengeParts(line string) []string {
	quoted, escaped := false, false
	parts := strings.FieldsFunc(line, func(r rune) bool {
		switch {
		case escaped:
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			quoted = !quoted
		}
		return r == ',' && !quoted
	})
	for i, part := range parts {
		parts[i] = strings.TrimSpace(part)
	}
	return parts
}

// unquoted is a token or quoted-string without its quotes. Error codes have
// nothing to escape (RFC 6750 section 3).
func unquoted(s string) string {
	return strings.TrimSuffix(strings.TrimPrefix(s, `"`), `"`)
}
