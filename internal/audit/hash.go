package audit

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
)

// encoding names the form that Hash hashes. Another form gets another number, of the
// same length.
const encoding = "qrauthd-audit-v1"

// Hash is the hash of a record, which the next one has as its Previous: the SHA-256
// of these bytes, one after the other.
//
//	16 bytes  the ASCII text "qrauthd-audit-v1"
//	 8 bytes  Seq
//	 8 bytes  At, in microseconds since 1970-01-01T00:00:00Z
//	text      Type
//	text      Actor
//	text      ClientID
//	text      Risk
//	 4 bytes  the number of Reasons
//	text      each of the Reasons, in their order
//	text      Note
//	32 bytes  PersonalHash
//	32 bytes  Previous
//
// Numbers are big-endian, those of 8 bytes in two's complement. A text is 4 bytes with
// its length in bytes, and then that many bytes of UTF-8; one that is not there has the
// length 0. PersonalHash is the SHA-256 of the bytes of Personal, or of the text of the
// member "personal" of a Line as it stands there; it is 32 zero bytes in a record
// that never had one, and so is Previous in the first record of the log.
//
// As each part has a length of its own or says it first, no two records share their
// bytes. Hash and Personal are not among them.
func Hash(r auth.AuditRecord) secret.Hash {
	b := append(make([]byte, 0, 512), encoding...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(r.At.UnixMicro()))
	b = appendText(b, string(r.Type))
	b = appendText(b, string(r.Actor))
	b = appendText(b, string(r.ClientID))
	b = appendText(b, r.Risk)
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.Reasons)))
	for _, reason := range r.Reasons {
		b = appendText(b, reason)
	}
	b = appendText(b, r.Note)
	b = append(b, r.PersonalHash[:]...)
	b = append(b, r.Previous[:]...)
	return sha256.Sum256(b)
}

func appendText(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}
