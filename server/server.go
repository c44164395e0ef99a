package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/qrauthd/qrauthd/internal/clock"
	"github.com/qrauthd/qrauthd/internal/gate"
	"github.com/qrauthd/qrauthd/internal/keyring"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/place"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/store/sqlite"
	"github.com/qrauthd/qrauthd/internal/webhook"
	"github.com/qrauthd/qrauthd/server/oauth"
	"github.com/qrauthd/qrauthd/server/phone"
)

// Options is what a server takes from whoever embeds it. All of it is optional.
type Options struct {
	Log *slog.Logger // default: none
	// Registerer gets the server's metrics, and Gatherer is what /metrics shows.
	// Default: a registry of the server's own; for the Gatherer, the Registerer when
	// it is one.
	Registerer prometheus.Registerer
	Gatherer   prometheus.Gatherer
}

func (o Options) withRegistry() Options {
	if o.Registerer == nil {
		o.Registerer = newRegistry()
	}
	if own, ok := o.Registerer.(prometheus.Gatherer); ok && o.Gatherer == nil {
		o.Gatherer = own
	}
	return o
}

// Server serves one issuer. It owns its store and its listeners.
type Server struct {
	config  Config
	options Options
	log     *slog.Logger
	now     func() time.Time // with a monotonic reading, for what lives in memory
	clock   *clock.Clock     // for what is stored

	listener        net.Listener // nil: embedded
	metricsListener net.Listener // nil: no /metrics
	connections     *connections // of the listener
	gates           gate.Gates
	issuer          *url.URL
	atlas           *place.Atlas // nil: no places are known
	store           store.Store
	health          *health
	keys            *keyring.Keyring
	webhook         *webhook.Sender // nil: nobody is told
	login           *login.Service
	metrics         *metrics
	certificate     *certificate // nil: no TLS here
	oauth           *oauth.Face
	phone           *phone.Face
	root            http.Handler

	closing     sync.Once
	closeResult error
}

// New checks the configuration, takes the ports, opens the database and puts the
// server together. It serves nothing before Run. The error is a *ConfigError when
// the configuration is at fault. Whoever does not Run it owes a Close.
func New(ctx context.Context, c Config, o Options) (*Server, error) {
	return newServer(ctx, c, o, clock.System())
}

func newServer(ctx context.Context, c Config, o Options, present *clock.Clock) (_ *Server, err error) {
	if err := c.Validate(); err != nil {
		return nil, &ConfigError{err}
	}
	c.Limits = c.Limits.effective()
	s := &Server{config: c, options: o, log: o.Log, now: time.Now, clock: present}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	for _, step := range []func(context.Context) error{
		s.listen, s.openPlaces, s.open, s.openKeys, s.openCertificate, s.openWebhook, s.assemble,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// ConfigError is every fault of a configuration.
type ConfigError struct{ Faults error }

func (e *ConfigError) Error() string { return "configuration: " + e.Faults.Error() }
func (e *ConfigError) Unwrap() error { return e.Faults }

// listen takes the ports first, so that a server started twice ends here, with
// its data untouched, and a demo learns its issuer.
func (s *Server) listen(ctx context.Context) (err error) {
	if s.listener, err = listen(ctx, "listen", s.config.Listen); err != nil {
		return err
	}
	s.connections = newConnections(s.listener, roomFor(filesAllowed(), s.config.Limits.Connections), s.log)
	if s.metricsListener, err = listen(ctx, "metrics_listen", s.config.MetricsListen); err != nil {
		return err
	}
	if s.config.Issuer == "" {
		s.config.Issuer = demoIssuer(s.listener)
	}
	s.issuer, err = ParseIssuer(s.config.Issuer)
	return err
}

func listen(ctx context.Context, setting, addr string) (net.Listener, error) {
	if addr == "" {
		return nil, nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s %s is in use by another program: stop that one, or choose another address: %w", setting, addr, err)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s %s is not allowed to this user: choose a port above 1023, or grant CAP_NET_BIND_SERVICE: %w", setting, addr, err)
	case err != nil:
		return nil, fmt.Errorf("%s %s: %w", setting, addr, err)
	}
	return l, nil
}

func (s *Server) open(ctx context.Context) error {
	db, err := sqlite.Open(ctx, Database(s.config.DataDir), sqlite.Options{})
	if err != nil {
		return err // s.store stays nil: a nil *DB in it would not be
	}
	s.store, s.health = db, newHealth(db, s.log)
	s.warnOfAnotherHost()
	if err := rememberIssuer(s.config.DataDir, s.config.Issuer); err != nil {
		return fmt.Errorf("remember the issuer: %w", err)
	}
	if s.config.Demo {
		if err := addDemoClient(ctx, s.store, s.config.Recorder()); err != nil {
			return err
		}
	}
	return s.warnOfUnknownClients(ctx)
}

// warnOfAnotherHost: nobody should find out from people who cannot sign in any more.
func (s *Server) warnOfAnotherHost() {
	before, err := RememberedIssuer(s.config.DataDir)
	if err != nil || before.Hostname() == s.issuer.Hostname() {
		return
	}
	s.log.Warn("the issuer's host is another than before: passkeys are bound to the host, so the ones that people have do not work here",
		"before", before.Hostname(), "now", s.issuer.Hostname())
}

// behindUnnamedProxy reports whether somebody else must be speaking TLS for this
// server whom nobody has named in trusted_proxies. All addresses seen may then be
// that proxy's.
func (s *Server) behindUnnamedProxy() bool {
	return s.issuer.Scheme == "https" && s.config.TLS.CertFile == "" && len(s.config.TrustedProxies) == 0
}

// Issuer is the issuer that the server serves, a demo's derived one included.
func (s *Server) Issuer() string { return s.issuer.String() }

// Handler serves everything, the well-known documents at the root included. The
// paths that it sees must be those of the issuer's host: whoever embeds it strips
// nothing.
func (s *Server) Handler() http.Handler { return s.root }

// Close frees what New took. Run does it by itself; closing twice is no error.
func (s *Server) Close() error {
	s.closing.Do(func() {
		for _, l := range []net.Listener{s.listener, s.metricsListener} {
			if l != nil {
				_ = l.Close() // closed already when it was served
			}
		}
		_ = s.atlas.Close()
		if s.store != nil {
			s.health.close()
			s.closeResult = s.store.Close()
		}
	})
	return s.closeResult
}
