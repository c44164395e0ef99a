package server

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// trustProxies sets RemoteAddr to the address of the one who asked. What
// forwarded headers say counts only when the direct peer is a trusted proxy;
// from anybody else they are ignored, for anybody can write them. RemoteAddr is
// empty when the headers contradict each other: then nobody knows who asked, and
// it would be wrong to take the proxy's own address for it.
func trustProxies(trusted []netip.Prefix, next http.Handler) http.Handler {
	if len(trusted) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from, forwarded := client(trusted, r); forwarded {
			r = r.Clone(r.Context())
			r.RemoteAddr = ""
			if from.IsValid() {
				r.RemoteAddr = net.JoinHostPort(from.String(), "0")
			}
		}
		next.ServeHTTP(w, r)
	})
}

// client is who asked, as far as the trusted proxies vouch for it: no address when
// they contradict each other; false when it is the direct peer.
func client(trusted []netip.Prefix, r *http.Request) (from netip.Addr, forwarded bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !contains(trusted, peer.Addr()) {
		return netip.Addr{}, false
	}
	xff := hops(r.Header.Values("X-Forwarded-For"), bare)
	std := hops(r.Header.Values("Forwarded"), forwardedFor)
	switch {
	case len(std) == 0:
		return walk(trusted, xff)
	case len(xff) == 0:
		return walk(trusted, std)
	}
	// Both are there, and a proxy usually minds one of them: the other may be the
	// client's own. Where they disagree neither can be believed.
	a, okA := walk(trusted, xff)
	b, okB := walk(trusted, std)
	if !okA || !okB || a != b {
		return netip.Addr{}, true
	}
	return a, true
}

// walk goes from the nearest hop to the farthest, past those that are trusted,
// and stops at the first that is not, or that cannot be read.
func walk(trusted []netip.Prefix, chain []string) (last netip.Addr, ok bool) {
	for _, hop := range slices.Backward(chain) {
		addr, valid := parseHop(hop)
		if !valid {
			return last, ok
		}
		last, ok = addr, true
		if !contains(trusted, addr) {
			return last, ok
		}
	}
	return last, ok
}

// hops splits header lines into elements, in order.
func hops(lines []string, element func(string) string) []string {
	var list []string
	for _, line := range lines {
		for e := range strings.SplitSeq(line, ",") {
			list = append(list, element(strings.TrimSpace(e)))
		}
	}
	return list
}

func bare(element string) string { return element }

// forwardedFor is the for parameter of one element (RFC 7239 section 4), or
// nothing, which no walk goes past.
func forwardedFor(element string) string {
	for pair := range strings.SplitSeq(element, ";") {
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

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}
