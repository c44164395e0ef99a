package desktop

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

const (
	leaveTime   = 3 * time.Second // bounds how long the server is being told
	confirmTime = time.Second     // of it, how long the push channel may take
)

// takeLeave tells the server that this computer gave up, or that the answer with
// the tokens got lost or is not awaited any more: by the push channel if it is up
// and there is a grant to cancel, else by revoking the device code, which also
// ends the session that it may have become. Tokens that arrive meanwhile are
// revoked, for nobody is going to use them.
func (w *watch) takeLeave() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	if w.interrupted() || !w.cancelByPush(ctx) {
		w.tell(ctx, w.grant.DeviceCode, wire.ParamDeviceCode)
	}
	if !w.polling {
		return
	}
	select {
	case a := <-w.answers:
		if a.outcome == outcomeTokens {
			token, hint := a.tokens.revocable()
			w.tell(ctx, token, hint)
		}
	case <-ctx.Done():
	}
}

func (w *watch) tell(ctx context.Context, token, hint string) {
	if err := w.client.revoke(ctx, w.meta, token, hint); err != nil {
		w.log("the server could not be told of the end", "error", err)
	}
}

// abandoned reports whether the login ended without the server knowing it.
func (w *watch) abandoned(ctx context.Context) bool {
	return w.interrupted() || w.unheard || (ctx.Err() != nil && errors.Is(w.view.Err, ErrCancelled))
}

// interrupted reports whether the server may hold a session that nobody can use.
func (w *watch) interrupted() bool {
	return errors.Is(w.view.Err, ErrInterrupted) || errors.Is(w.view.Err, errTokenType)
}

// cancelByPush reports whether the server's snapshot says that no session can
// come of the grant. A redeemed one is not cancelled, and hanging up may be
// because of that.
func (w *watch) cancelByPush(ctx context.Context) bool {
	if !w.line.up() || w.line.socket.say(wire.ClientFrame{Type: wire.FrameCancel}) != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, confirmTime)
	defer cancel()
	for {
		select {
		case e := <-w.line.events():
			if e.drop != nil {
				w.line.socket = nil
				return false
			}
			if s := e.snapshot.State; s.Terminal() {
				return s != wire.StateRedeemed
			}
		case <-ctx.Done():
			return false
		}
	}
}

// revoke ends what a token, a device code or an authorization code stands for (RFC
// 7009). Afterwards
// the server does not know it: that is a success too.
func (c *Client) revoke(ctx context.Context, meta wire.Metadata, token, hint string) error {
	if meta.RevocationEndpoint == "" {
		return errors.New("the server has no way to end a session (RFC 7009): it ends by itself")
	}
	res, err := c.post(ctx, meta.RevocationEndpoint, url.Values{
		wire.ParamToken:         {token},
		wire.ParamTokenTypeHint: {hint},
		wire.ParamClientID:      {c.clientID},
	})
	if err != nil {
		return err
	}
	if res.status != http.StatusOK {
		return res.refusal()
	}
	return nil
}
