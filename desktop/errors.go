package desktop

import (
	"errors"
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// How a sign-in or a session ends when it doesn't go well. Each message says
// what to do next; tell them apart by errors.Is.
var (
	// ErrDenied: the person, or somebody with the person's phone, said no; or, when it
	// is ErrWrongNumber too, three numbers were wrong.
	ErrDenied = errors.New("the sign-in was denied on the phone: start a new one to try again")
	// ErrExpired: nobody answered in time.
	ErrExpired = errors.New("the code has run out: start a new sign-in to get a new code")
	// ErrCancelled: this computer gave up.
	ErrCancelled = errors.New("the sign-in was cancelled: start a new one to try again")
	// ErrInterrupted: the phone approved, but the answer with the tokens was lost
	// on its way, and a code is good for one answer only. The server is told to end
	// the session that nobody holds.
	ErrInterrupted = errors.New("the sign-in was cut off before its answer arrived: start a new one")
	// ErrOffline: the server can't be reached. It wraps the cause. A *BusyError is
	// ErrOffline too.
	ErrOffline = errors.New("the server can't be reached: check the connection and try again")
	// ErrWrongNumber: the number is not the one on the phone. Update.TriesLeft says how
	// many more may be tried.
	ErrWrongNumber = errors.New("that is not the number on the phone: look again, and type it once more")
	// ErrNoNumber: the server awaits no number, or not any more.
	ErrNoNumber = errors.New("no number is awaited: look at the phone")
	// ErrNoSession: none is kept, or the kept one has ended.
	ErrNoSession = errors.New("there is no session: sign in")
	// ErrSignedOut: the session was ended, here or elsewhere.
	ErrSignedOut = errors.New("this computer was signed out: sign in again")
)

// BusyError: the server is there and has too much to do, or was asked too often; it took
// nothing up, and the same may go well later. It is ErrOffline as well. Use errors.As.
type BusyError struct {
	RetryAfter time.Duration // as the server asks for; do not try again before
}

func (e *BusyError) Error() string {
	return "the server has too much to do at the moment: try again in " + e.RetryAfter.String()
}

// Is makes it a kind of ErrOffline, for those who make no difference.
func (e *BusyError) Is(target error) bool { return target == ErrOffline }

// OAuthError is a server's refusal that trying again does not mend, such as an
// unknown client (RFC 6749 section 5.2). Use errors.As.
type OAuthError struct {
	Code        string
	Description string
}

// refusedAs reports whether an error is the server's refusal with the code.
func refusedAs(err error, code string) bool {
	var refused *OAuthError
	return errors.As(err, &refused) && refused.Code == code
}

func (e *OAuthError) Error() string {
	msg := (&wire.Error{Code: e.Code, Description: e.Description}).Error()
	if e.Code == wire.CodeInvalidClient || e.Code == wire.CodeUnauthorizedClient {
		return "the server does not know this app (" + msg + "): register its client ID with the server's operator"
	}
	if e.Code == wire.CodeInvalidDPoPProof {
		return "the server refused the proof of this computer's key, or got none (" + msg + "): check this computer's clock and the addresses in the server's metadata, and that the app has not turned DPoP off"
	}
	return "the server refused the sign-in (" + msg + ")"
}
