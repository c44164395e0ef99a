package admin

import (
	"crypto/rand"
	"errors"
	"io"
	"time"

	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

// What an operator's wish can be refused for, beside the store's own errors.
// Test with errors.Is.
var (
	// ErrInvalid: the wish itself cannot be granted, whatever the store holds.
	ErrInvalid = errors.New("not valid")
	// ErrNoClient: no client has that ID.
	ErrNoClient = errors.New("no client has this ID; `qrauthd client list` names them")
	// ErrClientExists: another client has that ID.
	ErrClientExists = errors.New("a client with this ID exists already; `qrauthd client update` changes it")
	// ErrNoSecret: the client has none that could be exchanged.
	ErrNoSecret = errors.New("the client authenticates without a secret; `qrauthd client update --auth-method` gives it one")
	// ErrNoUser: nobody has that ID or name.
	ErrNoUser = errors.New("no user has this ID or name; `qrauthd user list` names them")
	// ErrAmbiguous: several users have that name. The error is an *AmbiguousError.
	ErrAmbiguous = errors.New("several users have this name")
	// ErrDisabled: the account is disabled, so an invitation for it would not work.
	ErrDisabled = errors.New("the account is disabled")
	// ErrNoBlock: nothing of that kind and value is blocked.
	ErrNoBlock = errors.New("nothing is blocked by this; `qrauthd block list` names what is")
)

// Operator runs the use cases. Store is required. What it changes is in the audit log,
// in the transaction of the change.
type Operator struct {
	Store store.Store
	// Policies are what the configuration file says, with which what a client's own
	// record says must fit together.
	Policies auth.Policies
	Record   audit.Recorder
	Now      func() time.Time // default time.Now
	Random   io.Reader        // default crypto/rand.Reader
}

// now is the present as the store keeps it.
func (o Operator) now() time.Time {
	clock := o.Now
	if clock == nil {
		clock = time.Now
	}
	return clock().UTC().Truncate(time.Microsecond)
}

func (o Operator) random() io.Reader {
	if o.Random == nil {
		return rand.Reader
	}
	return o.Random
}
