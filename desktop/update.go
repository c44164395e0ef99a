package desktop

import "time"

// Update is the whole truth about a login at one moment: the newest one is all
// that a screen needs.
type Update struct {
	// State is where the login stands. It is StateFailed when Err is none of
	// ErrDenied, ErrExpired and ErrCancelled, which have states of their own.
	State State
	// UserCode is shown beside the QR code, so that the person can compare it
	// with the phone or type it (RFC 8628 section 3.3.1). It changes while the
	// push channel is up.
	UserCode string
	// VerificationURI is the address to type.
	VerificationURI string
	// VerificationURIComplete is the link with the code in it, which the QR code
	// holds. It is empty when the server offers none. Where Here is true it is the
	// link for this computer's browser, which is of no use to a phone.
	VerificationURIComplete string
	// CodeExpires is when UserCode is replaced, by this computer's clock: Expires,
	// when it is not going to be.
	CodeExpires time.Time
	// Expires is when the login is over, by this computer's clock.
	Expires time.Time
	// TriesLeft is how many numbers the person may still try while State is
	// StateVerifying: 3, 2 or 1. It is 0 in every other state.
	TriesLeft int
	// Here says that the sign-in is one of Client.StartHere: there is no code.
	Here bool
	// Offline says that the server can't be reached just now, and that the login
	// is still trying.
	Offline bool
	// Pushed says that the push channel is up: changes arrive at once.
	Pushed bool
	// Err is how the login ended, nil but in the last update. A last update
	// without it is a sign-in.
	Err error
}

// Link is what the QR code holds, or what the browser is to open:
// VerificationURIComplete, or VerificationURI when there is none.
func (u Update) Link() string {
	if u.VerificationURIComplete != "" {
		return u.VerificationURIComplete
	}
	return u.VerificationURI
}

// QR is the QR code of the moment.
func (u Update) QR() (QR, error) { return NewQR(u.Link()) }
