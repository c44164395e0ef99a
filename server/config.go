package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/keyring"
	"github.com/qrauthd/qrauthd/internal/token"
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
	// AccessTokenLifetime is how long an access token and an ID token are good.
	AccessTokenLifetime time.Duration
	// SessionIdle is how long a desktop stays signed in without a refresh, and
	// SessionLifetime how long with any number of them. DefaultSessionIdle may be the
	// longer of the two: the session ends by the first.
	SessionIdle     time.Duration
	SessionLifetime time.Duration
	// SigningAlgorithm is that of new signing keys.
	SigningAlgorithm SigningAlgorithm
	// KeyRotation is the age at which a signing key is replaced.
	KeyRotation time.Duration
	// KeyFile names a file with a secret, at least 32 bytes that only the server's
	// user may read, by which the keys in the database are encrypted. Empty: they are not.
	KeyFile string
	Brand   Brand
	// ScopeWords say to people what an app's own scopes let it do, to follow "It will
	// be able to". A scope without is shown by its name.
	ScopeWords map[string]string
	// Policies are what sign-ins take beside the passkey, for everybody and for some
	// clients. What a client's own record says, by qrauthd client, beats both.
	Policies Policies
	// Places names MMDB files that tell of addresses where they are and who runs
	// their networks. Newer ones are taken up by themselves.
	Places []string
	// AuditKeep is the age at which the audit log forgets whom a record is about; 0: never.
	AuditKeep time.Duration
	Webhook   Webhook
	Limits    Limits
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

// SigningAlgorithm is the JOSE name of a signature algorithm.
type SigningAlgorithm string

// The algorithms (RFC 7518 section 3.1, RFC 8037 section 3.1). OpenID Connect Core
// section 15.1 has every client know RS256; whoever signs often has reason to prefer
// another, which costs a thirtieth of it.
const (
	SigningES256 SigningAlgorithm = "ES256"
	SigningEdDSA SigningAlgorithm = "EdDSA"
	SigningRS256 SigningAlgorithm = "RS256"
)

// Defaults and bounds of times.
const (
	DefaultAccessTokenLifetime = 10 * time.Minute
	MinAccessTokenLifetime     = time.Minute
	MaxAccessTokenLifetime     = time.Hour
	DefaultSessionIdle         = 14 * 24 * time.Hour
	MinSessionIdle             = 5 * time.Minute
	MaxSessionIdle             = 366 * 24 * time.Hour
	DefaultSessionLifetime     = 30 * 24 * time.Hour
	MinSessionLifetime         = time.Minute
	MaxSessionLifetime         = 366 * 24 * time.Hour
	DefaultKeyRotation         = 90 * 24 * time.Hour
	MinKeyRotation             = 24 * time.Hour
	MaxKeyRotation             = 10 * 366 * 24 * time.Hour
	DefaultAuditKeep           = 90 * 24 * time.Hour
	MinAuditKeep               = 24 * time.Hour
)

// DefaultConfig is a Config with every default that there is.
func DefaultConfig() Config {
	return Config{
		Registration:        RegistrationInvite,
		AccessTokenLifetime: DefaultAccessTokenLifetime,
		SessionIdle:         DefaultSessionIdle,
		SessionLifetime:     DefaultSessionLifetime,
		SigningAlgorithm:    SigningES256,
		KeyRotation:         DefaultKeyRotation,
		AuditKeep:           DefaultAuditKeep,
		Webhook:             Webhook{Events: DefaultWebhookEvents()},
		Limits:              DefaultLimits(),
	}
}

