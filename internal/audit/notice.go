package audit

import (
	"encoding/json"
	"io"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
)

// notice is what the operator's webhook is told, in the form of Standard Webhooks.
type notice struct {
	Type      auth.EventType `json:"type"`
	Timestamp string         `json:"timestamp"` // when it happened: RFC 3339 in UTC
	Data      noticeData     `json:"data"`
}

// noticeData is the event. What is empty is left out.
type noticeData struct {
	Actor    auth.Actor    `json:"actor"`
	ClientID auth.ClientID `json:"client_id,omitempty"`
	Risk     string        `json:"risk,omitempty"`
	Reasons  []string      `json:"reasons,omitempty"`
	Note     string        `json:"note,omitempty"`
	auth.Personal
}

// newNotice is the message of the event, due at once. Its ID has no full stop in it,
// which would make the text that is signed ambiguous.
func newNotice(random io.Reader, now time.Time, e auth.Event) (auth.Message, error) {
	id, err := chance(random, 16)
	if err != nil {
		return auth.Message{}, err
	}
	body, err := json.Marshal(notice{
		Type: e.Type, Timestamp: timestamp(now),
		Data: noticeData{Actor: e.Actor, ClientID: e.ClientID, Risk: e.Risk, Reasons: e.Reasons, Note: e.Note, Personal: e.Personal},
	})
	if err != nil {
		return auth.Message{}, err
	}
	return auth.Message{ID: "msg_" + id, Body: body, CreatedAt: now, DueAt: now}, nil
}

// timestamp is the time in RFC 3339, UTC, to the microsecond.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }
