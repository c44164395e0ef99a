package wire

import (
	"net"
	"net/url"
	"strings"
)

// Secure reports whether keys and secrets may travel to and from the URL, of HTTP or
// of WebSocket: over TLS, or not over the network at all.
func Secure(u *url.URL) bool {
	switch u.Scheme {
	case "https", "wss":
		return u.Hostname() != ""
	case "http", "ws":
		return isLoopback(u.Hostname())
	}
	return false
}

// isLoopback reports a host that is this very computer, by its address or by a name
// that is never another's (RFC 6761 section 6.3).
func isLoopback(host string) bool {
	host = strings.ToLower(host)
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
