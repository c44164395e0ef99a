package grant

import (
	"net/netip"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/clock"
	"github.com/qrauthd/qrauthd/internal/secret"
)

// State is where a grant stands. Expired is never stored: StateAt computes it.
type State string

// The states, spelled as on the wire.
const (
	Pending    State = "pending"
	Scanned    State = "scanned"
	Confirming State = "confirming"
	Verifying  State = "verifying"
	Approved   State = "approved"
	Redeemed   State = "redeemed"
	Denied     State = "denied"
	Cancelled  State = "cancelled"
	Expired    State = "expired"
)

// Grant is one desktop's request to be signed in, from its start to its end.
type Grant struct {
	ID auth.GrantID
	// Seq grows by one with each change, so that of two snapshots the newer is known.
	Seq       int64
	State     State
	ClientID  auth.ClientID
	Scopes    auth.Scopes
	Device    auth.Device
	Origin    netip.Addr // the desktop's address as the server saw it
	Interval  time.Duration
	CreatedAt time.Time
	ExpiresAt time.Time

	// Resources are what the access tokens may be for, the default first (RFC 8707).
	Resources []string
	// KeyThumbprint is that of the DPoP key that must redeem the grant; empty: any or
	// none (RFC 9449 section 10).
	KeyThumbprint string
	// Nonce is the client's, for the ID token (OpenID Connect Core section 3.1.2.1).
	Nonce string
	// Redirect is set for a grant that an authorization request began: it ends in an
	// authorization code (RFC 6749 section 4.1) and has no user code.
	Redirect Redirect

	// Code is the user code of the moment; OldCode is the one before it, good
	// until OldCodeUntil. CodeMintedAt is when Code was drawn, or Redirect.Code.
	Code         UserCode
	CodeMintedAt time.Time
	OldCode      UserCode
	OldCodeUntil time.Time

	// OpenedBy is the browser that opened the code first, and OpenedTwice says that
	// another one did too, which then counts for good. OpenedLate says that it did so
	// only when the grant was claimed, and could not have been approved by it any more.
	OpenedBy    auth.BrowserID
	OpenedTwice bool
	OpenedLate  bool
	// Crowded says that the sign-in was one of very many from its address.
	Crowded bool

	// ClaimedBy is the one browser that may decide, once it has tapped Approve or Deny.
	ClaimedBy auth.BrowserID
	// Challenge is the open passkey ceremony's state; nil when none is open.
	Challenge []byte

	UserID    auth.UserID // who approved
	DecidedAt time.Time   // by a passkey, denied or cancelled
	// Number is what the person is to type on the desktop, of NumberDigits; empty: none
	// is awaited. Tries counts those that were wrong.
	Number     string
	Tries      int
	RedeemedAt time.Time
}

// Redirect is where and how an authorization response goes to the client.
type Redirect struct {
	URI       string // empty: there is none, the grant is a device's
	State     string // the client's own, returned as it came
	Challenge string // code_challenge of the method S256 (RFC 7636 section 4.2)
	// Subject is the one person who may approve, as the client knows them; empty: anybody.
	Subject string
	// Code is the hash of the authorization code; zero before one was minted.
	Code secret.Hash
}

// Request is what a grant begins from.
type Request struct {
	ID            auth.GrantID
	ClientID      auth.ClientID
	Scopes        auth.Scopes
	Device        auth.Device
	Origin        netip.Addr
	Code          UserCode // none for an authorization request
	Lifetime      time.Duration
	Interval      time.Duration
	Resources     []string
	KeyThumbprint string
	Nonce         string
	Redirect      Redirect
	Crowded       bool
}

// New begins a grant. Lifetime and interval are the client's; both have been
// checked against the bounds in package auth.
func New(now time.Time, r Request) Grant {
	return Grant{
		ID:           r.ID,
		Seq:          1,
		State:        Pending,
		ClientID:     r.ClientID,
		Scopes:       r.Scopes,
		Device:       r.Device.Clean(),
		Origin:       r.Origin,
		Interval:     r.Interval,
		CreatedAt:    now,
		ExpiresAt:    now.Add(r.Lifetime),
		Code:         r.Code,
		CodeMintedAt: now,

		Resources:     r.Resources,
		KeyThumbprint: r.KeyThumbprint,
		Nonce:         r.Nonce,
		Redirect:      r.Redirect,
		Crowded:       r.Crowded,
	}
}

// StateAt is the grant's state at that time. One from the future has expired.
func (g Grant) StateAt(now time.Time) State {
	switch g.State {
	case Redeemed, Denied, Cancelled:
		return g.State
	}
	if !clock.During(now, g.CreatedAt, g.ExpiresAt) {
		return Expired
	}
	return g.State
}

// SeqAt is the grant's sequence number at that time. The clock's own change, from
// alive to expired, counts as one too.
func (g Grant) SeqAt(now time.Time) int64 {
	if g.StateAt(now) == Expired {
		return g.Seq + 1
	}
	return g.Seq
}

// refusal is why the grant, at that time, can no longer be decided; nil while it can.
func (g Grant) refusal(now time.Time) error {
	switch g.StateAt(now) {
	case Approved:
		return ErrApproved
	case Redeemed:
		return ErrRedeemed
	case Denied:
		if g.NumberFailed() {
			return ErrNumberFailed
		}
		return ErrDenied
	case Cancelled:
		return ErrCancelled
	case Expired:
		return ErrExpired
	}
	return nil
}

// changed is the grant with its sequence number moved on.
func (g Grant) changed() Grant {
	g.Seq++
	return g
}
