package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// ParseIssuer reads an issuer (RFC 8414 section 2) and keeps to what this server
// can be: https, or http when the host is localhost; a host name, because
// passkeys know no IP addresses; no query, fragment or user; a path or none, and
// no slash at the end. All faults are reported at once.
func ParseIssuer(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not a URL: use a form such as https://login.example.com", text)
	}
	if u.Host == "" || u.Opaque != "" {
		return nil, fmt.Errorf("%q is not a full URL: use a form such as https://login.example.com", text)
	}
	if err := errors.Join(checkUser(u), checkScheme(u), checkHost(u), checkRest(u)); err != nil {
		return nil, err
	}
	if strings.HasSuffix(text, "#") { // of which url.Parse keeps no trace
		return nil, fmt.Errorf("%s has a fragment: leave it out", text)
	}
	return u, nil
}

// checkUser takes a user name out of the URL, so that no other fault tells its password.
func checkUser(u *url.URL) error {
	if u.User == nil {
		return nil
	}
	u.User = nil
	return fmt.Errorf("%s has a user name or password before the host: leave it out", u)
}

func checkScheme(u *url.URL) error {
	switch {
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && u.Hostname() == "localhost":
		return nil // a potentially trustworthy origin: browsers allow passkeys there
	case u.Scheme == "http":
		return fmt.Errorf("%s is not https: codes and tokens would travel in the clear; use https (http is for localhost only)", u)
	}
	return fmt.Errorf("%s has the scheme %q: use https", u, u.Scheme)
}

func checkHost(u *url.URL) error {
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil {
		return fmt.Errorf("%s has an IP address for a host: passkeys need a name, such as login.example.com, or localhost", u)
	}
	strange := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.')
	}
	if host == "" || strings.ContainsFunc(host, strange) || strings.Trim(host, ".-") != host {
		return fmt.Errorf("%s has the host %q: use a name in small letters, digits, dots and hyphens (Punycode for others)", u, host)
	}
	// A browser's origin has no default port, and a passkey is bound to the origin.
	if bare := u.Host == host; !bare && (u.Port() == "" || u.Port() == defaultPort(u.Scheme)) {
		return fmt.Errorf("%s names the port that it has anyway: leave the colon and the port out", u)
	}
	return nil
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

func checkRest(u *url.URL) error {
	switch {
	case u.RawQuery != "" || u.ForceQuery:
		return fmt.Errorf("%s has a query: leave it out", u)
	case u.Fragment != "":
		return fmt.Errorf("%s has a fragment: leave it out", u)
	case strings.HasSuffix(u.Path, "/"):
		return fmt.Errorf("%s ends with a slash: leave it out", u)
	case u.Path != "" && path.Clean(u.Path) != u.Path, u.RawPath != "", strings.ContainsAny(u.Path, "{} "):
		return fmt.Errorf("%s has a path that is not plain: use one such as /auth", u)
	}
	return nil
}

// demoIssuer is where a browser on the same computer finds the listener.
// Localhost, not 127.0.0.1: passkeys need a name.
func demoIssuer(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String()) // always host and port for TCP
	return strings.TrimSuffix("http://localhost:"+port, ":80")
}

// issuerFile is beside the database, so that commands on the same folder know
// the links that they are to print.
const issuerFile = "issuer"

func rememberIssuer(dataDir, issuer string) error {
	return os.WriteFile(filepath.Join(dataDir, issuerFile), []byte(issuer+"\n"), 0o600)
}

// RememberedIssuer is the issuer that a server last ran with on this data
// folder. The error is fs.ErrNotExist when none did.
func RememberedIssuer(dataDir string) (*url.URL, error) {
	b, err := os.ReadFile(filepath.Join(dataDir, issuerFile))
	if err != nil {
		return nil, err
	}
	return ParseIssuer(strings.TrimSpace(string(b)))
}
