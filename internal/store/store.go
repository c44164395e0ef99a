// Package store is the contract between the use cases and whatever keeps their
// data: transactions over a few nouns, and the errors that they may expect.
//
// It has no SQL and no rules. Engines live below it (store/sqlite), and
// store/storetest is the one suite that each of them passes. A value that was
// written reads back the same, with times in UTC to the microsecond and
// collections that were empty or nil reading back as nil.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/secret"
)

// What an engine reports. Test with errors.Is.
var (
	// ErrNotFound: no record has that key.
	ErrNotFound = errors.New("not found")
	// ErrConflict: another record has that key already.
	ErrConflict = errors.New("conflict")
	// ErrUnavailable: the storage cannot be written or read at the moment (disk
	// full, file locked, read-only). Nothing of the transaction was kept; it may be
	// tried again once the cause is gone.
	ErrUnavailable = errors.New("storage unavailable")
	// ErrOverloaded: too many transactions wait to write already. It is said at once,
	// and nothing of the transaction was run; it may be tried again a second later.
	ErrOverloaded = errors.New("the storage has too much to do")
	// ErrNewerSchema: a newer release has written this database.
	ErrNewerSchema = errors.New("the database was written by a newer version of qrauthd")
)

// Store runs transactions. It is safe for use by many goroutines.
type Store interface {
	// View runs fn over one consistent reading of the data. Writes in it fail.
	View(ctx context.Context, fn func(Tx) error) error
	// Glance reads of a grant what a poll needs, at less cost than a View.
	Glance(ctx context.Context, id auth.GrantID) (grant.Glance, error)
	// Update runs fn in a serializable transaction, which is durable when Update
	// returns nil and has left nothing behind when it returns an error or panics.
	// fn may run again, and on another goroutine: it must have no side effects but
	// on variables that it sets anew each time. ErrOverloaded when too many wait
	// already; those of a context made by Ahead have places of their own, and go first.
	// When fn panics, Update does so with a *Panic.
	Update(ctx context.Context, fn func(Tx) error) error
	// Watch calls changed, which must not block, soon after another process may have
	// changed the data, again and again until ctx ends. What comes of this Store's
	// own Updates is not told.
	Watch(ctx context.Context, changed func())
	// Prune deletes what ended long enough ago, in batches, and says how much.
	Prune(ctx context.Context, now time.Time) (Pruned, error)
	// Check finds out, by a small write, whether the storage can be written, and
	// whether it is known to be damaged. ErrUnavailable says what to look at.
	Check(ctx context.Context) error
	Close() error
}

// aheadKey is the key of Ahead's mark in a context.
type aheadKey struct{}

// Ahead marks a context: its Updates go ahead of those that are not marked. It is
// for what completes a sign-in that has begun, so that under a flood of new ones
// those under way still come to their end.
func Ahead(ctx context.Context) context.Context { return context.WithValue(ctx, aheadKey{}, true) }

// Panic is what Update panics with when its function did, which may have run on
// another goroutine.
type Panic struct {
	Value any
	Stack []byte // of where it happened
}

// Error is the value, with the stack.
func (p *Panic) Error() string { return fmt.Sprintf("%v\n%s", p.Value, p.Stack) }

// Unwrap is the value if it is an error.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// IsAhead reports whether the context is one of Ahead; engines ask it.
func IsAhead(ctx context.Context) bool { return ctx.Value(aheadKey{}) != nil }

// GrantKept is how long a grant outlives its expiry, so that a late poll and a
// late look at the page are told what happened.
const GrantKept = time.Hour

// Pruned counts the records that a Prune deleted.
type Pruned struct {
	Grants, Sessions, Browsers, Invitations, Ceremonies, Keys, Replays, Familiars, Blocks, Messages int
}

// Tx is a transaction. It is bound to the context that it was begun with, to be
// used by one goroutine, and dead when its function returns.
type Tx interface {
	Grants
	Clients
	Users
	Passkeys
	Sessions
	Refreshes
	Keys
	Replays
	Browsers
	Invitations
	RecoveryCodes
	Ceremonies
	Audit
	Outbox
	Familiars
	Blocks
}

