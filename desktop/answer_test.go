package desktop

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	cases := []struct {
		name    string
		status  int
		body    string
		outcome outcome
		err     error // errors.Is
	}{
		{"tokens", 200, `{"access_token":"a","token_type":"BEARER","expires_in":60}`, outcomeTokens, nil},
		{"tokens of an unknown type", 200, `{"access_token":"a","token_type":"mac"}`, outcomeOver, nil},
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
			got := judge(reply{tc.status, http.Header{}, []byte(tc.body)}, now)
			if got.outcome != tc.outcome || (tc.err != nil && !errors.Is(got.err, tc.err)) {
				t.Errorf("got %+v, want outcome %d and %v", got, tc.outcome, tc.err)
			}
			if fails := got.outcome == outcomeFailed || got.outcome == outcomeOver; fails != (got.err != nil) {
				t.Errorf("outcome %d with error %v", got.outcome, got.err)
			}
		})
	}
}

func TestATokensExpiryIsByOurClock(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	got := tokens([]byte(`{"access_token":"a","token_type":"Bearer","expires_in":60}`), now)
	if want := now.Add(time.Minute); !got.token.Expiry.Equal(want) {
		t.Errorf("got %v, want %v", got.token.Expiry, want)
	}
}

func FuzzJudge(f *testing.F) {
	f.Add(200, `{"access_token":"a","token_type":"Bearer","expires_in":-1}`)
	f.Add(400, `{"error":"slow_down"}`)
	f.Add(503, ``)
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, status int, body string) {
		a := judge(reply{status, http.Header{}, []byte(body)}, now)
		if (a.outcome == outcomeTokens) != (a.token != nil) {
			t.Errorf("outcome %d with token %v", a.outcome, a.token)
		}
		if a.token != nil && (a.token.AccessToken == "" || (!a.token.Expiry.IsZero() && !a.token.Expiry.After(now))) {
			t.Errorf("a useless token passes: %+v", a.token)
		}
	})
}
