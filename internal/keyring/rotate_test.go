package keyring_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/keyring"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/token"
)

func policy() keyring.Policy { return keyring.Policy{TokenLife: tokenLife} }

// started is a keyring with the keys that a server makes at its first start.
func started(t *testing.T, st store.Store, c *clock, p keyring.Policy) *keyring.Keyring {
	t.Helper()
	k := keyring.New(st, p, c.Now)
	tend(t, k)
	return k
}

func rotate(t *testing.T, k *keyring.Keyring) []token.Status {
	t.Helper()
	list, err := k.Rotate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// states are those of the signing keys, in the order of their making.
func states(list []token.Status) (got []token.State) {
	for _, k := range list {
		if k.State != token.Derives {
			got = append(got, k.State)
		}
	}
	return got
}

func TestStatusesTellARotationFromItsBeginningToItsEnd(t *testing.T) {
	c := newClock()
	start := c.Now()
	k := started(t, newStore(t), c, policy())
	c.Advance(time.Hour)
	rotate(t, k)
	over := time.Hour + token.PublishLead + tokenLife + dpop.Skew
	for _, step := range []struct {
		name  string
		after time.Duration
		want  []token.State
	}{
		{"the next one waits", time.Hour, []token.State{token.Signs, token.Waits}},
		{"until its time", time.Hour + token.PublishLead - time.Second, []token.State{token.Signs, token.Waits}},
		{"then it signs", time.Hour + token.PublishLead, []token.State{token.Stays, token.Signs}},
		{"and the old one's tokens come to an end", over - time.Second, []token.State{token.Stays, token.Signs}},
		{"when nobody has a use for it", over, []token.State{token.Over, token.Signs}},
	} {
		c.Advance(start.Add(step.after).Sub(c.Now()))
		list, err := k.Statuses(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, states(list)); diff != "" {
			t.Errorf("%s: states (-want +got):\n%s", step.name, diff)
		}
		if len(list) != 3 {
			t.Errorf("%s: got %d keys, want two that sign and one that derives", step.name, len(list))
		}
	}
}

func TestRotateTwiceIsRotateOnce(t *testing.T) {
	c := newClock()
	k := started(t, newStore(t), c, policy())
	first := rotate(t, k)
	c.Advance(time.Minute)
	if diff := cmp.Diff(first, rotate(t, k)); diff != "" {
		t.Errorf("the second time (-first +second):\n%s", diff)
	}
}

func TestALeakedKeyIsTakenBackAtOnceAndTheOneThatWaitedToo(t *testing.T) {
	c, st := newClock(), newStore(t)
	k := started(t, st, c, policy())
	leaked := signedBy(t, k, c)
	rotate(t, k)
	c.Advance(time.Minute)
	list, err := k.Replace(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := states(list)
	slices.Sort(got)
	if diff := cmp.Diff([]token.State{token.Over, token.Over, token.Signs}, got); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	if published := strings.Count(string(read(t, k).JWKS(c.Now())), `"kid"`); published != 1 {
		t.Errorf("%d keys are published, want the new one only", published)
	}
	if signedBy(t, k, c) == leaked {
		t.Error("the leaked one signs")
	}
	behind := read(t, k).JWKS(c.Now().Add(-dpop.Skew))
	if strings.Contains(string(behind), string(leaked)) {
		t.Error("a node whose clock is behind publishes the leaked one")
	}
}

func TestARotationSealsTheNewKey(t *testing.T) {
	for name, change := range map[string]func(*testing.T, *keyring.Keyring) ([]token.Status, error){
		"in peace":          func(t *testing.T, k *keyring.Keyring) ([]token.Status, error) { return k.Rotate(t.Context()) },
		"when a key leaked": func(t *testing.T, k *keyring.Keyring) ([]token.Status, error) { return k.Replace(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			c, st, p := newClock(), newStore(t), policy()
			p.Sealer = newSealer(t, "k")
			started(t, st, c, p)
			p.Algorithm = token.EdDSA
			list, err := change(t, keyring.New(st, p, c.Now))
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range list {
				if !k.Sealed {
					t.Errorf("key %s (%s) is not sealed", k.ID, k.State)
				}
			}
			if !slices.ContainsFunc(list, func(k token.Status) bool { return k.Algorithm == "EdDSA" }) {
				t.Errorf("got %+v, want a key for EdDSA", list)
			}
			read(t, keyring.New(st, p, c.Now))
		})
	}
}

func TestARotationIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		stored string // the key file of the first start; "": none, "-": there was no start
		with   string
		want   error
	}{
		"before the first start":               {"-", "", keyring.ErrNoKeys},
		"sealed keys without a file":           {"k", "", token.ErrSealed},
		"a file that the server does not know": {"", "k", keyring.ErrUnsealed},
		"sealed keys, and another file":        {"k", "x", token.ErrWrongSeal},
	} {
		t.Run(name, func(t *testing.T) {
			c, st := newClock(), newStore(t)
			sealed := func(letter string) keyring.Policy {
				p := policy()
				if letter != "" {
					p.Sealer = newSealer(t, letter)
				}
				return p
			}
			if tc.stored != "-" {
				started(t, st, c, sealed(tc.stored))
			}
			before := list(t, st)
			k := keyring.New(st, sealed(tc.with), c.Now)
			if got, err := k.Rotate(t.Context()); !errors.Is(err, tc.want) || got != nil {
				t.Errorf("got %v, %v; want %v", got, err, tc.want)
			}
			if got, err := k.Replace(t.Context()); !errors.Is(err, tc.want) || got != nil {
				t.Errorf("for a leaked key: got %v, %v; want %v", got, err, tc.want)
			}
			if diff := cmp.Diff(before, list(t, st)); diff != "" {
				t.Errorf("keys were changed:\n%s", diff)
			}
		})
	}
}
