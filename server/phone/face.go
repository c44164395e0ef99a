package phone

import (
	"log/slog"
	"net/http"
	"net/netip"
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
	Ceremonies        ratelimit.Rate // passkey ceremonies begun, per address
	Recoveries        ratelimit.Rate // recovery codes and invitations tried, per address
	Waits             int            // long polls at the same time, per address
}

// Config is what a Face is made of. All but Limits is required.
type Config struct {
	Issuer *url.URL
	Login  *login.Service
	Hub    *push.Hub
	Site   *mobileweb.Site
	// OpenRegistration tells newcomers that they may make an account.
	OpenRegistration bool
	Limits           Limits
	Log              *slog.Logger
}

// Face serves the phone's pages.
type Face struct {
	Config
	base       string // the issuer's path, without a trailing slash
	guesses    guessBudget
	ceremonies *ratelimit.Limiter
	recoveries *ratelimit.Limiter
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
			address: ratelimit.New(c.Limits.Guesses),
			browser: ratelimit.New(c.Limits.GuessesPerBrowser),
			overall: ratelimit.New(c.Limits.GuessesOverall),
		},
		ceremonies: ratelimit.New(c.Limits.Ceremonies),
		recoveries: ratelimit.New(c.Limits.Recoveries),
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

// address is the peer's address, as the server's proxy rules left it.
func address(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

func addressKey(r *http.Request) string { return ratelimit.AddressKey(address(r)) }
