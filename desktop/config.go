package desktop

import (
	"log/slog"
	"net/http"
)

// Config says which server to sign in at, and as which app.
type Config struct {
	// Issuer is the server's URL, to the letter as its metadata spells it. It is
	// https, or http on localhost. It may have a path.
	Issuer string
	// ClientID is the app's name at the server. The app is a public client: it
	// holds no secret (RFC 8252 section 8.5).
	ClientID string
	// Scopes are what the app asks for; none are the ones that the server has
	// registered for it.
	Scopes []string
	// Resources are what the access tokens are to be good for, each an absolute URI
	// that the server knows for this app (RFC 8707); none are the server's choice.
	Resources []string
	// AppName is what the app is called on the page that ends a sign-in by this
	// computer's browser; the default is "the app".
	AppName string
	// Device is what the phone shows about this computer.
	Device Device
	// HTTPClient is used for every request, without following redirects. The
	// default has timeouts of its own. The push channel takes proxy, dialer and TLS
	// settings from its Transport where that is nil (http.DefaultTransport) or a
	// *http.Transport. Any other RoundTripper, and one with the deprecated Dial or
	// DialTLS, may pin, authenticate or trace in ways that a WebSocket would go
	// around: then push is off, and the sign-in is left to polling.
	HTTPClient *http.Client
	// DisablePush leaves the sign-in to polling.
	DisablePush bool
	// DisableDPoP asks for bearer tokens (RFC 6750), which are good for whoever holds
	// them. By default they are bound to a key of this installation (RFC 9449) where
	// the server knows of that: a token that was stolen is worth nothing then, and two
	// processes that renew one kept session at once don't end it.
	DisableDPoP bool
	// OnNotKept is told, on a goroutine of the SDK's, that a renewed session could not
	// be kept in its store: the next start may have to ask the person again. It may be
	// nil; the Logger is told as well.
	OnNotKept func(error)
	// Logger gets what a developer may want to know, and never a secret. The
	// default discards.
	Logger *slog.Logger
}
