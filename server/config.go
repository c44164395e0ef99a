package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/mobileweb"
)

// Config is what a server is made of. Issuer, Listen and DataDir have no
// defaults, but for a demo's; DefaultConfig has those of the rest.
type Config struct {
	// Issuer is the address under which desktops and phones reach the server; see
	// ParseIssuer. A demo without one derives it from the port that it listens on.
	Issuer string
	// Listen is the address to serve on, such as "127.0.0.1:8080". Empty: the
	// server does not listen, and Handler is served by whoever embeds it.
	Listen string
	// MetricsListen is where /metrics is served. Empty: nowhere.
	MetricsListen string
	// DataDir is the folder that holds the database. It is made if need be.
	DataDir string
	TLS     TLS
	// TrustedProxies are the direct peers whose forwarded headers count.
	TrustedProxies []netip.Prefix
	Registration   Registration
	// SessionLifetime is how long a desktop stays signed in.
	SessionLifetime time.Duration
	Brand           Brand
	Limits          Limits
	// Demo lets the server run without configuration, open to anybody who reaches it.
	Demo bool
}

// TLS names the files of the server's certificate; both empty: no TLS here, as
// behind a proxy. The files are read again when they change.
type TLS struct{ CertFile, KeyFile string }

// Registration says who may make an account.
type Registration string

// The kinds of registration.
const (
	RegistrationOpen   Registration = "open"   // anybody who reaches the server
	RegistrationInvite Registration = "invite" // who has an operator's invitation
)

// Brand is what an operator may make their own on the phone's pages.
type Brand struct {
	Name   string // default: the issuer's host
	Accent string // #rrggbb
	Logo   string // a path on the issuer's host, or a data:image URL
}

// Bounds of SessionLifetime.
const (
	MinSessionLifetime = time.Minute
	MaxSessionLifetime = 366 * 24 * time.Hour
)

// DefaultConfig is a Config with every default that there is.
func DefaultConfig() Config {
	return Config{
		Registration:    RegistrationInvite,
		SessionLifetime: login.DefaultSessionLifetime,
		Limits:          DefaultLimits(),
	}
}

// Validate reports all faults at once, each with what to do. It reads the
// certificate's files, and nothing else.
func (c Config) Validate() error {
	return errors.Join(
		c.checkIssuer(),
		checkListen("listen", c.Listen),
		checkListen("metrics_listen", c.MetricsListen),
		c.checkPlaces(),
		c.checkTLS(),
		c.checkProxies(),
		c.checkRegistration(),
		c.checkSessions(),
		c.checkBrand(),
		c.Limits.validate(),
	)
}

func (c Config) checkIssuer() error {
	if c.Issuer == "" {
		if c.Demo && c.Listen != "" {
			return nil
		}
		return errors.New("issuer is not set: give the address that phones will open, such as https://login.example.com")
	}
	issuer, err := ParseIssuer(c.Issuer)
	if err != nil {
		return prefixed("issuer", err)
	}
	if issuer.Scheme == "http" && c.TLS != (TLS{}) {
		return fmt.Errorf("issuer %s begins with http but there is a TLS certificate: use https, or leave the certificate out", c.Issuer)
	}
	return nil
}

func checkListen(key, addr string) error {
	if addr == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%s %q is not an address with a port: use a form such as 127.0.0.1:8080 or :8443", key, addr)
	}
	return nil
}

func (c Config) checkPlaces() error {
	var faults []error
	if c.DataDir == "" {
		faults = append(faults, errors.New("data is not set: name the folder for the database, such as /var/lib/qrauthd"))
	}
	if c.MetricsListen != "" && c.MetricsListen == c.Listen {
		faults = append(faults, errors.New("metrics_listen is the same as listen: metrics need an address of their own, best one that only your monitoring reaches"))
	}
	return errors.Join(faults...)
}

func (c Config) checkTLS() error {
	if c.TLS == (TLS{}) {
		return nil
	}
	if c.TLS.CertFile == "" || c.TLS.KeyFile == "" {
		return errors.New("tls needs both the certificate and the key: set tls.cert and tls.key, or neither")
	}
	if _, err := tls.LoadX509KeyPair(c.TLS.CertFile, c.TLS.KeyFile); err != nil {
		return fmt.Errorf("tls: cannot use certificate %s with key %s: %w", c.TLS.CertFile, c.TLS.KeyFile, err)
	}
	return nil
}

func (c Config) checkProxies() error {
	var faults []error
	for _, p := range c.TrustedProxies {
		switch {
		case !p.IsValid():
			faults = append(faults, errors.New("trusted_proxies has an entry that is no address: use addresses or networks such as 127.0.0.1 or 10.0.0.0/8"))
		case p.Bits() == 0:
			faults = append(faults, fmt.Errorf("trusted_proxies has %s, which trusts everybody to forge addresses: name your proxies only", p))
		}
	}
	return errors.Join(faults...)
}

func (c Config) checkRegistration() error {
	switch c.Registration {
	case RegistrationOpen, RegistrationInvite:
		return nil
	}
	return fmt.Errorf("registration %q is not known: use %q or %q", c.Registration, RegistrationInvite, RegistrationOpen)
}

func (c Config) checkSessions() error {
	if c.SessionLifetime < MinSessionLifetime || c.SessionLifetime > MaxSessionLifetime {
		return fmt.Errorf("session_lifetime %s is out of bounds: use %s to %s", c.SessionLifetime, MinSessionLifetime, MaxSessionLifetime)
	}
	return nil
}

// checkBrand asks the one who knows: mobileweb, under any host.
func (c Config) checkBrand() error {
	if _, err := mobileweb.New(mobileweb.Options{Brand: mobileweb.Brand(c.Brand), Host: "localhost"}); err != nil {
		return prefixed("brand", err)
	}
	return nil
}

// prefixed says of each of the faults which setting it is about.
func prefixed(setting string, err error) error {
	var joined interface {
		error
		Unwrap() []error
	}
	if !errors.As(err, &joined) {
		return fmt.Errorf("%s: %w", setting, err)
	}
	var list []error
	for _, fault := range joined.Unwrap() {
		list = append(list, fmt.Errorf("%s: %w", setting, fault))
	}
	return errors.Join(list...)
}
