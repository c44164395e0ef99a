package audit

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
)

var errHead = errors.New(`it is not a head of the audit log: that is the number of its newest record, ":", and 64 hexadecimal digits in lower case`)

// FormatHead is the head as one notes it for later: the number of the record, ":", and
// its hash in hexadecimal digits.
func FormatHead(h auth.AuditHead) string {
	return strconv.FormatInt(h.Seq, 10) + ":" + hex.EncodeToString(h.Hash[:])
}

// ParseHead reads what FormatHead wrote, and no other spelling of it.
func ParseHead(text string) (auth.AuditHead, error) {
	number, digits, _ := strings.Cut(text, ":")
	seq, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return auth.AuditHead{}, fmt.Errorf("%q: %w", text, errHead)
	}
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != len(secret.Hash{}) {
		return auth.AuditHead{}, fmt.Errorf("%q: %w", text, errHead)
	}
	h := auth.AuditHead{Seq: seq, Hash: secret.Hash(b)}
	if FormatHead(h) != text || seq < 0 || (seq == 0) != h.Hash.IsZero() {
		return auth.AuditHead{}, fmt.Errorf("%q: %w", text, errHead)
	}
	return h, nil
}
