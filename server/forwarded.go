package server

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// The headers that say who asked a proxy.
const (
	headerXForwardedFor = "X-Forwarded-For"
	headerForwarded     = "Forwarded" // RFC 7239
)

// Why forwarded headers leave open who asked.
var (
	errContradict = errors.New("X-Forwarded-For and Forwarded contradict each other")
	errUnreadable = errors.New("the nearest hop of X-Forwarded-For or Forwarded is no address")
)

// hasForwarded reports whether one of the headers is there.
func hasForwarded(h http.Header) bool {
	return h.Get(headerXForwardedFor) != "" || h.Get(headerForwarded) != ""
}

// forwarded is who asked, as far as the trusted proxies vouch for it; the zero Addr
// when the headers say nothing of it. A proxy usually minds one of the two, and the
// other may be the client's own: where both say something and do not agree, neither
// can be believed (errContradict), nor one that cannot be read (errUnreadable).
func forwarded(trusted []netip.Prefix, h http.Header) (netip.Addr, error) {
	a, errA := walk(trusted, hops(h.Values(headerXForwardedFor), bare))
	b, errB := walk(trusted, hops(h.Values(headerForwarded), forwardedFor))
	switch {
	case errA != nil || errB != nil:
		return netip.Addr{}, errUnreadable
	case !a.IsValid():
		return b, nil
	case b.IsValid() && a != b:
		return netip.Addr{}, errContradict
	}
	return a, nil
}

// walk goes from the nearest hop to the farthest, past those that are trusted, and
// stops at the first that is not, or before one that cannot be read. It returns the
// zero Addr when no hop says anything, and errUnreadable when the nearest one is
// no address.
func walk(trusted []netip.Prefix, chain []string) (last netip.Addr, err error) {
	if !slices.ContainsFunc(chain, says) {
		return netip.Addr{}, nil
	}
	for _, hop := range slices.Backward(chain) {
		addr, ok := parseHop(hop)
		if !ok {
			break
		}
		last = addr
		if !contains(trusted, addr) {
			break
		}
	}
	if !last.IsValid() {
		return netip.Addr{}, errUnreadable
	}
	return last, nil
}

func says(hop string) bool { return hop != "" }

// hops splits header lines into elements, in order.
func hops(lines []string, element func(string) string) []string {
	var list []string
	for _, line := range lines {
		for _, e := range unquotedSplit(line, ',') {
			list = append(list, element(strings.TrimSpace(e)))
		}
	}
	return list
}

// unquotedSplit splits at the separators that stand outside of quoted strings (RFC 9110
// section 5.6.4): what a client had a proxy quote is no element of its own.
func unquotedSplit(s string, separator byte) (list []string) {
	quoted, start := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case !quoted && s[i] == separator:
			list = append(list, s[start:i])
			start = i + 1
		}
	}
	return append(list, s[start:])
}

func bare(element string) string { return element }

// forwardedFor is the for parameter of one element (RFC 7239 section 4), or
// nothing, which no walk goes past.
func forwardedFor(element string) string {
	for _, pair := range unquotedSplit(element, ';') {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(name, "for") {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

// parseHop reads an address with or without port and brackets. Obfuscated names
// (RFC 7239 section 6.3) are no addresses.
func parseHop(hop string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(hop); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(hop, "["), "]"))
	return addr.Unmap().WithZone(""), err == nil
}
