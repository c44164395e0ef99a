package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// PushSubprotocol is the WebSocket subprotocol of the push channel.
const PushSubprotocol = "qrauth.push.v1"

// Close codes of the push channel: how a conversation ends is a code, never a frame.
const (
	CloseDone        = 1000 // after a terminal state
	CloseRestart     = 1012 // come back; the reason is FormatRetryAfter's
	CloseMalformed   = 4400 // a frame that this protocol does not know
	CloseUnknown     = 4401 // unknown, foreign or expired device code
	CloseNoHello     = 4408 // no hello within HelloTimeout
	CloseReplaced    = 4409 // replaced by newer sockets of the same grant
	CloseOverBudget  = 4429 // too many guesses, sockets or frames
	CloseServerError = 1011 // the server could not read the state
)

// HelloTimeout is how long the server waits for the first frame.
const HelloTimeout = 5 * time.Second

// MaxClientFrame is the size, in bytes, above which a client's frame is refused.
const MaxClientFrame = 1024

// State is a grant's state as the wire spells it.
type State string

// The states on the wire. Redeemed, denied, cancelled and expired are terminal.
const (
	StatePending    State = "pending"
	StateScanned    State = "scanned"
	StateConfirming State = "confirming"
	StateVerifying  State = "verifying" // the passkey is done, a number is awaited on the desktop
	StateApproved   State = "approved"
	StateRedeemed   State = "redeemed"
	StateDenied     State = "denied"
	StateCancelled  State = "cancelled"
	StateExpired    State = "expired"
)

// Terminal reports whether no other state can follow.
func (s State) Terminal() bool {
	switch s {
	case StateRedeemed, StateDenied, StateCancelled, StateExpired:
		return true
	}
	return false
}

// Snapshot is the one frame that the server sends: the whole truth of the
// grant. The newest wins, so a lost one costs nothing. It never carries a token
// or the device code.
type Snapshot struct {
	Seq                     int64  `json:"seq"` // grows with each change of the grant
	State                   State  `json:"state"`
	UserCode                string `json:"user_code,omitempty"`
	VerificationURIComplete string `json:"verification_uri_complete,omitempty"`
	CodeExpiresIn           int    `json:"code_expires_in,omitempty"` // seconds until the code is replaced
	ExpiresIn               int    `json:"expires_in"`                // seconds until the grant is over
}

// Types of the client's frames.
const (
	FrameHello  = "hello"
	FrameCancel = "cancel"
)

// ClientFrame is what a desktop may say. Hello comes first and once.
type ClientFrame struct {
	Type       string `json:"type"`
	ClientID   string `json:"client_id,omitempty"`
	DeviceCode string `json:"device_code,omitempty"`
}

// ErrFrame is the cause of every refusal of a client's frame.
var ErrFrame = errors.New("malformed frame")

// ParseClientFrame reads a frame strictly: one JSON object, a known type, the
// members of that type by their exact names, nothing after it. Members that it does
// not know are ignored, so that newer desktops can speak to older servers.
func ParseClientFrame(data []byte) (ClientFrame, error) {
	var f ClientFrame
	// By way of a map, for a struct's names match in any case.
	var members map[string]json.RawMessage
	err := json.Unmarshal(data, &members)
	for name, into := range map[string]*string{"type": &f.Type, "client_id": &f.ClientID, "device_code": &f.DeviceCode} {
		if value, ok := members[name]; ok && err == nil {
			err = json.Unmarshal(value, into)
		}
	}
	if err != nil {
		return ClientFrame{}, fmt.Errorf("%w: %w", ErrFrame, err)
	}
	switch f.Type {
	case FrameHello:
		if f.ClientID == "" || f.DeviceCode == "" {
			return ClientFrame{}, fmt.Errorf("%w: hello wants client_id and device_code", ErrFrame)
		}
	case FrameCancel:
	default:
		return ClientFrame{}, fmt.Errorf("%w: unknown type", ErrFrame)
	}
	return f, nil
}

const retryAfterPrefix = "retry_after="

// FormatRetryAfter is the reason of a CloseRestart: whole seconds, rounded up.
func FormatRetryAfter(d time.Duration) string {
	return retryAfterPrefix + strconv.Itoa(Seconds(d))
}

// ParseRetryAfter reads FormatRetryAfter's form. Anything else is false, and a
// value of more than an hour is cut to one.
func ParseRetryAfter(reason string) (time.Duration, bool) {
	digits, ok := strings.CutPrefix(reason, retryAfterPrefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return 0, false
	}
	return min(time.Duration(n)*time.Second, time.Hour), true
}
