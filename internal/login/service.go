package login

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/clock"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/keyring"
	"github.com/qrauthd/qrauthd/internal/passkey"
	"github.com/qrauthd/qrauthd/internal/place"
	"github.com/qrauthd/qrauthd/internal/push"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
	"github.com/qrauthd/qrauthd/internal/store"
)

// What a use case can be refused for, beside package grant's errors and the
// store's. Test with errors.Is.
var (
	ErrUnknownClient = errors.New("no client has this client_id")
	ErrClientAuth    = errors.New("client authentication failed")
	ErrUnknownCode   = errors.New("no grant has this code")
	ErrScope         = errors.New("the client may not ask for this scope")
	ErrTarget        = errors.New("the client may not ask for this resource")
	ErrScopeMissing  = errors.New("the token has not the scope that this takes")
	ErrSlowDown      = errors.New("polling too fast")
	ErrUnknownToken  = errors.New("no live session has this token")
	ErrRefresh       = errors.New("the refresh token is unknown, spent or over")
	ErrReuse         = errors.New("the refresh token was used before, and its session is over")
	ErrKey           = errors.New("bound to a DPoP key, of which no proof came")
	ErrOtherKey      = errors.New("the DPoP proof is of another key than dpop_jkt")
	ErrProofNeeded   = errors.New("this client's tokens are bound to a DPoP key: a proof is needed")
	ErrReplay        = errors.New("the proof or assertion was used before")
	ErrNonce         = errors.New("the DPoP proof needs the server's nonce")
	ErrHint          = errors.New("id_token_hint is not an ID token of this client's")
	ErrOtherPerson   = errors.New("the client expects another person")
	ErrRedirectURI   = errors.New("the client has no such redirect_uri")
	ErrNoReturn      = errors.New("there is nothing to take back to the client")
	ErrNoAccount     = errors.New("the account is disabled or gone")
	ErrPasskey       = errors.New("the passkey was not accepted")
	ErrJoinClosed    = errors.New("creating an account needs an invitation")
	ErrInvitation    = errors.New("the invitation is used, expired or unknown")
	ErrRecoveryCode  = errors.New("the recovery code is used or unknown")
	ErrName          = errors.New("a name is needed")
	ErrNameTooLong   = errors.New("the name is too long")
	ErrPasskeyExists = errors.New("the passkey is registered already")
	ErrCeremony      = errors.New("the ceremony is over or not this browser's")
	ErrSignInFirst   = errors.New("a fresh passkey sign-in is needed")
	ErrLastPasskey   = errors.New("the last passkey cannot be removed")
	ErrNetwork       = errors.New("the client's sign-ins may not be started from this network")
	ErrElsewhere     = fmt.Errorf("%w: the code came to another network than the browser is on", grant.ErrMismatch)
	ErrTokenOver     = fmt.Errorf("%w: it is over", ErrUnknownToken)
	ErrRisky         = errors.New("the sign-in is too much of a risk for the client's policy")
	ErrUnknownDevice = errors.New("the client's policy wants a computer that the account has had before")
	ErrBlocked       = errors.New("the person has reported this computer")
)

// Config is what a Service is made of. Issuer, Store, Passkeys and Hub are required.
type Config struct {
	Issuer   string // as it stands in tokens (RFC 8414 section 2)
	Store    store.Store
	Passkeys *passkey.RelyingParty
	Hub      *push.Hub
	Log      *slog.Logger
	// Policies are what the operator demands of sign-ins.
	Policies auth.Policies
	// Atlas tells where addresses are; nil: nothing is known.
	Atlas *place.Atlas
	// AddressesUnsure says that the addresses seen may be those of a proxy that
	// nobody named: nothing is then known of where anybody is.
	AddressesUnsure bool
	// Record writes what happens into the audit log.
	Record audit.Recorder
	// OpenRegistration lets anybody who reaches the server make an account.
	OpenRegistration bool
	// AccessLifetime is an access token's, and an ID token's; default 10 minutes.
	AccessLifetime time.Duration
	// SessionIdle is how long a desktop that does not refresh stays signed in;
	// default 14 days.
	SessionIdle time.Duration
	// SessionLifetime is how long a desktop stays signed in at most; default 30 days.
	SessionLifetime time.Duration
	// Keys are the server's own; default a keyring of the default policy.
	Keys *keyring.Keyring
	// NoPace lifts slow_down, for load tests.
	NoPace bool
	Clock  *clock.Clock // default the system's
	Random io.Reader    // default crypto/rand.Reader
}

