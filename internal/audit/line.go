package audit

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
)

// Line is a record as lists and exports show it, in JSON. Hashes are in hexadecimal
// digits. It has all that another program needs to verify it; see Hash.
type Line struct {
	Seq      int64          `json:"seq"`
	Time     string         `json:"time"` // RFC 3339 in UTC, to the microsecond
	Type     auth.EventType `json:"type"`
	Actor    auth.Actor     `json:"actor"`
	ClientID auth.ClientID  `json:"client_id,omitempty"`
	Risk     string         `json:"risk,omitempty"`
	Reasons  []string       `json:"reasons,omitempty"`
	Note     string         `json:"note,omitempty"`
	Personal *Details       `json:"personal,omitempty"` // nil: there is none, or none any more
	// Forgotten: there was personal data.
	Forgotten    bool   `json:"forgotten,omitempty"`
	PersonalHash string `json:"personal_hash,omitempty"` // empty: all zero
	Previous     string `json:"previous"`
	Hash         string `json:"hash"`
}

// Details are what a line says of a person.
type Details struct {
	auth.Personal
	text json.RawMessage
}

// MarshalJSON is the JSON that was hashed, byte by byte, which has a member "salt" too. An
// encoder that indents breaks that.
func (d Details) MarshalJSON() ([]byte, error) { return d.text, nil }

// Entry is the line of a record. When the record's personal data cannot be read, which
// Verify finds as well, it returns the line without it, and an error.
func Entry(r auth.AuditRecord) (Line, error) {
	line := Line{
		Seq: r.Seq, Time: timestamp(r.At), Type: r.Type, Actor: r.Actor, ClientID: r.ClientID,
		Risk: r.Risk, Reasons: r.Reasons, Note: r.Note,
		Forgotten: isForgotten(r), PersonalHash: hexOf(r.PersonalHash),
		Previous: hex.EncodeToString(r.Previous[:]), Hash: hex.EncodeToString(r.Hash[:]),
	}
	if len(r.Personal) == 0 {
		return line, nil
	}
	p, err := openPersonal(r.Personal)
	if err != nil {
		return line, fmt.Errorf("record %d of the audit log: %w", r.Seq, err)
	}
	line.Personal = &Details{p, r.Personal}
	return line, nil
}

// isForgotten reports that there was personal data, and is none any more.
func isForgotten(r auth.AuditRecord) bool { return len(r.Personal) == 0 && !r.PersonalHash.IsZero() }

// hexOf is the hash in hexadecimal digits, empty for the zero hash.
func hexOf(h secret.Hash) string {
	if h.IsZero() {
		return ""
	}
	return hex.EncodeToString(h[:])
}
