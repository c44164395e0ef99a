package resource

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// issuer is whose tokens count.
type issuer struct {
	name     string // to the letter
	metadata string // where its metadata is
}

// parseIssuer reads an issuer identifier (RFC 8414 section 2). In the metadata's
// address the well-known part comes between host and path (section 3.1).
func parseIssuer(name string) (issuer, error) {
	u, err := url.Parse(name)
	switch {
	case err != nil:
		return issuer{}, fmt.Errorf("issuer: %w", err)
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return issuer{}, fmt.Errorf("issuer %q: want a URL such as https://login.example.com", u.Redacted())
	case !secure(u):
		return issuer{}, fmt.Errorf("issuer %q: want https (http is for localhost only)", name)
	}
	at := url.URL{Scheme: u.Scheme, Host: u.Host}
	return issuer{name, at.String() + wire.WellKnownMetadata + strings.TrimSuffix(u.EscapedPath(), "/")}, nil
}

// secure reports whether keys may be fetched from the URL and secrets sent to it, by
// HTTP.
func secure(u *url.URL) bool { return strings.HasPrefix(u.Scheme, "http") && wire.Secure(u) }