// The defaults of a Config.
const (
	DefaultAccessLifetime  = 10 * time.Minute
	DefaultSessionIdle     = 14 * 24 * time.Hour
	DefaultSessionLifetime = 30 * 24 * time.Hour
)

// Service runs the use cases. It is safe for concurrent use.
type Service struct {
	Config
	clients clientCache
	replays replays
	wasted  *ratelimit.Limiter
	noise   *ratelimit.Limiter // see recordOnce
	pace    pace
}

// New makes a service.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.AccessLifetime = cmp.Or(c.AccessLifetime, DefaultAccessLifetime)
	c.SessionIdle = cmp.Or(c.SessionIdle, DefaultSessionIdle)
	c.SessionLifetime = cmp.Or(c.SessionLifetime, DefaultSessionLifetime)
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Keys == nil {
		c.Keys = keyring.New(c.Store, keyring.Policy{TokenLife: c.AccessLifetime}, c.Clock.Wall)
	}
	return &Service{Config: c, wasted: ratelimit.New(wasted), noise: ratelimit.New(noise)}
}

// now is the present of what lives for minutes at most, and of what comes first: it
// never goes back. Like wall it is as the store keeps times, so that what was written
// compares equal to what is read.
func (s *Service) now() time.Time { return s.Clock.Now().Truncate(time.Microsecond) }

// wall is the present of what is told to others, compared with what others tell, or
// lives for days. It goes back when somebody sets the clock back.
func (s *Service) wall() time.Time { return s.Clock.Wall().Truncate(time.Microsecond) }

// Now is the present of a grant: what its times and its states are compared with.
func (s *Service) Now() time.Time { return s.now() }

// Wall is the present of a session, of tokens and of proofs.
func (s *Service) Wall() time.Time { return s.wall() }

// told is a time of a grant, as others may be told of it: not later than they know it.
func (s *Service) told(t time.Time) time.Time {
	if wall := s.wall(); t.After(wall) {
		return wall
	}
	return t
}

// Resume ends what lives for minutes and is from the future: a run has left it whose
// clock was ahead, and it would come to life when the clock gets there. To be called
// when a run begins, before it serves anybody.
func (s *Service) Resume(ctx context.Context) error {
	now := s.now()
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		n, err := tx.ExpireGrants(now.Add(clock.Differ), now)
		if err != nil {
			return err
		}
		if n > 0 {
			s.Log.WarnContext(ctx, "sign-ins are from the future, and over: the clock was set back", slog.Int("grants", n))
		}
		return tx.UnproveBrowsers(now.Add(clock.Differ))
	})
	if err != nil {
		return fmt.Errorf("end what is from the future: %w", err)
	}
	return nil
}

// Heed has what another process changes in the store take effect here at once, such
// as an operator's command: whoever waits for a grant looks at it again. It returns
// when ctx ends.
func (s *Service) Heed(ctx context.Context) {
	s.Store.Watch(ctx, func() {
		s.clients.clear()
		s.Keys.Stale()
		s.Hub.PublishAll()
	})
}

// change runs one transition of a grant in a transaction and wakes who waits for
// it. Decide may return the grant unchanged; then nothing is written.
func (s *Service) change(ctx context.Context, id auth.GrantID, decide func(store.Tx, grant.Grant) (grant.Grant, error)) (grant.Grant, error) {
	var after grant.Grant
	var changed bool
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		before, err := tx.Grant(id)
		if err != nil {
			return unknown(err)
		}
		if after, err = decide(tx, before); err != nil {
			return err
		}
		if changed = after.Seq != before.Seq; !changed {
			return nil
		}
		return tx.SetGrant(after)
	})
	if err != nil {
		return grant.Grant{}, err
	}
	if changed {
		s.Hub.Publish(id)
	}
	return after, nil
}

func unknown(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return ErrUnknownCode
	}
	return err
}
