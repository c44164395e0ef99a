package auth

import "time"

// MessageKept is how long a message stays that nobody takes out of the outbox, such as
// when there is no webhook any more. It is longer than a webhook is tried for.
const MessageKept = 7 * 24 * time.Hour

// Message is a notice to the operator's webhook that has not been delivered yet.
type Message struct {
	ID        string // webhook-id: the same at each try
	Body      []byte // JSON
	CreatedAt time.Time
	DueAt     time.Time // of the next try
	Tries     int       // so far
}
