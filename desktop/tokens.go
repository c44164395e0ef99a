package desktop

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// renewBefore is how long before its end an access token is renewed: a request
// that is under way then still finds it good.
const renewBefore = 30 * time.Second

// tokens are what the token endpoint gave (RFC 6749 section 5.1). They are held by
// a pointer, so that nobody prints them with what holds them, and never changed.
type tokens struct {
	kind    string // TokenTypeBearer or TokenTypeDPoP
	access  string
	refresh string        // empty: the session ends with the access token
	id      string        // the ID token as it came, if one did
	expiry  time.Time     // of the access token; zero: not told
	life    time.Duration // that it had, zero when that is not known anymore
	got     time.Time     // by the clock that nobody can set; known if life is
}

// due is when the access token is to be replaced: at its expiry, or before when
// there is something to renew it by. Half of a short life is used.
func (t *tokens) due() time.Time {
	if t.refresh == "" || t.expiry.IsZero() {
		return t.expiry
	}
	return t.expiry.Add(-t.early())
}

// early is how long before its end the access token is renewed.
func (t *tokens) early() time.Duration {
	if t.life > 0 {
		return min(renewBefore, t.life/2)
	}
	return renewBefore
}

// aged reports whether the token is to be replaced, whatever the clock on the wall
// says, which may have been set back.
func (t *tokens) aged() bool {
	return t.life > 0 && t.refresh != "" && time.Since(t.got) >= t.life-t.early()
}

// justNow is for how long fresh tokens are not renewed at another server's word.
const justNow = time.Minute

// young reports whether the tokens came just now.
func (t *tokens) young(now time.Time) bool {
	return t.life > 0 && now.Before(t.expiry.Add(justNow-t.life)) && time.Since(t.got) < justNow
}

// oauth2 is the access token for the app. The refresh token stays here: one that
// was used elsewhere ends the session.
func (t *tokens) oauth2() *oauth2.Token {
	return &oauth2.Token{AccessToken: t.access, TokenType: t.kind, Expiry: t.expiry}
}

// revocable is the token whose revocation ends the session, and its
// token_type_hint (RFC 7009 section 2.1).
func (t *tokens) revocable() (token, hint string) {
	if t.refresh != "" {
		return t.refresh, hintRefreshToken
	}
	return t.access, hintAccessToken
}

// Values of token_type_hint. The last is ours; servers pass over one that they don't
// know (RFC 7009 section 2.1).
const (
	hintAccessToken  = "access_token"
	hintRefreshToken = "refresh_token"
	hintCode         = "authorization_code"
)

// errTokenType: the tokens are not of the type that was agreed on. Bearer tokens
// in place of bound ones would be a downgrade (RFC 9449 section 5), and others are
// unknown to us (RFC 6749 section 7.1).
var errTokenType = errors.New("the server sent tokens of another type than were asked for: update the app, or ask the server's operator")

// readTokens reads a success. A body that isn't one comes from something between
// the server and us, so the caller goes on.
func readTokens(body []byte, now time.Time, kind string) answer {
	var t wire.Token
	if err := json.Unmarshal(body, &t); err != nil || t.AccessToken == "" {
		return answer{err: fmt.Errorf("%w: the answer is not the server's", ErrOffline)}
	}
	if !strings.EqualFold(t.TokenType, kind) { // RFC 6749 section 5.1: in any case
		return answer{outcome: outcomeOver, err: fmt.Errorf("%w (got %.20q, want %q)", errTokenType, t.TokenType, kind)}
	}
	fresh := &tokens{kind: kind, access: t.AccessToken, refresh: t.RefreshToken, id: t.IDToken}
	if t.ExpiresIn > 0 {
		fresh.life = seconds(t.ExpiresIn)
		fresh.expiry, fresh.got = now.Add(fresh.life), time.Now()
	}
	return answer{outcome: outcomeTokens, tokens: fresh}
}
