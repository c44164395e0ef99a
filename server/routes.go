package server

import (
	"net/http"
	"path"

	"github.com/qrauthd/qrauthd/internal/route"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// machinePaths are the oauth face's; all others are the phone's.
var machinePaths = [...]string{
	wire.PathDeviceAuthorization,
	wire.PathAuthorize,
	wire.PathToken,
	wire.PathIntrospect,
	wire.PathJWKS,
	wire.PathRevoke,
	wire.PathUserInfo,
	wire.PathPush,
	wire.PathConfirmation,
}

// handler mounts everything below the issuer's path. The metadata document comes
// between host and path (RFC 8414 section 3.1) and after the path (OpenID Connect
// Discovery section 4), by either of its names, for clients mix them. The health
// check answers at the root as well, where a load balancer that knows no issuer
// looks. What else is asked for at the root is told where the service is.
func (s *Server) handler() http.Handler {
	base := s.issuer.Path
	root := route.NewMux()
	machines := http.StripPrefix(base, routed(s.oauth.Handler()))
	for _, path := range machinePaths {
		root.Handle(base+path, machines)
	}
	metadata := routed(s.oauth.Metadata())
	for _, name := range []string{wire.WellKnownMetadata, wire.WellKnownOpenID} {
		root.Handle("GET "+name+base, metadata)
		if base != "" {
			root.Handle("GET "+base+name, metadata)
		}
	}
	health := routed(http.HandlerFunc(s.health.answer))
	root.Handle("GET "+wire.PathHealth, health)
	nothing := routed(s.phone.NotFound())
	if base != "" {
		root.Handle("GET "+base+wire.PathHealth, health)
		root.Handle("/", nothing)
		root.Handle(base, nothing)
	}
	root.Handle(base+"/", http.StripPrefix(base, routed(s.phone.Handler())))

	return newProxies(s.config.TrustedProxies, s.log, s.now).resolve(
		s.edge(bounded(canonical(root, nothing))),
		s.edge(http.HandlerFunc(unclear)))
}

// edge does what is done for every request, refused ones as well.
func (s *Server) edge(next http.Handler) http.Handler {
	o := observer{log: s.log, metrics: s.metrics, now: s.now, flood: &seldom{every: floodEvery}}
	return o.watch(secureHeaders(s.issuer.Scheme == "https", next))
}

// canonical leaves a path that is not in its shortest form to nothing. ServeMux would
// redirect it with 307, and a browser would send a form there again (RFC 9700
// section 4.12).
func canonical(next, nothing http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := r.URL.Path
		if clean := path.Clean(p); p != clean && p != clean+"/" {
			nothing.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
