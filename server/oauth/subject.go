package oauth

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// subject is what a socket follows: a grant until it is decided, or a session until
// it ends. It keeps the names of things and none of their secrets.
type subject interface {
	// name tells it from all other subjects.
	name() string
	// topic is where the hub tells of its changes.
	topic() auth.GrantID
	// admit gives the socket its place, and refuses one too many (errSockets) or closes
	// another for it. Asked once, before anything is told.
	admit(*socket) error
	// newest is the whole truth as it stands, and for how long it holds if nothing
	// happens. What is due by the clock is done first. Called by one goroutine at a time.
	newest(context.Context) (wire.Snapshot, time.Duration, error)
	// take does what a frame after hello asks for; newest tells what came of it. Any
	// error ends the conversation.
	take(context.Context, wire.ClientFrame, netip.Addr) error
}

// follow finds what the hello of the peer is about.
func (f *Face) follow(ctx context.Context, hello wire.ClientFrame, from netip.Addr) (subject, error) {
	if hello.AccessToken != "" {
		session, err := f.Login.AttachSession(ctx, secret.From(hello.AccessToken))
		if err != nil {
			return nil, f.guessed(err, from)
		}
		return &sessionSubject{face: f, id: session.ID, grant: session.GrantID}, nil
	}
	g, err := f.Login.Attach(ctx, auth.ClientID(hello.ClientID), secret.From(hello.DeviceCode))
	if err != nil {
		return nil, f.guessed(err, from)
	}
	return &grantSubject{face: f, id: g.ID, client: g.ClientID}, nil
}

// guessed is the error of a lookup by a device code or an access token. A wrong one is
// a guess and costs the peer one; a right one costs nothing, so that nobody is kept
// out by the guesses of a neighbour.
func (f *Face) guessed(err error, from netip.Addr) error {
	if !isGuess(err) {
		return err
	}
	if over := f.Budgets.DeviceCode(time.Now(), from); over != nil {
		return over
	}
	return err
}

// isGuess reports whether the error is of a code or a token that this server never
// gave out. A token that it signed and that is over is none: after a restart a whole
// office may come back with such.
func isGuess(err error) bool {
	if errors.Is(err, login.ErrTokenOver) {
		return false
	}
	return errors.Is(err, login.ErrUnknownCode) || errors.Is(err, login.ErrUnknownToken)
}
