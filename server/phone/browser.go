package phone

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/peer"
	"github.com/qrauthd/qrauthd/internal/secret"
)

// browser is the one at the other end: whoever holds the cookie.
type browser struct{ cookie secret.Text }

// browserLife is how long the cookie is kept.
const browserLife = 180 * 24 * time.Hour

// cookieName begins with __Host- wherever there is TLS, so that no other host
// can plant one.
func (f *Face) cookieName() string {
	if f.Issuer.Scheme == "https" {
		return "__Host-qrauth_browser"
	}
	return "qrauth_browser"
}

// browser reads the cookie. The zero browser came without one.
func (f *Face) browser(r *http.Request) browser {
	c, err := r.Cookie(f.cookieName())
	if err != nil || len(c.Value) != base64.RawURLEncoding.EncodedLen(secret.Size) {
		return browser{}
	}
	return browser{secret.From(c.Value)}
}

// welcome reads the cookie, and gives one to a browser that has none.
func (f *Face) welcome(w http.ResponseWriter, r *http.Request) browser {
	b := f.browser(r)
	if b.cookie.IsZero() {
		b = browser{secret.Must()}
	}
	http.SetCookie(w, &http.Cookie{
		Name:     f.cookieName(),
		Value:    b.cookie.Reveal(),
		Path:     "/",
		MaxAge:   int(browserLife.Seconds()),
		Secure:   f.Issuer.Scheme == "https",
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // Strict would hide it from a link that another app opens
	})
	return b
}

func (b browser) id() auth.BrowserID {
	if b.cookie.IsZero() {
		return ""
	}
	return auth.BrowserID(b.cookie.Hash().String())
}

// visitor is the browser, where its request came from.
func (b browser) visitor(r *http.Request) login.Visitor {
	return login.Visitor{Browser: b.id(), Address: peer.Address(r)}
}

// opening is the handle of a grant that this browser has opened, by its user code
// or by an authorization request: the grant's name and a proof that only this browser's cookie makes.
// It lets the page go on when the code has rotated, it is useless elsewhere, and
// it keeps other sites' pages from deciding anything: they cannot know it.
func (b browser) opening(id auth.GrantID) string { return string(id) + "." + b.proof(id) }

// opened reads a handle. errNotOpened for one that is not this browser's.
func (b browser) opened(handle string) (auth.GrantID, error) {
	name, proof, _ := strings.Cut(handle, ".")
	id := auth.GrantID(name)
	if b.cookie.IsZero() || !hmac.Equal([]byte(proof), []byte(b.proof(id))) {
		return "", errNotOpened
	}
	return id, nil
}

func (b browser) proof(id auth.GrantID) string {
	mac := hmac.New(sha256.New, []byte(b.cookie.Reveal()))
	mac.Write([]byte("opening " + id))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
