package desktop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// requestTimeout bounds one request, whatever client the app brought.
const requestTimeout = 15 * time.Second

// Client signs one app in at one server. It is safe for concurrent use and owns
// no goroutine.
type Client struct {
	issuer   *url.URL
	clientID string
	scopes   auth.Scopes
	device   auth.Device
	appName  string
	resource []string // what the tokens are to be for (RFC 8707)
	push     bool
	http     *http.Client // never follows a redirect
	log      *slog.Logger
	notKept  func(error)
	meta     metadataCache
	key      keyholder
	proofs   proofs

	listen func(context.Context) (net.Listener, error) // on this computer only
	wall   func() time.Time                            // the clock on the wall: sleep counts
	chance func() float64                              // in [0, 1), for jitter
}

// New returns a client, or everything that is wrong with the configuration. It
// asks nothing of the server.
func New(cfg Config) (*Client, error) {
	issuer, issuerErr := parseIssuer(cfg.Issuer)
	scopes, scopesErr := auth.ParseScopes(strings.Join(cfg.Scopes, " "))
	var idErr error
	if cfg.ClientID == "" {
		idErr = errors.New("the client ID is missing: ask the server's operator to register the app")
	}
	if err := errors.Join(issuerErr, idErr, scopesErr, checkResources(cfg.Resources)); err != nil {
		return nil, fmt.Errorf("desktop: %w", err)
	}
	c := &Client{
		issuer:   issuer,
		clientID: cfg.ClientID,
		scopes:   scopes,
		device:   cfg.Device.declared(),
		appName:  cmp.Or(cfg.AppName, "the app"),
		resource: slices.Clone(cfg.Resources),
		push:     !cfg.DisablePush,
		http:     withoutRedirects(cfg.HTTPClient),
		log:      cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler)),
		notKept:  cfg.OnNotKept,
		listen:   listenHere,
		wall:     func() time.Time { return time.Now().Round(0) },
		chance:   rand.Float64,
	}
	c.key.off = cfg.DisableDPoP
	return c, nil
}

// checkResources wants absolute URIs without a fragment (RFC 8707 section 2).
func checkResources(resources []string) error {
	var faults []error
	for _, raw := range resources {
		if u, err := url.Parse(raw); err != nil || !u.IsAbs() || strings.Contains(raw, "#") {
			faults = append(faults, fmt.Errorf("resource %q: want an absolute URI without a fragment", raw))
		}
	}
	return errors.Join(faults...)
}

// withoutRedirects copies the app's client. A redirect of a POST would carry the
// device code or a token to wherever it points.
func withoutRedirects(c *http.Client) *http.Client {
	own := http.Client{Timeout: 2 * requestTimeout}
	if c != nil {
		own = *c
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// parseIssuer reads an issuer identifier: an https URL without query or fragment
// (RFC 8414 section 2). Plain http is for a server on this very computer.
func parseIssuer(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, fmt.Errorf("issuer: %w", err)
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("issuer %q: want a URL such as https://login.example.com", u.Redacted())
	case !secure(u):
		return nil, fmt.Errorf("issuer %q: want https (http is for localhost only)", raw)
	}
	return u, nil
}

// secure reports whether secrets may travel to the URL: over TLS, or not over
// the network at all.
func secure(u *url.URL) bool { return wire.Secure(u) }
