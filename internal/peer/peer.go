// Package peer tells who is at the other end of a request: one place for all
// faces, so that they agree with the proxy rules, which run before them.
package peer

import (
	"net/http"
	"net/netip"
)

// Address is the peer's address, as the server's proxy rules left it; the zero
// Addr when nobody knows it.
func Address(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
