package resource

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
)

// Config says whose tokens count, and for what.
type Config struct {
	// Issuer is the server's URL, to the letter as its metadata spells it. It is
	// https, or http on this very computer. It may have a path.
	Issuer string
	// Audience is this API's name in a token's aud: one of the resources that the
	// app was registered with at the server (RFC 8707), or the issuer itself for an
	// app that was registered with none.
	Audience string
	// BaseURL is what stands before a request's path in the URL that clients use,
	// such as https://files.example.com, or https://example.com/files where a proxy
	// takes /files away. DPoP proofs are made for that URL. It is never read from the
	// request: Host and the forwarded headers are whatever the sender wrote.
	// The default is scheme and host of the Audience. An Audience that is no https
	// URL, or is the Issuer, has no default.
	BaseURL string
	// RequireDPoP refuses tokens that are bound to no key.
	RequireDPoP bool
	// NonceKey, 32 random bytes at least, makes every proof carry a nonce of this
	// API's (RFC 9449 section 9), which ends proofs that were made in advance. All
	// nodes need the same key. Without one there are no nonces.
	NonceKey []byte
	// Replays remembers which proofs were used. The default remembers them in this
	// process, which is right for one node.
	Replays Replays
	// Introspection asks the server about each token as well.
	Introspection *Introspection
	// HTTPClient is used to reach the server, without following redirects.
	HTTPClient *http.Client
	// Logger hears when the server cannot be reached, and never a secret. The default
	// discards.
	Logger *slog.Logger
	// Now is the clock; the default is time.Now.
	Now func() time.Time
}

// Introspection is how this API asks the server whether a token is still active
// (RFC 7662). The client needs the right to it at the server.
type Introspection struct {
	ClientID     string
	ClientSecret string `json:"-"`
	// CacheFor is how long an answer is believed, and so how long a token may still
	// work after a sign-out. Zero is 10 s, the most is 5 min; below zero every request
	// asks.
	CacheFor time.Duration
}

// String leaves the secrets out.
func (c Config) String() string {
	return fmt.Sprintf("resource.Config{Issuer:%q, Audience:%q, …}", c.Issuer, c.Audience)
}

// GoString leaves the secrets out.
func (c Config) GoString() string { return c.String() }

// LogValue leaves the secrets out.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String leaves the secret out.
func (i Introspection) String() string {
	return fmt.Sprintf("resource.Introspection{ClientID:%q, …}", i.ClientID)
}

// GoString leaves the secret out.
func (i Introspection) GoString() string { return i.String() }

// LogValue leaves the secret out.
func (i Introspection) LogValue() slog.Value { return slog.StringValue(i.String()) }

const (
	minNonceKey  = 32 // bytes
	defaultCache = 10 * time.Second
	maxCache     = 5 * time.Minute
)

// New returns a Verifier, or everything that is wrong with the configuration. It
// asks nothing of the server; see Verifier.Ready.
func New(cfg Config) (*Verifier, error) {
	issuer, issuerErr := parseIssuer(cfg.Issuer)
	base, baseErr := parseBase(cfg)
	if err := errors.Join(issuerErr, checkAudience(cfg.Audience), baseErr,
		checkNonceKey(cfg.NonceKey), checkIntrospection(cfg.Introspection)); err != nil {
		return nil, fmt.Errorf("resource: %w", err)
	}
	now := cfg.Now
	if now == nil {
		now = time.Now
	}
	server := &server{http: withoutRedirects(cfg.HTTPClient), log: cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))}
	v := &Verifier{
		issuer:      cfg.Issuer,
		audience:    cfg.Audience,
		base:        base,
		requireDPoP: cfg.RequireDPoP,
		keys:        &keyring{server: server, issuer: issuer, now: now},
		replays:     cfg.Replays,
		now:         now,
	}
	if v.replays == nil {
		v.replays = newMemory(now)
	}
	if len(cfg.NonceKey) > 0 {
		nonces := dpop.NewNonces(cfg.NonceKey)
		v.nonces = &nonces
	}
	if cfg.Introspection != nil {
		v.activity = newActivity(server, v.keys, *cfg.Introspection)
	}
	return v, nil
}

// parseBase is Config.BaseURL or its default, without a slash at its end.
func parseBase(cfg Config) (string, error) {
	if cfg.BaseURL != "" {
		u, err := url.Parse(cfg.BaseURL)
		if err != nil || !secure(u) || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
			return "", errors.New("base URL: want one such as https://files.example.com, without query and fragment (http is for localhost only)")
		}
		return strings.TrimRight(u.String(), "/"), nil
	}
	u, err := url.Parse(cfg.Audience)
	if err != nil || !secure(u) || cfg.Audience == cfg.Issuer {
		return "", errors.New("base URL: the audience does not tell under which URL clients know this API, so it is needed")
	}
	return u.Scheme + "://" + u.Host, nil
}

func checkAudience(audience string) error {
	if audience == "" {
		return errors.New("the audience is missing: the resource that apps name at the server")
	}
	return nil
}

func checkNonceKey(key []byte) error {
	if len(key) > 0 && len(key) < minNonceKey {
		return fmt.Errorf("the nonce key has %d bytes, want %d random ones at least", len(key), minNonceKey)
	}
	return nil
}

func checkIntrospection(i *Introspection) error {
	switch {
	case i == nil:
		return nil
	case i.ClientID == "" || i.ClientSecret == "":
		return errors.New("introspection: want the client ID and the secret of a client that may introspect")
	case i.CacheFor > maxCache:
		return fmt.Errorf("introspection: an answer is believed for %s at most", maxCache)
	}
	return nil
}

// withoutRedirects copies the caller's client. Who may redirect the key set may
// choose the keys.
func withoutRedirects(c *http.Client) *http.Client {
	var own http.Client
	if c != nil {
		own = *c
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}
