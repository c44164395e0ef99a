package oauth

import (
	"net/http"
	"strconv"

	"github.com/qrauthd/qrauthd/internal/token"
)

// jwks publishes the keys by which tokens are verified (RFC 7517 section 5).
func (f *Face) jwks(w http.ResponseWriter, r *http.Request) error {
	set, err := f.Login.JWKS(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	cacheFor(w)
	_, _ = w.Write(set) // the peer is gone; there is nobody to tell
	return nil
}

// cacheFor lets what is public be kept for as long as a key is sure to be published
// before it signs.
func cacheFor(w http.ResponseWriter) {
	w.Header().Del("Pragma")
	w.Header().Set("Cache-Control", "public, max-age="+strconv.Itoa(int(token.JWKSMaxAge.Seconds())))
}
