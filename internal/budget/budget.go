package budget

import (
	"net/netip"
	"time"

	"github.com/qrauthd/qrauthd/internal/ratelimit"
)

// Limits are the budgets. A zero rate or count is no limit.
type Limits struct {
	Starts          ratelimit.Rate // sign-ins begun, per address
	StartsPerClient ratelimit.Rate
	Crowd           ratelimit.Rate // sign-ins begun, per address, beyond which they are a crowd

	// Wrong user codes (RFC 8628 section 5.1). These four hold exactly: no more than the
	// count in any span of time that long, whenever it begins.
	Guesses           ratelimit.Rate // per address
	GuessesPerBrowser ratelimit.Rate
	GuessesPerAccount ratelimit.Rate // of people with an account
	GuessesOverall    ratelimit.Rate // of all strangers together

	DeviceCodes ratelimit.Rate // wrong device codes and access tokens, per address
	// Ceremonies are passkey ceremonies begun: to approve, per grant, so that no
	// neighbour keeps a person from it; to join and to sign in, each per address. As
	// often, per grant, an app is led back to.
	Ceremonies ratelimit.Rate
	Recoveries ratelimit.Rate // recovery codes and invitations tried, per address
	Numbers    ratelimit.Rate // wrong numbers, per address, over all grants
	Frames     ratelimit.Rate // push frames from one desktop, per socket

	Sockets         int // push sockets at a time, per address, but for those of sessions
	SessionSockets  int // push sockets of sessions at a time, per address
	SocketsPerGrant int // and per session
	Waits           int // pages that wait for news at a time, per address
}

// Budgets hold what is left of each. A nil *Budgets has no limit at all. They are safe
// for concurrent use.
type Budgets struct {
	limits Limits

	starts  *ratelimit.Addresses
	clients *ratelimit.Limiter
	crowd   *ratelimit.Addresses

	guesses guesses

	deviceCodes *ratelimit.Addresses
	numbers     *ratelimit.Addresses
	approvals   *ratelimit.Limiter // per grant
	waysBack    *ratelimit.Limiter // per grant
	joins       *ratelimit.Addresses
	signIns     *ratelimit.Addresses
	recoveries  *ratelimit.Addresses

	sockets        *ratelimit.AddressGauge
	sessionSockets *ratelimit.AddressGauge
	waits          *ratelimit.AddressGauge
}

// New makes whole budgets.
func New(l Limits) *Budgets {
	return &Budgets{
		limits:         l,
		starts:         ratelimit.NewAddresses(l.Starts),
		clients:        ratelimit.New(l.StartsPerClient),
		crowd:          ratelimit.NewAddresses(l.Crowd),
		guesses:        newGuesses(l),
		deviceCodes:    ratelimit.NewAddresses(l.DeviceCodes),
		numbers:        ratelimit.NewAddresses(l.Numbers),
		approvals:      ratelimit.New(l.Ceremonies),
		waysBack:       ratelimit.New(l.Ceremonies),
		joins:          ratelimit.NewAddresses(l.Ceremonies),
		signIns:        ratelimit.NewAddresses(l.Ceremonies),
		recoveries:     ratelimit.NewAddresses(l.Recoveries),
		sockets:        ratelimit.NewAddressGauge(l.Sockets),
		sessionSockets: ratelimit.NewAddressGauge(l.SessionSockets),
		waits:          ratelimit.NewAddressGauge(l.Waits),
	}
}

// Spent is a request over its budget. It says nothing of what was asked for: of a
// device code or an access token only that it is wrong, of the rest nothing at all.
type Spent struct{ Wait time.Duration }

func (s *Spent) Error() string { return "too many tries" }

// RetryAfter is how long to wait, more than zero: a try before that is over budget too.
func (s *Spent) RetryAfter() time.Duration { return s.Wait }

// spent is the error of a wait; nil for none.
func spent(wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	return &Spent{wait}
}

// DeviceCode charges a device code or access token that a lookup has found to be wrong:
// on the push channel and where a number is brought. *Spent when the address has had too
// many.
func (b *Budgets) DeviceCode(now time.Time, from netip.Addr) error {
	if b == nil {
		return nil
	}
	return spent(b.deviceCodes.Take(now, from))
}

// Approval charges a ceremony that is begun to approve the grant.
func (b *Budgets) Approval(now time.Time, grant string) error {
	if b == nil {
		return nil
	}
	return spent(b.approvals.Take(now, grant))
}

// WayBack charges the question for the way back to the app that the grant is of.
func (b *Budgets) WayBack(now time.Time, grant string) error {
	if b == nil {
		return nil
	}
	return spent(b.waysBack.Take(now, grant))
}

// Join charges a ceremony that is begun to make an account.
func (b *Budgets) Join(now time.Time, from netip.Addr) error {
	if b == nil {
		return nil
	}
	return spent(b.joins.Take(now, from))
}

// SignIn charges a ceremony that is begun to sign in to the account pages.
func (b *Budgets) SignIn(now time.Time, from netip.Addr) error {
	if b == nil {
		return nil
	}
	return spent(b.signIns.Take(now, from))
}

// Recovery charges a recovery code or an invitation that is tried, right or wrong.
func (b *Budgets) Recovery(now time.Time, from netip.Addr) error {
	if b == nil {
		return nil
	}
	return spent(b.recoveries.Take(now, from))
}
