package oauth

import (
	"log/slog"
	"net/url"
	"strings"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/push"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// Limits are the face's budgets. A zero rate is no budget, a zero count no bound.
type Limits struct {
	Starts          ratelimit.Rate // device authorizations and authorization requests, per address
	Guesses         ratelimit.Rate // wrong device codes, per address
	Sockets         int            // open at once, per address
	SocketsPerGrant int            // open at once; one more replaces the oldest
	Frames          ratelimit.Rate // from a desktop, per socket
}

// Config is what a Face is made of. All but Limits is required.
type Config struct {
	Issuer *url.URL
	Login  *login.Service
	Hub    *push.Hub
	Pages  Pages
	Limits Limits
	Log    *slog.Logger
}

// Face serves the machine endpoints.
type Face struct {
	Config
	issuer   string // without a trailing slash
	starts   *ratelimit.Addresses
	guesses  *ratelimit.Addresses
	perAddr  *ratelimit.Gauge
	upgrader websocket.Upgrader
	heartbeat
	sockets registry
}

// New makes the face.
func New(c Config) *Face {
	return &Face{
		Config:  c,
		issuer:  strings.TrimSuffix(c.Issuer.String(), "/"),
		starts:  ratelimit.NewAddresses(c.Limits.Starts),
		guesses: ratelimit.NewAddresses(c.Limits.Guesses),
		perAddr: ratelimit.NewGauge(c.Limits.Sockets),
		// An idle socket must cost little: a small read buffer, and write buffers that
		// are borrowed for a frame. CheckOrigin is the default: same host or none.
		upgrader: websocket.Upgrader{
			ReadBufferSize:  512,
			WriteBufferPool: writeBuffers,
			WriteBufferSize: 512,
			Subprotocols:    []string{wire.PushSubprotocol},
			Error:           refuseUpgrade,
			// A stopping server waits for handshakes in progress.
			HandshakeTimeout: writeTimeout,
		},
		heartbeat: steady,
		sockets:   registry{perGrant: c.Limits.SocketsPerGrant},
	}
}

// verificationURI is where a person types the code (RFC 8628 section 3.2).
func (f *Face) verificationURI() string { return f.issuer + wire.PathDevice }

// verificationURIComplete is what the QR code says. It holds the user code and
// nothing else.
func (f *Face) verificationURIComplete(code grant.UserCode) string {
	return f.verificationURI() + "?" + wire.ParamUserCode + "=" + code.String()
}

// pushURI is the issuer's WebSocket address of the push channel.
func (f *Face) pushURI() string {
	return "ws" + strings.TrimPrefix(f.issuer, "http") + wire.PathPush
}
