package desktop

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// Login is one sign-in under way. Its methods are safe for concurrent use.
type Login struct {
	giveUp  context.CancelFunc
	updates chan Update
	typed   chan typed    // numbers, for the login's owner
	ended   chan struct{} // closed when session and err are set
	done    chan struct{} // closed when nothing of the login runs any more

	session *Session
	err     error

	mu      sync.Mutex // guards what follows
	current Update
}

// Start asks the server for a code and begins to watch it. Call it when the
// person asks to sign in, and never by itself (RFC 8628 section 3.1).
//
// The login lives as long as ctx: when ctx ends, the login is cancelled and the
// server is told, as by [Login.Cancel]. Errors are ErrOffline, a *BusyError (ErrOffline
// too: let the person try again, when it says), an *OAuthError, or tell of a server that
// isn't what the configuration says.
func (c *Client) Start(ctx context.Context) (*Login, error) {
	meta, err := c.metadata(ctx)
	if err != nil {
		return nil, err
	}
	key, err := c.key.forNew(meta)
	if err != nil {
		return nil, err
	}
	asked := time.Now()
	grant, err := c.authorize(ctx, meta.DeviceAuthorizationEndpoint, key)
	if err != nil {
		return nil, err
	}
	l, life := newLogin(ctx)
	w := newWatch(c, l, meta, grant, key, time.Since(asked))
	l.publish(w.view)
	go w.run(life)
	return l, nil
}

// newLogin returns a login and the ctx that it lives by.
func newLogin(ctx context.Context) (*Login, context.Context) {
	life, giveUp := context.WithCancel(ctx)
	return &Login{
		giveUp:  giveUp,
		updates: make(chan Update, 1),
		typed:   make(chan typed),
		ended:   make(chan struct{}),
		done:    make(chan struct{}),
	}, life
}

// authorize makes the request of RFC 8628 section 3.1.
func (c *Client) authorize(ctx context.Context, endpoint string, key dpop.Key) (wire.DeviceAuthorization, error) {
	var grant wire.DeviceAuthorization
	res, err := c.post(ctx, endpoint, c.asking(key))
	if err == nil {
		err = res.decode(&grant)
	}
	if err == nil {
		err = checkGrant(grant)
	}
	return grant, err
}

// asking is what each kind of sign-in begins with: who asks, for what, from which
// computer, and the key that the tokens are to be bound to (RFC 9449 section 10).
func (c *Client) asking(key dpop.Key) url.Values {
	params := url.Values{wire.ParamClientID: {c.clientID}}
	for param, value := range map[string]string{
		wire.ParamScope:          c.scopes.String(),
		wire.ParamDeviceName:     c.device.Name,
		wire.ParamDevicePlatform: c.device.Platform,
		wire.ParamAppVersion:     c.device.AppVersion,
	} {
		if value != "" {
			params.Set(param, value)
		}
	}
	if !key.IsZero() {
		params.Set(wire.ParamDPoPKey, key.Thumbprint())
	}
	for _, resource := range c.resource {
		params.Add(wire.ParamResource, resource)
	}
	return params
}

// checkGrant wants the required members of RFC 8628 section 3.2.
func checkGrant(g wire.DeviceAuthorization) error {
	if g.DeviceCode == "" || g.UserCode == "" || g.VerificationURI == "" || g.ExpiresIn <= 0 {
		return errors.New("desktop: the server's answer lacks a code, an address or a lifetime")
	}
	return nil
}

// Updates yields the state as it changes. The channel holds one update, and a
// newer one takes its place, so a slow reader misses steps but never the truth.
// It is closed at the end, after the last update. There is one channel: two
// readers would share its values.
func (l *Login) Updates() <-chan Update { return l.updates }

// Current is the newest update.
func (l *Login) Current() Update {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current
}

// Wait returns the session, or how the login ended: ErrDenied, ErrExpired,
// ErrCancelled, ErrOffline, ErrInterrupted or an *OAuthError. Its ctx bounds the
// waiting only; the login goes on when ctx ends first, and Wait may be called
// again.
func (l *Login) Wait(ctx context.Context) (*Session, error) {
	select {
	case <-l.ended:
		return l.session, l.err
	default:
	}
	select {
	case <-l.ended:
		return l.session, l.err
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the sign-in: %w", ctx.Err())
	}
}

// Cancel gives up. Wait returns ErrCancelled at once; the server is told in the
// background, in three seconds or not at all. A login that has ended stays as
// it is.
func (l *Login) Cancel() { l.giveUp() }

// Done is closed when the login has ended and, if the server may not know how,
// it has been told, as by Cancel: after a cancel, after ErrInterrupted, and when
// the code ran out before the last request was answered. A program that is about
// to exit waits for it.
func (l *Login) Done() <-chan struct{} { return l.done }

// publish makes an update the newest one. Only the login's owner calls it.
func (l *Login) publish(u Update) {
	l.mu.Lock()
	l.current = u
	l.mu.Unlock()
	select {
	case <-l.updates:
	default:
	}
	l.updates <- u // there is room: nobody else sends
}

// finish publishes the last update and lets Wait return.
func (l *Login) finish(u Update, s *Session) {
	l.session, l.err = s, u.Err
	l.publish(u)
	close(l.updates)
	close(l.ended)
}
