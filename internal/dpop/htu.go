package dpop

import (
	"errors"
	"net/url"
	"strings"
	"unicode"
)

var errURL = errors.New("not an absolute http or https URL without userinfo")

// normal is the address of a request as htu has it: without query and fragment
// (RFC 9449 section 4.2), and in the one form that all its equivalents share
// (section 4.3 item 9; RFC 3986 sections 6.2.2 and 6.2.3).
func normal(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil { // not wrapped: it quotes the address
		return "", errURL
	}
	if u.User != nil || u.Hostname() == "" || defaultPort(u.Scheme) == "" || strings.ContainsFunc(u.Host, isForeign) {
		return "", errURL
	}
	return u.Scheme + "://" + normalHost(u) + normalPath(u.EscapedPath()), nil
}

// defaultPort is empty for a scheme that no request has. url.Parse has put the
// scheme in lower case.
func defaultPort(scheme string) string {
	switch scheme {
	case "http":
		return "80"
	case "https":
		return "443"
	default:
		return ""
	}
}

func normalHost(u *url.URL) string {
	host := strings.TrimSuffix(u.Host, ":"+defaultPort(u.Scheme))
	return strings.ToLower(strings.TrimSuffix(host, ":"))
}

// isForeign tells what a host name on the wire has not: international ones are in
// Punycode (RFC 5890 section 2.3.2.1), and a zone means nothing to the server.
func isForeign(r rune) bool { return r == '%' || r > unicode.MaxASCII }

func normalPath(escaped string) string {
	if escaped == "" {
		return "/"
	}
	return withoutDots(normalTriplets(escaped))
}

// withoutDots takes out "." and ".." (RFC 3986 section 5.2.4). An empty segment stays.
func withoutDots(path string) string {
	segments := strings.Split(path, "/")
	kept := make([]string, 0, len(segments))
	for i, segment := range segments {
		switch segment {
		case ".":
		case "..":
			kept = kept[:max(1, len(kept)-1)] // the first is empty: what stands before the slash
		default:
			kept = append(kept, segment)
			continue
		}
		if i == len(segments)-1 {
			kept = append(kept, "")
		}
	}
	return strings.Join(kept, "/")
}

// normalTriplets decodes what need not be encoded, and writes what must be in
// upper case. A reserved character that is encoded stays so: it means something else.
func normalTriplets(escaped string) string {
	var path strings.Builder
	for i := 0; i < len(escaped); i++ {
		if escaped[i] != '%' {
			path.WriteByte(escaped[i])
			continue
		}
		path.WriteString(normalTriplet(escaped[i : i+3])) // EscapedPath writes none that is cut short
		i += 2
	}
	return path.String()
}

func normalTriplet(triplet string) string {
	char, err := url.PathUnescape(triplet)
	if err == nil && isUnreserved(char[0]) {
		return char
	}
	return strings.ToUpper(triplet)
}

// isUnreserved is the set of RFC 3986 section 2.3.
func isUnreserved(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	default:
		return strings.IndexByte("-._~", c) >= 0
	}
}
