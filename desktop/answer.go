package desktop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

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
	token      *oauth2.Token
	err        error         // of outcomeFailed and outcomeOver
	retryAfter time.Duration // of outcomeFailed, when the server named it
}

// poll asks the token endpoint once (RFC 8628 section 3.4).
func (c *Client) poll(ctx context.Context, endpoint, deviceCode string) answer {
	res, err := c.post(ctx, endpoint, url.Values{
		wire.ParamGrantType:  {wire.GrantTypeDeviceCode},
		wire.ParamDeviceCode: {deviceCode},
		wire.ParamClientID:   {c.clientID},
	})
	if err != nil {
		return answer{err: err}
	}
	return judge(res, c.wall())
}

// judge reads a response of the token endpoint (RFC 6749 section 5, RFC 8628
// section 3.5).
func judge(r reply, now time.Time) answer {
	if r.status == http.StatusOK {
		return tokens(r.body, now)
	}
	e, _ := r.oauthError()
	switch e.Code {
	case wire.CodeAuthorizationPending:
		return answer{outcome: outcomePending}
	case wire.CodeSlowDown:
		return answer{outcome: outcomeSlowDown}
	case wire.CodeAccessDenied:
		return answer{outcome: outcomeOver, err: ErrDenied}
	case wire.CodeExpiredToken:
		return answer{outcome: outcomeOver, err: ErrExpired}
	}
	err := r.refusal()
	if errors.Is(err, ErrOffline) {
		return answer{err: err, retryAfter: retryAfter(r.header, now)}
	}
	return answer{outcome: outcomeOver, err: err}
}

// tokens reads a success. A body that isn't one comes from something between
// the server and us, so the login goes on.
func tokens(body []byte, now time.Time) answer {
	var t wire.Token
	if err := json.Unmarshal(body, &t); err != nil || t.AccessToken == "" {
		return answer{err: fmt.Errorf("%w: the answer is not the server's", ErrOffline)}
	}
	if !strings.EqualFold(t.TokenType, "Bearer") { // RFC 6749 section 7.1
		return answer{outcome: outcomeOver, err: fmt.Errorf("the server sent a token of the unknown type %q: update the app", t.TokenType)}
	}
	tok := &oauth2.Token{AccessToken: t.AccessToken, TokenType: "Bearer"}
	if t.ExpiresIn > 0 {
		tok.Expiry = now.Add(seconds(t.ExpiresIn))
	}
	return answer{outcome: outcomeTokens, token: tok}
}

// seconds is a duration from the wire, neither negative nor beyond a century.
func seconds(n int) time.Duration {
	const century = 100 * 365 * 24 * 60 * 60
	return time.Duration(min(max(n, 0), century)) * time.Second
}