// Grants keeps sign-ins. Neither of a grant's user codes may be one that another
// stored grant has: Add and Set return ErrConflict then.
type Grants interface {
	AddGrant(grant.Grant) error
	Grant(auth.GrantID) (grant.Grant, error)
	// GrantByUserCode finds the grant that has the code, as its present or its old
	// one, alive or not: grant.Opens decides whether it still counts.
	GrantByUserCode(grant.UserCode) (grant.Grant, error)
	// SetGrant writes what a transition may change. What a grant began with stays as it
	// was added: the client, the device and its address, the times of its beginning and
	// of its end, the interval, resources, key, nonce, where it redirects to, and whether
	// it was crowded. ErrNotFound unless added.
	SetGrant(grant.Grant) error
	// GrantsOfClient and GrantsOfUser find the grants that the client began or the
	// user approved and that expire after the time: those that may be live. They may
	// be slow, for only an operator's changes need them.
	GrantsOfClient(id auth.ClientID, after time.Time) ([]grant.Grant, error)
	GrantsOfUser(id auth.UserID, after time.Time) ([]grant.Grant, error)
	// ExpireGrants has the grants that began after the one time expire at the other, if
	// they would later, and says how many did.
	ExpireGrants(begunAfter, at time.Time) (int, error)
}

// Clients keeps the applications that may ask.
type Clients interface {
	AddClient(auth.Client) error
	Client(auth.ClientID) (auth.Client, error)
	Clients() ([]auth.Client, error) // by ID
	SetClient(auth.Client) error     // ErrNotFound unless added
	// RemoveClient deletes the client and its sessions.
	RemoveClient(auth.ClientID) error
}

// Users keeps the accounts.
type Users interface {
	AddUser(auth.User) error
	User(auth.UserID) (auth.User, error)
	Users() ([]auth.User, error) // oldest first
	SetUser(auth.User) error
	// RemoveUser deletes the user and all that is theirs: passkeys, sessions, browsers,
	// invitations, recovery codes, familiars. Their grants stay, to be denied; their
	// blocks and what the audit log tells stay as well.
	RemoveUser(auth.UserID) error
}

// Passkeys keeps the credentials. An ID is unique over all users.
type Passkeys interface {
	AddPasskey(auth.Passkey) error
	Passkey(id []byte) (auth.Passkey, error)
	PasskeysOf(auth.UserID) ([]auth.Passkey, error) // oldest first
	SetPasskey(auth.Passkey) error                  // ErrNotFound unless added
	RemovePasskey(id []byte) error
}

// Sessions keeps the desktops that are signed in. A grant has one at most, and a
// family of refresh tokens belongs to one: Add returns ErrConflict otherwise.
type Sessions interface {
	AddSession(auth.Session) error
	Session(auth.SessionID) (auth.Session, error)
	SessionByGrant(auth.GrantID) (auth.Session, error)
	SessionByFamily(secret.Hash) (auth.Session, error)
	SessionsOf(auth.UserID) ([]auth.Session, error) // oldest first
	SetSession(auth.Session) error                  // ErrNotFound unless added
	// RemoveSession deletes the session and its refresh tokens.
	RemoveSession(auth.SessionID) error
}

// Refreshes keeps the refresh tokens of sessions, those that may still be used
// and those that were a moment ago.
type Refreshes interface {
	AddRefresh(auth.Refresh) error // ErrNotFound when the session is not there
	Refresh(secret.Hash) (auth.Refresh, error)
	// RemoveRefreshes deletes those of the session that are of an earlier generation.
	// That there is none is no error.
	RemoveRefreshes(session auth.SessionID, before int64) error
}

// Keys keeps the server's own keys.
type Keys interface {
	AddKey(auth.Key) error
	Keys() ([]auth.Key, error) // oldest first
	SetKey(auth.Key) error     // ErrNotFound unless added
}

