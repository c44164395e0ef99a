package auth

import (
	"time"

	"github.com/qrauthd/qrauthd/internal/secret"
)

// AuditRecord is an event in the log's chain.
type AuditRecord struct {
	Seq      int64 // 1, 2, 3 …
	At       time.Time
	Type     EventType
	Actor    Actor
	ClientID ClientID
	Risk     string
	Reasons  []string
	Note     string
	// Personal is the JSON of the event's Personal with chance in it, so that
	// PersonalHash tells nothing of it once it is forgotten: nil.
	Personal     []byte
	PersonalHash secret.Hash
	// Previous is the Hash of the record before, zero for the first; Hash is over all
	// of this record but Personal, which PersonalHash stands for.
	Previous secret.Hash
	Hash     secret.Hash
}

// AuditHead is the newest record of the log; the zero AuditHead of an empty one.
type AuditHead struct {
	Seq  int64
	Hash secret.Hash
}
