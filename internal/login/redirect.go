package login

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// Redirects reports whether the client may have its answers sent there: to the
// letter, but for the port on a loopback host (RFC 8252 section 7.3, RFC 9700
// section 2.1).
func Redirects(c auth.Client, uri string) bool {
	return slices.ContainsFunc(c.RedirectURIs, func(registered string) bool {
		return uri == registered || samePortless(uri, registered)
	})
}

func samePortless(uri, registered string) bool {
	a, okA := portless(uri)
	b, okB := portless(registered)
	return okA && okB && a == b
}

// portless takes the port out of an http URI on a loopback host.
func portless(uri string) (string, bool) {
	rest, ok := strings.CutPrefix(uri, "http://")
	if !ok {
		return "", false
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	for _, host := range []string{"127.0.0.1", "[::1]", "localhost"} {
		port, ok := strings.CutPrefix(rest[:end], host)
		if ok && (port == "" || isPort(port)) {
			return host + rest[end:], true
		}
	}
	return "", false
}

// isPort reports whether the text is a colon and a port.
func isPort(text string) bool {
	digits, ok := strings.CutPrefix(text, ":")
	n, err := strconv.ParseUint(digits, 10, 16)
	return ok && err == nil && n > 0
}

// Response is an authorization response: the parameters in the query of the
// redirect URI, with the client's state and who answers (RFC 9207 section 2).
func (s *Service) Response(redirectURI string, params url.Values, state string) string {
	if state != "" {
		params.Set(wire.ParamState, state)
	}
	params.Set(wire.ParamIssuer, s.Issuer)
	separator := "?"
	if strings.Contains(redirectURI, "?") {
		separator = "&"
	}
	return redirectURI + separator + params.Encode()
}
