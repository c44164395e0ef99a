package oauth

import (
	"context"
	"log/slog"
	"net/url"
	"strings"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/gate"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/push"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// Config is what a Face is made of. All but Budgets and Gates is required.
type Config struct {
	Issuer  *url.URL
	Login   *login.Service
	Hub     *push.Hub
	Pages   Pages
	Budgets *budget.Budgets // nil: no limits
	Gates   gate.Gates      // zero: everybody is let in
	Log     *slog.Logger
}

// Face serves the machine endpoints.
type Face struct {
	Config
	issuer   string // without a trailing slash
	upgrader websocket.Upgrader
	heartbeat
	sockets registry
	crew    crew
}

// New makes the face.
func New(c Config) *Face {
	return &Face{
		Config: c,
		issuer: strings.TrimSuffix(c.Issuer.String(), "/"),
		// An idle socket must cost little: a small read buffer, and write buffers that
		// are borrowed for a frame. CheckOrigin is the default: same host or none.
		upgrader: websocket.Upgrader{
			ReadBufferSize:  256,
			WriteBufferPool: writeBuffers,
			WriteBufferSize: 512,
			Subprotocols:    []string{wire.PushSubprotocol},
			Error:           refuseUpgrade,
			// A stopping server waits for handshakes in progress.
			HandshakeTimeout: handshakeTimeout,
		},
		heartbeat: steady,
		sockets:   registry{perSubject: c.Budgets.SocketsPerGrant()},
	}
}

// verificationURI is where a person types the code (RFC 8628 section 3.2).
func (f *Face) verificationURI() string { return f.issuer + wire.PathDevice }

// verificationURIComplete is what the QR code says: the user code, and a key which
// proves that the link came from this server, and nothing else.
func (f *Face) verificationURIComplete(ctx context.Context, code grant.UserCode) (string, error) {
	key, err := f.Login.LinkKey(ctx, code)
	if err != nil {
		return "", err
	}
	return f.verificationURI() + "?" + wire.ParamUserCode + "=" + code.String() + "&" + wire.ParamLinkKey + "=" + key, nil
}

// pushURI is the issuer's WebSocket address of the push channel.
func (f *Face) pushURI() string {
	return "ws" + strings.TrimPrefix(f.issuer, "http") + wire.PathPush
}
