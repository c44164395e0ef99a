package keyring_test

import (
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/keyring"
	"github.com/qrauthd/qrauthd/internal/token"
)

// The server does not wait for the next Tend when its clock is set right, as it may be
// soon after its very first start.
func TestAKeySignsAtOnceWhenTheClockWasSetBack(t *testing.T) {
	for name, back := range map[string]time.Duration{"an hour": time.Hour, "years": 12 * 365 * 24 * time.Hour, "seconds": 10 * time.Second} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			k := started(t, newStore(t), c, policy())
			before := signedBy(t, k, c)
			c.Advance(-back)
			if after := signedBy(t, k, c); after != before {
				t.Errorf("%s signs, want %s still", after, before)
			}
			if jwks := string(read(t, k).JWKS(c.Now())); !strings.Contains(jwks, string(before)) {
				t.Errorf("got %s, want the key that signs", jwks)
			}
		})
	}
}

func TestALeakedKeyDoesNotComeBackWithItsTime(t *testing.T) {
	c := newClock()
	k := started(t, newStore(t), c, policy())
	leaked := signedBy(t, k, c)
	tok, err := read(t, k).SignAccess(c.Now(), claims(c.Now()))
	if err != nil {
		t.Fatal(err)
	}
	c.Advance(24 * time.Hour)
	if _, err := k.Replace(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, back := range []time.Duration{0, time.Hour, 22 * time.Hour} {
		c.Advance(-back)
		if signedBy(t, k, c) == leaked {
			t.Errorf("set back by %s: the leaked one signs", back)
		}
		if _, err := read(t, k).OpenAccess(c.Now(), tok, issuer); err == nil {
			t.Errorf("set back by %s: a token of the leaked one opens", back)
		}
		if jwks := string(read(t, k).JWKS(c.Now())); strings.Contains(jwks, string(leaked)) {
			t.Errorf("set back by %s: the leaked one is published", back)
		}
		c.Advance(back)
	}
}

func TestAReadingIsNotFreshForLongerWhenTheClockWasSetBack(t *testing.T) {
	c, st := newClock(), newStore(t)
	k := started(t, st, c, policy())
	c.Advance(2 * time.Hour)
	read(t, k)
	c.Advance(-time.Hour)
	rotate(t, keyring.New(st, policy(), c.Now)) // in another process
	if published := strings.Count(string(read(t, k).JWKS(c.Now())), `"kid"`); published != 2 {
		t.Errorf("%d keys are published, want the next one too", published)
	}
}

// A clock that is years ahead finds the key of age, and publishes the next one, for which
// nobody is to wait for years.
func TestAKeyDoesNotWaitForAYearThatWasAMistake(t *testing.T) {
	const years = 12 * 365 * 24 * time.Hour
	c, st := newClock(), newStore(t)
	k := started(t, st, c, policy())
	first := signedBy(t, k, c)
	c.Advance(years)
	tend(t, k)
	c.Advance(-years)
	tend(t, k)
	if got := signedBy(t, k, c); got != first {
		t.Errorf("%s signs, want the first one until verifiers know the next", got)
	}
	if published := strings.Count(string(read(t, k).JWKS(c.Now())), `"kid"`); published != 2 {
		t.Errorf("%d keys are published, want both", published)
	}
	c.Advance(token.PublishLead)
	if got := signedBy(t, k, c); got == first {
		t.Error("the first one signs still")
	}
	c.Advance(tokenLife + dpop.Skew)
	if published := strings.Count(string(read(t, k).JWKS(c.Now())), `"kid"`); published != 1 {
		t.Errorf("%d keys are published when its tokens have ended, want the next one only", published)
	}
}
