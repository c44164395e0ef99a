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
	CloseUnknown     = 4401 // unknown, foreign or expired device code or access token
	CloseNoHello     = 4408 // no hello within HelloTimeout
	CloseReplaced    = 4409 // replaced by newer sockets of the same grant
	CloseOverBudget  = 4429 // too many guesses, numbers, sockets or frames
	CloseServerError = 1011 // the server could not read the state
)

// HelloTimeout is how long the server waits for the first frame.
const HelloTimeout = 5 * time.Second

// The sizes, in bytes, above which a client's frame is refused.
const (
	MaxHello       = 8 << 10 // which may hold an access token
	MaxClientFrame = 1 << 10 // after hello
)

// State is a grant's state as the wire spells it.
type State string

// The states of a sign-in. Redeemed, denied, cancelled and expired are terminal.
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

// The states of a session, told on a socket whose hello brought an access token.
const (
	StateSignedIn  State = "signed_in"
	StateSignedOut State = "signed_out" // ended here or elsewhere, or over; terminal
)

// Terminal reports whether no other state can follow.
func (s State) Terminal() bool {
	switch s {
	case StateRedeemed, StateDenied, StateCancelled, StateExpired, StateSignedOut:
		return true
	}
	return false
}

// Snapshot is the one frame that the server sends: the whole truth of the
// grant, or of the session. The newest wins, so a lost one costs nothing. It never
// carries a token, the device code, or the number that a person is to type.
type Snapshot struct {
	Seq                     int64  `json:"seq"` // grows with each change
	State                   State  `json:"state"`
	UserCode                string `json:"user_code,omitempty"`
	VerificationURIComplete string `json:"verification_uri_complete,omitempty"`
	CodeExpiresIn           int    `json:"code_expires_in,omitempty"` // seconds until the code is replaced
	ExpiresIn               int    `json:"expires_in"`                // seconds until the grant, or the session, is over
	// TriesLeft is how many numbers the person may still try, while the state is verifying.
	TriesLeft int `json:"tries_left,omitempty"`
}

// Types of the client's frames.
const (
	FrameHello   = "hello"
	FrameCancel  = "cancel"
	FrameConfirm = "confirm"
)

// ClientFrame is what a desktop may say. Hello comes first and once: with a client_id
// and a device_code to follow a sign-in, or with an access_token to learn when its
// session ends. Confirm brings the number that the person has typed.
type ClientFrame struct {
	Type        string `json:"type"`
	ClientID    string `json:"client_id,omitempty"`
	DeviceCode  string `json:"device_code,omitempty"`
	AccessToken string `json:"access_token,omitempty"`
	Number      string `json:"number,omitempty"`
}

// ErrFrame is the cause of every refusal of a client's frame.
var ErrFrame = errors.New("malformed frame")

// ParseClientFrame reads a frame strictly: one JSON object, a known type, the
// members of that type by their exact names, nothing after it. An empty member counts
// as left out. Members that it does not know are ignored, so that newer desktops can
// speak to older servers.
func ParseClientFrame(data []byte) (ClientFrame, error) {
	var m members // and no struct, whose names match in any case
	if err := json.Unmarshal(data, &m); err != nil {
		return ClientFrame{}, fmt.Errorf("%w: %w", ErrFrame, err)
	}
	f, err := m.frame()
	if err != nil {
		return ClientFrame{}, fmt.Errorf("%w: %w", ErrFrame, err)
	}
	return f, nil
}

// members are those of a frame that is being read.
type members map[string]json.RawMessage

func (m members) frame() (f ClientFrame, err error) {
	if err := m.text("type", &f.Type); err != nil {
		return f, err
	}
	switch f.Type {
	case FrameHello:
		err = m.hello(&f)
	case FrameConfirm:
		f.Number, err = m.number()
	case FrameCancel:
	default:
		err = errors.New("unknown type")
	}
	return f, err
}

// hello reads whom the desktop speaks for: a grant or a session, and never both.
func (m members) hello(f *ClientFrame) error {
	err := errors.Join(m.text("client_id", &f.ClientID), m.text("device_code", &f.DeviceCode), m.text("access_token", &f.AccessToken))
	if err != nil {
		return err
	}
	ofGrant, ofSession := f.ClientID != "" && f.DeviceCode != "", f.AccessToken != ""
	if ofGrant == ofSession || ofSession && f.ClientID+f.DeviceCode != "" {
		return errors.New("hello wants client_id and device_code, or access_token alone")
	}
	return nil
}

// number reads what the person has typed: text, or an integer, whose leading zero is
// lost on the way and put back here.
func (m members) number() (string, error) {
	if n, err := strconv.ParseUint(string(m["number"]), 10, 8); err == nil && n <= 99 {
		return fmt.Sprintf("%02d", n), nil
	}
	var text string
	if err := m.text("number", &text); err != nil {
		return "", err
	}
	return ParseNumber(text)
}

// text reads a member into a string, if it is there.
func (m members) text(name string, into *string) error {
	value, ok := m[name]
	if !ok {
		return nil
	}
	return json.Unmarshal(value, into)
}

// ErrNumber refuses what cannot be the number on a phone.
var ErrNumber = errors.New("the number has two digits")

// ParseNumber reads the number that a person has typed: two digits, and spaces around
// them. It returns the digits. ErrNumber for anything else.
func ParseNumber(text string) (string, error) {
	digits := strings.TrimSpace(text)
	if len(digits) != 2 || strings.Trim(digits, "0123456789") != "" {
		return "", ErrNumber
	}
	return digits, nil
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
