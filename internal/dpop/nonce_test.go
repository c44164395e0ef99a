package dpop_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
)

func TestAFreshNonce(t *testing.T) {
	nonces := dpop.NewNonces(bytes.Repeat([]byte{1}, 32))
	forger := dpop.NewNonces(bytes.Repeat([]byte{2}, 32))
	border := time.Unix(1_800_000_000, 0) // a multiple of two minutes
	tests := []struct {
		name   string
		issued time.Time
		nonces dpop.Nonces
		shown  time.Time
		ok     bool
	}{
		{"at once", border, nonces, border, true},
		{"a minute later", border, nonces, border.Add(time.Minute), true},
		{"across the border of a bucket", border.Add(-time.Second), nonces, border, true},
		{"from the begin of the last bucket", border.Add(-2 * time.Minute), nonces, border.Add(2*time.Minute - time.Second), true},
		{"by a node whose clock is in the next bucket", border, nonces, border.Add(-time.Second), true},
		{"from the bucket before the last", border.Add(-2*time.Minute - time.Second), nonces, border, false},
		{"from the bucket after the next", border.Add(4 * time.Minute), nonces, border.Add(2*time.Minute - time.Second), false},
		{"an hour later", border, nonces, border.Add(time.Hour), false},
		{"from another key", border, forger, border, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := nonces.Fresh(tt.shown, tt.nonces.Issue(tt.issued)); got != tt.ok {
				t.Errorf("got %t, want %t", got, tt.ok)
			}
		})
	}
	good := nonces.Issue(border)
	for name, forged := range map[string]string{
		"nothing": "", "a guess": "nonce", "one that is cut": good[:len(good)-1], "one with more after it": good + "A",
		"one in another case": strings.ToUpper(good), "the time": fmt.Sprint(border.Unix()),
	} {
		if nonces.Fresh(border, forged) {
			t.Errorf("%s is fresh", name)
		}
	}
}

func TestANonceComesBackInAProof(t *testing.T) {
	nonces := dpop.NewNonces(bytes.Repeat([]byte{1}, 32))
	key := newKey(t)
	proof, err := key.Prove(now, dpop.Request{Method: atToken.Method, URL: atToken.URL, Nonce: nonces.Issue(now)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := dpop.Verify(now, []string{proof}, atToken)
	if err != nil || !nonces.Fresh(now, got.Nonce) {
		t.Errorf("got %q, %v; want a fresh nonce", got.Nonce, err)
	}
	if nonces.Fresh(now.Add(5*time.Minute), got.Nonce) {
		t.Error("it is fresh after five minutes")
	}
}

func TestTheNodesOfOneKeyAgree(t *testing.T) {
	secret := bytes.Repeat([]byte{1}, 32)
	a, b := dpop.NewNonces(secret), dpop.NewNonces(bytes.Clone(secret))
	clear(secret) // the caller's copy
	if !b.Fresh(now, a.Issue(now)) {
		t.Error("another node refuses the nonce")
	}
}

func TestTheNonceIsThatOfItsTimeWhateverWasAskedBefore(t *testing.T) {
	key := bytes.Repeat([]byte{1}, 32)
	nonces, border := dpop.NewNonces(key), time.Unix(1_800_000_000, 0)
	for _, at := range []time.Time{border, border.Add(time.Minute), border.Add(2 * time.Minute), border.Add(-time.Second), border} {
		if got, want := nonces.Issue(at), dpop.NewNonces(key).Issue(at); got != want {
			t.Errorf("at %s: got %q, want %q", at.UTC(), got, want)
		}
	}
	if nonces.Issue(border) == nonces.Issue(border.Add(-time.Second)) {
		t.Error("the nonce stays the same across the border of a bucket")
	}
}

func TestNoKeyMakesNoNonces(t *testing.T) {
	for name, none := range map[string]dpop.Nonces{"the zero value": {}, "no key": dpop.NewNonces(nil), "an empty key": dpop.NewNonces([]byte{})} {
		if got := none.Issue(now); got != "" || none.Fresh(now, got) || none.Fresh(now, "x") {
			t.Errorf("%s: issued %q, or took one", name, got)
		}
	}
}
