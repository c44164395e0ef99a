package desktop

import "github.com/qrauthd/qrauthd/internal/wire"

// State is where a sign-in stands.
type State string

// The states of a sign-in. The last five are final. All but StateFailed are the
// server's words.
const (
	StatePending    = State(wire.StatePending)    // the code waits to be scanned
	StateScanned    = State(wire.StateScanned)    // a phone has opened the link
	StateConfirming = State(wire.StateConfirming) // the person chose to approve
	StateVerifying  = State(wire.StateVerifying)  // a number is awaited on this computer
	StateApproved   = State(wire.StateApproved)   // approved: the tokens are being fetched
	StateRedeemed   = State(wire.StateRedeemed)   // signed in
	StateDenied     = State(wire.StateDenied)     // refused on the phone
	StateCancelled  = State(wire.StateCancelled)  // given up on this computer
	StateExpired    = State(wire.StateExpired)    // nobody answered in time
	StateFailed     = State("failed")             // ended by an error: Update.Err says which
)

// Terminal reports whether no other state can follow.
func (s State) Terminal() bool { return s == StateFailed || wire.State(s).Terminal() }
