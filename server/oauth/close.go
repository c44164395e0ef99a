package oauth

import (
	"errors"
	"net"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// ending is how a conversation on the push channel ends.
type ending struct {
	code   int
	reason string
}

func restart(after time.Duration) ending {
	return ending{wire.CloseRestart, wire.FormatRetryAfter(after)}
}

var (
	errFrames     = errors.New("too many frames")
	errSockets    = errors.New("too many sockets")
	errNotHello   = errors.New("the first frame must be hello, and no other")
	errOver       = errors.New("the conversation is over")
	errOtherFrame = errors.New("a frame that says nothing here")
)

// endingOf is the close code for what went wrong. The zero ending means that the
// peer has gone or has been told already.
func endingOf(err error, greeted bool) ending {
	var timeout net.Error
	switch {
	case errors.Is(err, wire.ErrFrame), errors.Is(err, errNotHello), errors.Is(err, errOtherFrame):
		return ending{wire.CloseMalformed, "malformed frame"}
	case errors.Is(err, login.ErrUnknownCode):
		return ending{wire.CloseUnknown, "unknown device code"}
	case errors.Is(err, login.ErrUnknownToken):
		return ending{wire.CloseUnknown, "unknown access token"}
	case errors.Is(err, errFrames), errors.Is(err, errSockets), errors.As(err, new(*budget.Spent)):
		return ending{wire.CloseOverBudget, "over budget"}
	case errors.As(err, &timeout) && timeout.Timeout() && !greeted:
		return ending{wire.CloseNoHello, "no hello"}
	case errors.Is(err, errOver), errors.Is(err, websocket.ErrReadLimit), errors.As(err, new(*websocket.CloseError)), errors.As(err, &timeout):
		return ending{}
	}
	return ending{wire.CloseServerError, "try again"}
}
