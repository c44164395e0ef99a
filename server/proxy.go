package server

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"
)

// How often, at most, the log warns of proxies: anybody may be able to cause it.
const (
	unclearEvery = time.Minute
	unnamedEvery = time.Hour
)

// proxies are those that stand before the server, and how it takes what they say.
type proxies struct {
	trusted []netip.Prefix
	log     *slog.Logger
	now     func() time.Time

	unclear seldom // that a trusted one does not tell who asked
	unnamed seldom // that there may be one that nobody named
}

func newProxies(trusted []netip.Prefix, log *slog.Logger, now func() time.Time) *proxies {
	return &proxies{
		trusted: trusted, log: log, now: now,
		unclear: seldom{every: unclearEvery}, unnamed: seldom{every: unnamedEvery},
	}
}

// resolve sets RemoteAddr to the address of the one who asked, for next. What
// forwarded headers say counts only when the direct peer is a trusted proxy; from
// anybody else they are ignored, for anybody can write them. Where a trusted proxy's
// headers leave open who asked, refused answers: whoever could hide where they are
// would be a smaller risk than who is seen to be far away.
func (p *proxies) resolve(next, refused http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !contains(p.trusted, peer.Addr()) {
			p.suspect(peer.Addr(), r.Header)
			next.ServeHTTP(w, r)
			return
		}
		from, err := forwarded(p.trusted, r.Header)
		if err != nil {
			p.complain(peer.Addr(), err)
			refused.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, askedBy(r, from))
	})
}

// askedBy is the request with that address as its peer's, or as it is if there is none.
func askedBy(r *http.Request, from netip.Addr) *http.Request {
	if !from.IsValid() {
		return r
	}
	r = r.Clone(r.Context())
	r.RemoteAddr = net.JoinHostPort(from.String(), "0")
	return r
}

// complain warns of a trusted proxy that does not tell who asked.
func (p *proxies) complain(proxy netip.Addr, err error) {
	if p.unclear.due(p.now()) {
		p.log.Warn("refused a request, for the proxy does not tell who asked: "+
			"let it remove the Forwarded and X-Forwarded-For that clients send, and set one of them; see docs/operating.md",
			"proxy", proxy.Unmap().String(), "err", err)
	}
}

// suspect warns when it looks as if the direct peer were a proxy that nobody named.
// Nothing else comes of it: on this machine and its network too, anybody can write
// the headers.
func (p *proxies) suspect(peer netip.Addr, h http.Header) {
	peer = peer.Unmap()
	if !peer.IsLoopback() && !peer.IsPrivate() || !hasForwarded(h) {
		return
	}
	if p.unnamed.due(p.now()) {
		p.log.Warn("ignored a forwarded header, for trusted_proxies does not name who sent it: "+
			"if that is a proxy of yours, name it there, or everybody behind it seems to be in one place; see docs/operating.md",
			"peer", peer.String())
	}
}

// unclear tells the one who asked what is wrong, and whoever runs the proxy how to
// mend it.
func unclear(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "It cannot be told where this request comes from, for its Forwarded and X-Forwarded-For headers contradict each other or cannot be read: "+
		"the proxy in front of this server must remove what the client sends of both, and set one of them itself (see docs/operating.md).", http.StatusBadRequest)
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}
