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
	"strconv"
	"strings"

	"github.com/qrauthd/qrauthd/internal/passkey"
)

// ParseIssuer reads an issuer (RFC 8414 section 2) and keeps to what this server
// can be: https, or http when the host is localhost; a full host name, because
// passkeys are bound to one; no query, fragment or user; a path or none, and no
// slash at the end. All faults are reported at once.
func ParseIssuer(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not a URL: use a form such as https://login.example.com", text)
	}
	if u.Host == "" || u.Opaque != "" {
		return nil, fmt.Errorf("%q is not a full URL: use a form such as https://login.example.com", text)
	}
	err = errors.Join(checkUser(u), checkScheme(u), checkHost(u), checkPort(u), checkPath(u), checkQuery(u), checkFragment(u, text))
	if err != nil {
		return nil, err
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
	if host != "localhost" && !strings.Contains(host, ".") {
		return fmt.Errorf("%s has the host %q: passkeys need a full name with a dot in it, such as login.example.com, or localhost", u, host)
	}
	// Whoever makes the relying party has the last word, so that it cannot fail later.
	if _, err := passkey.New(u, host); err != nil {
		return fmt.Errorf("%s has the host %q, which is no domain for passkeys: use one such as login.example.com, "+
			"with 1 to 63 letters, digits and hyphens between its dots, no hyphen beside a dot, and no number at the end", u, host)
	}
	return nil
}

func checkPort(u *url.URL) error {
	port := u.Port()
	if port == "" && !strings.HasSuffix(u.Host, ":") {
		return nil
	}
	// A browser's origin has no default port, and a passkey is bound to the origin.
	if port == "" || port == defaultPort(u.Scheme) {
		return fmt.Errorf("%s names the port that it has anyway: leave the colon and the port out", u)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '0' {
		return fmt.Errorf("%s has the port %s: use one from 1 to 65535, with no zero in front", u, port)
	}
	return nil
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

func checkQuery(u *url.URL) error {
	if u.RawQuery != "" || u.ForceQuery {
		return fmt.Errorf("%s has a query: leave it out", u)
	}
	return nil
}

// checkFragment looks at the text, for url.Parse keeps no trace of an empty one.
func checkFragment(u *url.URL, text string) error {
	if strings.Contains(text, "#") {
		return fmt.Errorf("%s has a fragment: leave it out", u)
	}
	return nil
}

func checkPath(u *url.URL) error {
	switch {
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

// rememberIssuer writes only what is new: on a full disk a file that is written again
// may end up empty.
func rememberIssuer(dataDir, issuer string) error {
	file, note := filepath.Join(dataDir, issuerFile), issuer+"\n"
	if before, err := os.ReadFile(file); err == nil && string(before) == note {
		return nil
	}
	return os.WriteFile(file, []byte(note), 0o600)
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
