package desktop

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// outcome is what an answer of the token endpoint means for the login.
type outcome int

const (
	outcomeFailed   outcome = iota // no answer of the server's own: back off
	outcomePending                 // RFC 8628 section 3.5: go on
	outcomeSlowDown                // go on, slower
	outcomeTokens                  // signed in
	outcomeOver                    // stop; err says how it ended
)

// answer is one poll's result.
type answer struct {
	outcome    outcome
	tokens     *tokens
	err        error         // of outcomeFailed and outcomeOver
	retryAfter time.Duration // of outcomeFailed, when the server named it
	state      wire.State    // of outcomePending and outcomeSlowDown, when the server named it
	triesLeft  int           // the same
}

// poll asks the token endpoint once (RFC 8628 section 3.4).
func (c *Client) poll(ctx context.Context, endpoint string, key dpop.Key, deviceCode string) answer {
	return c.askForTokens(ctx, endpoint, key, url.Values{
		wire.ParamGrantType:  {wire.GrantTypeDeviceCode},
		wire.ParamDeviceCode: {deviceCode},
	}, judgePoll)
}

// judgement reads a response of the token endpoint. Kind is the token_type that is
// wanted.
type judgement func(r reply, now time.Time, kind string) answer

// askForTokens makes one request to the token endpoint. With a key it proves it,
// and takes no tokens but such as are bound to it (RFC 9449 section 5).
func (c *Client) askForTokens(ctx context.Context, endpoint string, key dpop.Key, form url.Values, judge judgement) answer {
	form.Set(wire.ParamClientID, c.clientID)
	kind := wire.TokenTypeBearer
	if !key.IsZero() {
		kind = wire.TokenTypeDPoP
	}
	res, err := c.send(ctx, request{endpoint: endpoint, form: form, key: key})
	if err != nil {
		return answer{err: err}
	}
	return judge(res, c.wall(), kind)
}

// judgePoll is the judgement of a device code's poll (RFC 8628 section 3.5).
func judgePoll(r reply, now time.Time, kind string) answer {
	e, _ := r.oauthError()
	switch e.Code {
	case wire.CodeAuthorizationPending:
		return answer{outcome: outcomePending, state: e.State, triesLeft: e.TriesLeft}
	case wire.CodeSlowDown:
		return answer{outcome: outcomeSlowDown, state: e.State, triesLeft: e.TriesLeft}
	case wire.CodeAccessDenied:
		return answer{outcome: outcomeOver, err: ErrDenied}
	case wire.CodeExpiredToken:
		return answer{outcome: outcomeOver, err: ErrExpired}
	}
	return judge(r, now, kind)
}

// judge is the judgement of any grant (RFC 6749 section 5). What is neither tokens
// nor a failure is over by an *OAuthError or by errTokenType.
func judge(r reply, now time.Time, kind string) answer {
	if r.status == http.StatusOK {
		return readTokens(r.body, now, kind)
	}
	err := r.refusal()
	if errors.Is(err, ErrOffline) {
		return answer{err: err, retryAfter: retryAfter(r.header, now)}
	}
	return answer{outcome: outcomeOver, err: err}
}

// seconds is a duration from the wire, neither negative nor beyond a century.
func seconds(n int) time.Duration {
	const century = 100 * 365 * 24 * 60 * 60
	return time.Duration(min(max(n, 0), century)) * time.Second
}