// Validate reports all faults at once, each with what to do. It reads the
// certificate's files and those of secrets, and no others.
func (c Config) Validate() error {
	return errors.Join(
		c.checkIssuer(),
		checkListen("listen", c.Listen),
		checkListen("metrics_listen", c.MetricsListen),
		c.checkApart(),
		c.checkTLS(),
		c.checkProxies(),
		c.checkRegistration(),
		c.checkSessions(),
		c.ValidateKeys(),
		c.checkBrand(),
		c.checkScopeWords(),
		c.checkPolicies(),
		c.checkPlaces(),
		c.checkAudit(),
		c.Webhook.validate(),
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

// checkApart: data and metrics each have somewhere to be.
func (c Config) checkApart() error {
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
	faults := []error{
		checkBounds("session_idle", c.SessionIdle, MinSessionIdle, MaxSessionIdle),
		checkBounds("session_lifetime", c.SessionLifetime, MinSessionLifetime, MaxSessionLifetime),
	}
	if c.SessionIdle > c.SessionLifetime && c.SessionIdle != DefaultSessionIdle {
		faults = append(faults, fmt.Errorf("session_idle %s is longer than session_lifetime %s: no session lasts that long", c.SessionIdle, c.SessionLifetime))
	}
	if c.SessionIdle <= c.AccessTokenLifetime {
		faults = append(faults, fmt.Errorf("session_idle %s is not longer than access_token_lifetime %s: desktops refresh when their access token ends, and would come too late",
			c.SessionIdle, c.AccessTokenLifetime))
	}
	return errors.Join(faults...)
}

// ValidateKeys reports the faults of what concerns keys and tokens, for whoever
// changes keys without serving.
func (c Config) ValidateKeys() error {
	_, unknown := token.ParseAlgorithm(string(c.SigningAlgorithm))
	if unknown != nil {
		unknown = fmt.Errorf("signing_algorithm %q is not known: use %s, %s or %s", c.SigningAlgorithm, SigningES256, SigningEdDSA, SigningRS256)
	}
	_, unusable := c.sealer()
	return errors.Join(
		checkBounds("access_token_lifetime", c.AccessTokenLifetime, MinAccessTokenLifetime, MaxAccessTokenLifetime),
		checkBounds("key_rotation", c.KeyRotation, MinKeyRotation, MaxKeyRotation),
		unknown,
		unusable,
	)
}

func checkBounds(key string, d, least, most time.Duration) error {
	if d < least || d > most {
		return fmt.Errorf("%s %s is out of bounds: use %s to %s", key, d, least, most)
	}
	return nil
}

// KeyPolicy is how this configuration keeps and replaces the server's keys.
func (c Config) KeyPolicy() (keyring.Policy, error) {
	sealer, err := c.sealer()
	return keyring.Policy{
		Algorithm:   token.Algorithm(c.SigningAlgorithm),
		RotateAfter: c.KeyRotation,
		TokenLife:   MaxAccessTokenLifetime, // a token may be older than the present setting
		Sealer:      sealer,
	}, err
}

// sealer encrypts and opens keys with the secret in the key file; nil when there is
// no key file.
func (c Config) sealer() (*token.Sealer, error) {
	if c.KeyFile == "" {
		return nil, nil
	}
	text, err := readSecretFile(c.KeyFile, "make one, readable by the server's user only, and keep a copy of it apart from the database's")
	if err != nil {
		return nil, fmt.Errorf("key_file: %w", err)
	}
	s, err := token.NewSealer(text)
	if err != nil {
		return nil, fmt.Errorf("key_file %s: %w", c.KeyFile, err)
	}
	return s, nil
}

func (c Config) checkAudit() error {
	if c.AuditKeep != 0 && c.AuditKeep < MinAuditKeep {
		return fmt.Errorf("audit.keep %s is out of bounds: use %s or more, or 0s to forget nothing", c.AuditKeep, MinAuditKeep)
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

// maxScopeWords is how long a line of the question may be, in characters.
const maxScopeWords = 100

func (c Config) checkScopeWords() error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(c.ScopeWords)) {
		words := c.ScopeWords[name]
		scopes, err := auth.ParseScopes(name)
		switch {
		case err != nil || len(scopes) != 1 || scopes[0] != name:
			faults = append(faults, fmt.Errorf("scope_words has %q, which is no scope: use a form such as \"files.read = read your files\"", name))
		case strings.TrimSpace(words) == "" || utf8.RuneCountInString(words) > maxScopeWords || strings.ContainsFunc(words, unicode.IsControl):
			faults = append(faults, fmt.Errorf("scope_words says %q of %s: use 1 to %d characters, such as \"read your files\"", words, name, maxScopeWords))
		}
	}
	return errors.Join(faults...)
}

// prefixed says of each of the faults which setting it is about; nil of none.
func prefixed(setting string, err error) error {
	var joined interface {
		error
		Unwrap() []error
	}
	if errors.As(err, &joined) {
		err = joined
	}
	var list []error
	for _, fault := range each(err) {
		list = append(list, fmt.Errorf("%s: %w", setting, fault))
	}
	return errors.Join(list...)
}

// each are the faults that were joined into one, those within as well, or the one.
func each(err error) (list []error) {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	for _, fault := range joined.Unwrap() {
		list = append(list, each(fault)...)
	}
	return list
}