// Replays remembers one-time values that were used.
type Replays interface {
	// AddReplay returns ErrConflict when the value is remembered already.
	AddReplay(auth.Replay) error
}

// Browsers keeps the phones' browsers in which somebody proved a passkey.
type Browsers interface {
	PutBrowser(auth.Browser) error // adds or replaces
	Browser(auth.BrowserID) (auth.Browser, error)
	RemoveBrowser(auth.BrowserID) error
	// RemoveBrowsersOf makes all browsers of the user strangers, but the one to
	// keep. That there is none is no error.
	RemoveBrowsersOf(user auth.UserID, keep auth.BrowserID) error
	// UnproveBrowsers makes the ProvedAt zero that is after the time.
	UnproveBrowsers(after time.Time) error
}

// Invitations keeps what operators hand out.
type Invitations interface {
	AddInvitation(auth.Invitation) error
	Invitation(secret.Hash) (auth.Invitation, error)
	// TakeInvitation returns the invitation and deletes it: it works once.
	TakeInvitation(secret.Hash) (auth.Invitation, error)
}

// RecoveryCodes keeps what people wrote down.
type RecoveryCodes interface {
	// SetRecoveryCodes replaces all codes of the user by these.
	SetRecoveryCodes(auth.UserID, []auth.RecoveryCode) error
	RecoveryCode(secret.Hash) (auth.RecoveryCode, error)
	// TakeRecoveryCode returns the code and deletes it: it works once.
	TakeRecoveryCode(secret.Hash) (auth.RecoveryCode, error)
	RecoveryCodesLeft(auth.UserID) (int, error)
}

// Ceremonies keeps WebAuthn ceremonies that have begun, but for the approvals',
// which live with their grants.
type Ceremonies interface {
	AddCeremony(auth.Ceremony) error
	// TakeCeremony returns the ceremony and deletes it: one answer, right or wrong.
	TakeCeremony(secret.Hash) (auth.Ceremony, error)
}

// Audit keeps the audit log. Records are never changed, but for what ForgetAudit does.
type Audit interface {
	// AddAudit appends the record and makes it the head. ErrConflict unless its Seq and
	// Previous follow the head's.
	AddAudit(auth.AuditRecord) error
	// AuditHead is kept apart from the records, so that missing ones at the end show.
	AuditHead() (auth.AuditHead, error)
	// Audit returns up to limit records with a Seq greater than after, in their order.
	Audit(after int64, limit int) ([]auth.AuditRecord, error)
	// ForgetAudit deletes the Personal of up to limit records from before the time that
	// still have one, and says of how many.
	ForgetAudit(before time.Time, limit int) (int, error)
}

// Outbox keeps the notices to the operator's webhook until they are delivered.
type Outbox interface {
	AddMessage(auth.Message) error
	// DueMessages returns up to limit messages whose DueAt is not after now, the one that is due longest first.
	DueMessages(now time.Time, limit int) ([]auth.Message, error)
	SetMessage(auth.Message) error // ErrNotFound unless added
	RemoveMessage(id string) error
}

// Familiars keeps what accounts have had before.
type Familiars interface {
	PutFamiliar(auth.Familiar) error // adds or replaces that of the user, kind and value
	FamiliarsOf(auth.UserID) ([]auth.Familiar, error)
	// RemoveFamiliar deletes it. That there is none is no error.
	RemoveFamiliar(user auth.UserID, kind auth.FamiliarKind, value string) error
}

// Blocks keeps what people have reported.
type Blocks interface {
	PutBlock(auth.Block) error // adds or replaces that of the kind, value and user
	// BlocksOn finds the blocks of the value, whoever reported it, in force or not.
	BlocksOn(kind auth.BlockKind, value string) ([]auth.Block, error)
	Blocks() ([]auth.Block, error) // oldest first
	// RemoveBlocks lifts all blocks of the value. ErrNotFound when there is none.
	RemoveBlocks(kind auth.BlockKind, value string) error
}
