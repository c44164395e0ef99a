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

// takeLeave tells the server that this computer gave up: by the push channel if
// it is up, else by revoking the device code. Tokens that arrive meanwhile are
// revoked, for nobody is going to use them.
func (w *watch) takeLeave() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	if !w.cancelByPush(ctx) {
		w.tell(ctx, w.grant.DeviceCode, wire.ParamDeviceCode)
	}
	if !w.polling {
		return
	}
	select {
	case a := <-w.answers:
		if a.outcome == outcomeTokens {
			w.tell(ctx, a.token.AccessToken, hintAccessToken)
		}
	case <-ctx.Done():
	}
}

func (w *watch) tell(ctx context.Context, token, hint string) {
	if err := w.client.revoke(ctx, w.meta, token, hint); err != nil {
		w.log("the server could not be told of the end", "error", err)
	}
}

// cancelByPush reports whether the server confirmed the cancellation, by its
// snapshot or by hanging up as it does after a last state.
func (w *watch) cancelByPush(ctx context.Context) bool {
	if !w.socket.up() || w.socket.say(wire.ClientFrame{Type: wire.FrameCancel}) != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, confirmTime)
	defer cancel()
	for {
		select {
		case e := <-w.socket.events:
			if e.drop != nil {
				w.socket = nil
				return e.drop.code == wire.CloseDone
			}
			if e.snapshot.State.Terminal() {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
}

// hintAccessToken is the token_type_hint of RFC 7009 section 2.1.
const hintAccessToken = "access_token"

// revoke ends what a token or a device code stands for (RFC 7009). Afterwards
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
