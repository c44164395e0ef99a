package desktop

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// maxServerFrame is the size, in bytes, above which a server's frame is refused.
const maxServerFrame = 16 << 10

var errFrame = errors.New("the push channel sent something that is no snapshot")

// parseSnapshot reads a server's frame. Members and states that it does not know
// are let pass, so that an older app can speak to a newer server.
func parseSnapshot(data []byte) (wire.Snapshot, error) {
	var s wire.Snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		return wire.Snapshot{}, fmt.Errorf("%w: %w", errFrame, err)
	}
	if s.State == "" {
		return wire.Snapshot{}, fmt.Errorf("%w: no state", errFrame)
	}
	return s, nil
}

// progress is the state to show for one of the wire. A redeemed grant is shown
// as approved until this computer holds the tokens; a state that this version
// does not know changes nothing, and neither does old news of a number that was
// right.
func progress(before State, s wire.State) State {
	switch s {
	case wire.StateVerifying:
		if before == StateApproved {
			return before
		}
		return StateVerifying
	case wire.StatePending, wire.StateScanned, wire.StateConfirming, wire.StateApproved:
		return State(s)
	case wire.StateRedeemed:
		return StateApproved
	}
	return before
}

// verdict is the error by which a state ends the login, nil when it does not.
func verdict(s wire.State) error {
	switch s {
	case wire.StateDenied:
		return ErrDenied
	case wire.StateCancelled:
		return ErrCancelled
	case wire.StateExpired:
		return ErrExpired
	}
	return nil
}
