package desktop

import (
	"errors"
	"net/http"
	"testing"

	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestReadConfirmation(t *testing.T) {
	cases := []struct {
		name   string
		status int
		body   string
		err    error // errors.Is; nil: a yes
		left   int
		unsure bool
	}{
		{"right", 200, `{"state":"approved"}`, nil, 0, false},
		{"wrong", 400, `{"error":"incorrect_number","tries_left":2}`, ErrWrongNumber, 2, false},
		{"wrong for the third time", 400, `{"error":"access_denied"}`, ErrDenied, 0, false},
		{"none is awaited", 400, `{"error":"invalid_request"}`, ErrNoNumber, 0, true},
		{"over budget", 429, `{"error":"slow_down"}`, ErrOffline, 0, false},
		{"over budget, as a proxy has it", 429, `too many`, ErrOffline, 0, false},
		{"a server error", 500, `{"error":"server_error"}`, ErrOffline, 0, true},
		{"an error's words with a success's status", 200, `{"error":"incorrect_number"}`, ErrOffline, 0, true},
		{"another state", 200, `{"state":"redeemed"}`, ErrOffline, 0, true},
		{"a page", 200, `<html>`, ErrOffline, 0, true},
		{"a redirect with an answer in it", 302, `{"state":"approved"}`, ErrOffline, 0, true},
		{"an endpoint that is not there", 404, `not here`, ErrOffline, 0, true},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			got := readConfirmation(reply{tc.status, http.Header{}, []byte(tc.body)})
			if !errors.Is(got.err, tc.err) || tc.err == nil && got.err != nil {
				t.Errorf("got %v, want %v", got.err, tc.err)
			}
			if got.triesLeft != tc.left || got.unsure != tc.unsure {
				t.Errorf("got %+v, want %d tries left, unsure: %v", got, tc.left, tc.unsure)
			}
		})
	}
}

func TestTurn(t *testing.T) {
	cases := []struct {
		name string
		from Update
		to   State
		left int // as told
		want int
	}{
		{"a number is awaited", Update{State: StateConfirming}, StateVerifying, 2, 2},
		{"and nobody says how often", Update{State: StateConfirming}, StateVerifying, 0, numberTries},
		{"one was wrong", Update{State: StateVerifying, TriesLeft: 3}, StateVerifying, 2, 2},
		{"older news comes later", Update{State: StateVerifying, TriesLeft: 1}, StateVerifying, 2, 1},
		{"news without a count", Update{State: StateVerifying, TriesLeft: 1}, StateVerifying, 0, 1},
		{"less than none", Update{State: StateVerifying, TriesLeft: 1}, StateVerifying, -7, 1},
		{"it was right", Update{State: StateVerifying, TriesLeft: 1}, StateApproved, 0, 0},
		{"it has nothing to do with numbers", Update{State: StatePending}, StateScanned, 0, 0},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			w := &watch{view: tc.from}
			w.turn(tc.to, tc.left)
			if w.view.State != tc.to || w.view.TriesLeft != tc.want {
				t.Errorf("got %+v, want %s with %d tries", w.view, tc.to, tc.want)
			}
		})
	}
}

func TestOldNewsOfANumberDoNotTakeAnApprovalBack(t *testing.T) {
	if got := progress(StateApproved, wire.StateVerifying); got != StateApproved {
		t.Errorf("got %s, want approved", got)
	}
}

func FuzzReadConfirmation(f *testing.F) {
	f.Add(200, `{"state":"approved"}`)
	f.Add(400, `{"error":"incorrect_number","tries_left":-1}`)
	f.Add(400, `{"error":"access_denied","state":"approved"}`)
	f.Add(503, ``)
	f.Fuzz(func(t *testing.T, status int, body string) {
		c := readConfirmation(reply{status, http.Header{}, []byte(body)})
		if c.err == nil && (status != http.StatusOK || c.unsure) {
			t.Errorf("a yes from %d %q", status, body)
		}
		if c.unsure && (errors.Is(c.err, ErrWrongNumber) || errors.Is(c.err, ErrDenied)) {
			t.Errorf("unsure of a clear word: %+v", c)
		}
	})
}
