package grant

import (
	"errors"
	"fmt"
)

// What a transition can be refused for. Test with errors.Is.
var (
	ErrPending    = errors.New("the person has not decided yet")
	ErrDenied     = errors.New("the person denied the sign-in")
	ErrCancelled  = errors.New("the desktop cancelled the sign-in")
	ErrExpired    = errors.New("the grant has expired")
	ErrApproved   = errors.New("the grant is approved already")
	ErrRedeemed   = errors.New("the code was redeemed already")
	ErrForeign    = errors.New("the grant belongs to another client")
	ErrNotClaimed = errors.New("no ceremony of this browser is open on the grant")
	ErrClaimed    = errors.New("another browser has claimed the grant")
	ErrMismatch   = errors.New("redirect_uri or code_verifier is not the authorization request's")
	// ErrVerifying is an ErrPending: the passkey is proved, and the desktop's number awaited.
	ErrVerifying = fmt.Errorf("%w: the number is awaited on the desktop", ErrPending)
	// ErrNumberFailed is an ErrDenied: by the desktop's wrong numbers, and no person.
	ErrNumberFailed = fmt.Errorf("%w: too many wrong numbers", ErrDenied)
	ErrNoNumber     = errors.New("no number is awaited")
	ErrNumber       = errors.New("that is not the number on the phone")
	ErrNotDue       = errors.New("the user code is not due for rotation")
)
