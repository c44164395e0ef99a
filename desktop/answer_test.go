package desktop

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestJudgePoll(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	cases := []struct {
		name    string
		status  int
		body    string
		outcome outcome
		err     error // errors.Is
	}{
		{"tokens", 200, `{"access_token":"a","token_type":"BEARER","expires_in":60}`, outcomeTokens, nil},
		{"tokens of an unknown type", 200, `{"access_token":"a","token_type":"mac"}`, outcomeOver, errTokenType},
		{"bound tokens that nobody asked for", 200, `{"access_token":"a","token_type":"DPoP"}`, outcomeOver, errTokenType},
		{"a nonce is wanted, again", 400, `{"error":"use_dpop_nonce"}`, outcomeFailed, ErrOffline},
		{"a success without a token", 200, `{}`, outcomeFailed, ErrOffline},
		{"a page", 200, `<html>`, outcomeFailed, ErrOffline},
		{"pending", 400, `{"error":"authorization_pending"}`, outcomePending, nil},
		{"slow down", 400, `{"error":"slow_down"}`, outcomeSlowDown, nil},
		{"slow down as a 429", 429, `{"error":"slow_down"}`, outcomeSlowDown, nil},
		{"denied", 400, `{"error":"access_denied"}`, outcomeOver, ErrDenied},
		{"expired", 400, `{"error":"expired_token"}`, outcomeOver, ErrExpired},
		{"invalid_client", 401, `{"error":"invalid_client"}`, outcomeOver, nil},
		{"an error of tomorrow", 400, `{"error":"something_new"}`, outcomeOver, nil},
		{"temporarily unavailable", 400, `{"error":"temporarily_unavailable"}`, outcomeFailed, ErrOffline},
		{"a server error", 500, `{"error":"server_error"}`, outcomeFailed, ErrOffline},
		{"a proxy's 404", 404, `not here`, outcomeFailed, ErrOffline},
		{"a redirect with an error's body", 302, `{"error":"access_denied"}`, outcomeFailed, ErrOffline},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			got := judgePoll(reply{tc.status, http.Header{}, []byte(tc.body)}, now, wire.TokenTypeBearer)
			if got.outcome != tc.outcome || (tc.err != nil && !errors.Is(got.err, tc.err)) {
				t.Errorf("got %+v, want outcome %d and %v", got, tc.outcome, tc.err)
			}
			if fails := got.outcome == outcomeFailed || got.outcome == outcomeOver; fails != (got.err != nil) {
				t.Errorf("outcome %d with error %v", got.outcome, got.err)
			}
		})
	}
}

func TestJudge(t *testing.T) {
	for name, tc := range map[string]struct {
		status  int
		body    string
		offline bool
	}{
		"a grant that is over":               {400, `{"error":"invalid_grant"}`, false},
		"a client that is not known":         {401, `{"error":"invalid_client"}`, false},
		"a code of another grant's":          {400, `{"error":"authorization_pending"}`, false},
		"a denial, which ends no login":      {400, `{"error":"access_denied"}`, false},
		"an error of tomorrow":               {403, `{"error":"something_new"}`, false},
		"too many requests":                  {429, `{"error":"slow_down"}`, true},
		"a server error":                     {500, `{"error":"invalid_scope"}`, true},
		"a server error, as the word has it": {400, `{"error":"server_error"}`, true},
		"a gateway's page":                   {403, `<html>`, true},
	} {
		t.Run(name, func(t *testing.T) {
			got := judge(reply{tc.status, http.Header{}, []byte(tc.body)}, time.Time{}, wire.TokenTypeBearer)
			var refused *OAuthError
			if errors.Is(got.err, ErrOffline) != tc.offline || errors.As(got.err, &refused) == tc.offline {
				t.Errorf("got %v, want ErrOffline: %v", got.err, tc.offline)
			}
			if (got.outcome == outcomeFailed) != tc.offline || (got.outcome == outcomeOver) == tc.offline {
				t.Errorf("got outcome %d", got.outcome)
			}
		})
	}
}

func TestATokensExpiryIsByOurClock(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	got := readTokens([]byte(`{"access_token":"a","token_type":"Bearer","expires_in":60}`), now, wire.TokenTypeBearer)
	if want := now.Add(time.Minute); !got.tokens.expiry.Equal(want) {
		t.Errorf("got %v, want %v", got.tokens.expiry, want)
	}
}

func TestWhenTokensAreDue(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		tokens tokens
		want   time.Time
	}{
		"half a minute before their end":     {tokens{refresh: "r", expiry: now.Add(time.Hour), life: time.Hour}, now.Add(time.Hour - 30*time.Second)},
		"halfway when they are short-lived":  {tokens{refresh: "r", expiry: now.Add(10 * time.Second), life: 10 * time.Second}, now.Add(5 * time.Second)},
		"half a minute before when restored": {tokens{refresh: "r", expiry: now.Add(time.Minute)}, now.Add(30 * time.Second)},
		"at their end when nothing renews":   {tokens{expiry: now.Add(time.Hour), life: time.Hour}, now.Add(time.Hour)},
		"never when the server tells no end": {tokens{refresh: "r"}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.tokens.due(); !got.Equal(tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func FuzzJudge(f *testing.F) {
	f.Add(200, `{"access_token":"a","token_type":"Bearer","expires_in":-1}`, false)
	f.Add(200, `{"access_token":"a","token_type":"dpop","refresh_token":"r"}`, true)
	f.Add(400, `{"error":"slow_down"}`, false)
	f.Add(503, ``, false)
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, status int, body string, bound bool) {
		kind := wire.TokenTypeBearer
		if bound {
			kind = wire.TokenTypeDPoP
		}
		a := judgePoll(reply{status, http.Header{}, []byte(body)}, now, kind)
		if (a.outcome == outcomeTokens) != (a.tokens != nil) {
			t.Errorf("outcome %d with tokens %v", a.outcome, a.tokens)
		}
		if got := a.tokens; got != nil && (got.access == "" || got.kind != kind || (!got.expiry.IsZero() && !got.expiry.After(now))) {
			t.Errorf("useless tokens pass: %+v", got)
		}
	})
}
