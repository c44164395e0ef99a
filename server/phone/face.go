package phone

import (
	"log/slog"
	"net/url"
	"strings"
	"sync"

	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/push"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
	"github.com/qrauthd/qrauthd/mobileweb"
)

// Limits are the face's budgets. A zero rate is no budget, a zero count no bound.
type Limits struct {
	Guesses           ratelimit.Rate // wrong user codes, per address
	GuessesPerBrowser ratelimit.Rate
	GuessesOverall    ratelimit.Rate
	// Ceremonies are passkey ceremonies begun: to approve, per grant, so that no
	// neighbour keeps a person from it; to join and to sign in, each per address. As
	// often, per grant, an app is led back to.
	Ceremonies ratelimit.Rate
	Recoveries ratelimit.Rate // recovery codes and invitations tried, per address
	Waits      int            // long polls at the same time, per address
}

// Config is what a Face is made of. All but Limits is required.
type Config struct {
	Issuer *url.URL
	Login  *login.Service
	Hub    *push.Hub
	Site   *mobileweb.Site
	// OpenRegistration tells newcomers that they may make an account.
	OpenRegistration bool
	// AddressesUnsure says that the addresses seen may be those of a proxy that
	// nobody named: the pages then say nothing of where a computer is.
	AddressesUnsure bool
	// ScopeWords are the operator's own for what scopes let an app do, by scope.
	ScopeWords map[string]string
	Limits     Limits
	Log        *slog.Logger
}

// Face serves the phone's pages.
type Face struct {
	Config
	base       string // the issuer's path, without a trailing slash
	guesses    guessBudget
	approvals  *ratelimit.Limiter // ceremonies begun, per grant
	returns    *ratelimit.Limiter // ways back asked for, per grant
	joins      *ratelimit.Addresses
	signIns    *ratelimit.Addresses
	recoveries *ratelimit.Addresses
	waits      *ratelimit.Gauge

	stopping chan struct{} // closed by Drain
	stop     sync.Once
}

// New makes the face.
func New(c Config) *Face {
	return &Face{
		Config: c,
		base:   strings.TrimSuffix(c.Issuer.EscapedPath(), "/"),
		guesses: guessBudget{
			address: ratelimit.NewAddresses(c.Limits.Guesses),
			browser: ratelimit.New(c.Limits.GuessesPerBrowser),
			overall: ratelimit.New(c.Limits.GuessesOverall),
		},
		approvals:  ratelimit.New(c.Limits.Ceremonies),
		returns:    ratelimit.New(c.Limits.Ceremonies),
		joins:      ratelimit.NewAddresses(c.Limits.Ceremonies),
		signIns:    ratelimit.NewAddresses(c.Limits.Ceremonies),
		recoveries: ratelimit.NewAddresses(c.Limits.Recoveries),
		waits:      ratelimit.NewGauge(c.Limits.Waits),
		stopping:   make(chan struct{}),
	}
}

// Drain has every waiting long poll answered at once, now and from here on.
func (f *Face) Drain() { f.stop.Do(func() { close(f.stopping) }) }

// at is an address of this face, below the issuer.
func (f *Face) at(path string) string { return f.base + path }

func (f *Face) registration() mobileweb.Registration {
	if f.OpenRegistration {
		return mobileweb.RegistrationOpen
	}
	return mobileweb.RegistrationByInvitation
}
