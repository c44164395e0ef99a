package phone

import (
	"log/slog"
	"net/url"
	"strings"
	"sync"

	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/gate"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/push"
	"github.com/qrauthd/qrauthd/mobileweb"
)

// Config is what a Face is made of. Issuer, Login, Hub, Site and Log are required.
type Config struct {
	Issuer *url.URL
	Login  *login.Service
	Hub    *push.Hub
	Site   *mobileweb.Site
	// OpenRegistration tells newcomers that they may make an account.
	OpenRegistration bool
	// ScopeWords are the operator's own for what scopes let an app do, by scope.
	ScopeWords map[string]string
	Budgets    *budget.Budgets // nil: no limits
	Gates      gate.Gates      // zero: everybody is let in
	Log        *slog.Logger
}

// Face serves the phone's pages.
type Face struct {
	Config
	base string // the issuer's path, without a trailing slash

	stopping chan struct{} // closed by Drain
	stop     sync.Once
}

// New makes the face.
func New(c Config) *Face {
	return &Face{
		Config:   c,
		base:     strings.TrimSuffix(c.Issuer.EscapedPath(), "/"),
		stopping: make(chan struct{}),
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
