package desktop

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// metadataLife is how long a server's metadata is believed without asking again.
const metadataLife = time.Hour

// metadataCache holds the newest metadata.
type metadataCache struct {
	mu      sync.Mutex // guards what follows
	doc     wire.Metadata
	fetched time.Time
}

func (m *metadataCache) load(now time.Time) (wire.Metadata, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	age := now.Sub(m.fetched)
	return m.doc, !m.fetched.IsZero() && age >= 0 && age < metadataLife
}

func (m *metadataCache) save(doc wire.Metadata, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.doc, m.fetched = doc, now
}

// metadata returns the server's own description (RFC 8414).
func (c *Client) metadata(ctx context.Context) (wire.Metadata, error) {
	if doc, ok := c.meta.load(c.wall()); ok {
		return doc, nil
	}
	res, err := c.send(ctx, request{endpoint: metadataURL(c.issuer)})
	if err != nil {
		return wire.Metadata{}, err
	}
	var doc wire.Metadata
	if err := res.decode(&doc); err != nil {
		return wire.Metadata{}, err
	}
	if err := checkMetadata(c.issuer.String(), doc); err != nil {
		return wire.Metadata{}, fmt.Errorf("desktop: metadata of %s: %w", c.issuer, err)
	}
	c.meta.save(doc, c.wall())
	return doc, nil
}

// metadataURL puts the well-known part between host and path (RFC 8414 section
// 3.1).
func metadataURL(issuer *url.URL) string {
	u := url.URL{Scheme: issuer.Scheme, Host: issuer.Host}
	return u.String() + wire.WellKnownMetadata + strings.TrimSuffix(issuer.EscapedPath(), "/")
}

// checkMetadata refuses a document that speaks for another issuer (RFC 8414
// section 3.3), lacks what a sign-in needs, or sends secrets in the clear.
func checkMetadata(issuer string, m wire.Metadata) error {
	if m.Issuer != issuer {
		return fmt.Errorf("the server calls itself %q: configure the issuer to the letter", m.Issuer)
	}
	if m.DeviceAuthorizationEndpoint == "" || m.TokenEndpoint == "" {
		return errors.New("the server offers no sign-in by another device (RFC 8628)")
	}
	for _, endpoint := range []string{
		m.DeviceAuthorizationEndpoint, m.TokenEndpoint, m.RevocationEndpoint, m.UserInfoEndpoint, m.AuthorizationEndpoint,
		m.DeviceConfirmationEndpoint,
	} {
		if endpoint == "" {
			continue
		}
		if u, err := url.Parse(endpoint); err != nil || u.Host == "" || !secure(u) {
			return fmt.Errorf("endpoint %q: want https", endpoint)
		}
	}
	return nil
}

// pushURL returns where to dial for news: what the grant names or else the
// metadata does. A push_uri is believed only on a host of the server's own
// endpoints, for the device code is sent there. Nil is: poll.
func pushURL(m wire.Metadata, pushURI string) *url.URL {
	endpoints := []string{m.DevicePushEndpoint, m.TokenEndpoint, m.DeviceAuthorizationEndpoint}
	if pushURI == "" {
		pushURI = m.DevicePushEndpoint
	}
	u, err := url.Parse(pushURI)
	if err != nil || u.Host == "" {
		return nil
	}
	for _, endpoint := range endpoints {
		own, err := url.Parse(endpoint)
		if err == nil && own.Host == u.Host {
			return socketURL(u)
		}
	}
	return nil
}

// socketURL spells the URL with a WebSocket scheme, or is nil when the channel
// would be in the clear.
func socketURL(u *url.URL) *url.URL {
	ws := *u
	switch u.Scheme {
	case "https":
		ws.Scheme = "wss"
	case "http":
		ws.Scheme = "ws"
	}
	if (ws.Scheme != "wss" && ws.Scheme != "ws") || !secure(&ws) {
		return nil
	}
	return &ws
}
