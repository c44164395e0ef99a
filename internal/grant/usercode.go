package grant

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// UserCode is a user code in canonical form: CodeLength letters of the alphabet,
// upper case, no hyphen. It is a string, not a number, and independent of the
// device code.
type UserCode string

// CodeLength is the number of letters: 20^8 codes, 34.5 bits (RFC 8628 section 6.1).
const CodeLength = 8

// codeAlphabet is RFC 8628 section 6.1's: no vowels, so that no words appear.
const codeAlphabet = "BCDFGHJKLMNPQRSTVWXZ"

// ErrUserCodeSyntax is returned for text that no user code looks like.
var ErrUserCodeSyntax = errors.New("not a user code")

// maxTypedCode bounds what ParseUserCode looks at, in bytes.
const maxTypedCode = 64

// NewUserCode draws a code, each letter with the same chance.
func NewUserCode(random io.Reader) (UserCode, error) {
	const fair = 256 - 256%len(codeAlphabet) // bytes from here on would favour some letters
	code := make([]byte, 0, CodeLength)
	var b [1]byte
	for len(code) < CodeLength {
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return "", fmt.Errorf("draw a user code: %w", err)
		}
		if int(b[0]) < fair {
			code = append(code, codeAlphabet[int(b[0])%len(codeAlphabet)])
		}
	}
	return UserCode(code), nil
}

// ParseUserCode reads what a person typed or a link carried: case, spaces and
// punctuation do not count (RFC 8628 section 6.1).
func ParseUserCode(typed string) (UserCode, error) {
	if len(typed) > maxTypedCode {
		return "", ErrUserCodeSyntax
	}
	code := make([]byte, 0, CodeLength)
	for _, r := range typed {
		switch {
		case r >= 'a' && r <= 'z':
			r -= 'a' - 'A'
		case r >= 'A' && r <= 'Z':
		case r >= '0' && r <= '9', r > 0x7f && !strings.ContainsRune("‐‑‒–—−\u00a0\u2009\u202f\u3000", r):
			return "", ErrUserCodeSyntax
		default:
			continue // punctuation and space
		}
		if !strings.ContainsRune(codeAlphabet, r) || len(code) == CodeLength {
			return "", ErrUserCodeSyntax
		}
		code = append(code, byte(r))
	}
	if len(code) != CodeLength {
		return "", ErrUserCodeSyntax
	}
	return UserCode(code), nil
}

// String is the form that people read: two groups of four, as in WDJB-MJHT.
func (c UserCode) String() string {
	if len(c) != CodeLength {
		return string(c)
	}
	return string(c[:4]) + "-" + string(c[4:])
}
