package phone

import (
	"net/http"

	"github.com/qrauthd/qrauthd/mobileweb"
)

// guard puts the headers on every answer that keep a page to itself, and turns
// away requests that another origin's page made.
func (f *Face) guard(next http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	// Behind a proxy that rewrites Host the browser's Origin is still the issuer's.
	if err := origin.AddTrustedOrigin(f.Issuer.Scheme + "://" + f.Issuer.Host); err != nil {
		panic("phone: the issuer is no origin: " + err.Error()) // the server has checked it
	}
	origin.SetDenyHandler(f.page(f.Gates.Pages, func(http.ResponseWriter, *http.Request) error { return errForeignOrigin }))
	inner := origin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seclude(w.Header())
		inner.ServeHTTP(w, r)
	})
}

// seclude sets the headers that keep a page to itself.
func seclude(h http.Header) {
	h.Set("Content-Security-Policy", mobileweb.ContentSecurityPolicy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "publickey-credentials-get=(self), publickey-credentials-create=(self)")
}
