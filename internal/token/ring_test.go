package token_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/token"
)

// succession is three keys: old signs until next does at one hour, and last waits.
func succession(t testing.TB) (old, next, last auth.Key) {
	old, next, last = newKey(t, token.ES256), newKey(t, token.EdDSA), newKey(t, token.ES256)
	next.CreatedAt, next.SignsFrom = start.Add(50*time.Minute), start.Add(time.Hour)
	old.ExpiresAt = start.Add(2 * time.Hour)
	last.CreatedAt, last.SignsFrom = start.Add(80*time.Minute), start.Add(90*time.Minute)
	next.ExpiresAt = start.Add(150 * time.Minute)
	return old, next, last
}

func TestTheLastKeyToTakeOverSigns(t *testing.T) {
	old, next, last := succession(t)
	r := newRing(t, last, newDeriving(t), old, next)
	for at, want := range map[time.Duration]auth.Key{
		0:                           old,
		time.Hour - time.Nanosecond: old,
		time.Hour:                   next,
		89 * time.Minute:            next,
		90 * time.Minute:            last,
		1000 * time.Hour:            last,
	} {
		tok, err := r.SignAccess(start.Add(at), accessClaims())
		if err != nil {
			t.Fatalf("after %s: %v", at, err)
		}
		if got := headerOf(t, tok)["kid"]; got != string(want.ID) {
			t.Errorf("after %s: %v signs, want %s", at, got, want.ID)
		}
	}
	if tok, err := r.SignAccess(start.Add(-time.Nanosecond), accessClaims()); !errors.Is(err, token.ErrNoSigner) {
		t.Errorf("before the first: got %s, %v; want %v", tok, err, token.ErrNoSigner)
	}
}

// A key that was made long ago, to be at hand, may still be the last to sign.
func TestTheOldestKeyMayBeTheLastToTakeOver(t *testing.T) {
	ready, first := newKey(t, token.ES256), newKey(t, token.ES256)
	ready.CreatedAt, ready.SignsFrom = start.Add(-time.Hour), start.Add(time.Hour)
	tok, err := newRing(t, ready, first).SignAccess(start.Add(time.Hour), accessClaims())
	if err != nil {
		t.Fatal(err)
	}
	if got := kidOf(t, tok); got != string(ready.ID) {
		t.Errorf("%s signs, want %s", got, ready.ID)
	}
}

func TestWhichKeysArePublished(t *testing.T) {
	old, next, last := succession(t)
	r := newRing(t, last, newDeriving(t), next, old)
	for name, tc := range map[string]struct {
		at         time.Duration
		want       []auth.Key
		algorithms []string
	}{
		"before all":                   {-time.Second, nil, nil},
		"the first":                    {0, []auth.Key{old}, []string{"ES256"}},
		"the next one, ahead":          {50 * time.Minute, []auth.Key{old, next}, []string{"ES256", "EdDSA"}},
		"the last one too":             {80 * time.Minute, []auth.Key{old, next, last}, []string{"ES256", "EdDSA"}},
		"the old one's tokens ended":   {2 * time.Hour, []auth.Key{next, last}, []string{"EdDSA", "ES256"}},
		"the next one's tokens, too":   {150 * time.Minute, []auth.Key{last}, []string{"ES256"}},
		"the last one, for a year now": {365 * 24 * time.Hour, []auth.Key{last}, []string{"ES256"}},
	} {
		t.Run(name, func(t *testing.T) {
			now := start.Add(tc.at)
			if diff := cmp.Diff(publishedIDs(t, newRing(t, tc.want...), last.SignsFrom), publishedIDs(t, r, now)); diff != "" {
				t.Errorf("keys (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tc.algorithms, r.Algorithms(now)); diff != "" {
				t.Errorf("algorithms (-want +got)\n%s", diff)
			}
		})
	}
}

// RFC 7518 section 6 names the members; those of the private halves are d, p, q,
// dp, dq, qi, oth and k.
func TestTheSetHasPublicHalvesOnly(t *testing.T) {
	want := map[string][]string{
		"ES256": {"alg", "crv", "kid", "kty", "use", "x", "y"},
		"EdDSA": {"alg", "crv", "kid", "kty", "use", "x"},
		"RS256": {"alg", "e", "kid", "kty", "n", "use"},
	}
	keys := []auth.Key{newDeriving(t)}
	for _, alg := range algorithms() {
		keys = append(keys, newKey(t, alg))
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(newRing(t, keys...).JWKS(start), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 3 {
		t.Fatalf("%d keys, want 3", len(set.Keys))
	}
	for _, k := range set.Keys {
		for _, name := range want[k["alg"]] {
			if k[name] == "" {
				t.Errorf("%s has no %s", k["alg"], name)
			}
		}
		if len(k) != len(want[k["alg"]]) || k["use"] != "sig" {
			t.Errorf("got %v, want only %v", k, want[k["alg"]])
		}
	}
}

func TestARingOfNoKeys(t *testing.T) {
	r := newRing(t)
	if got := string(r.JWKS(start)); got != `{"keys":[]}` {
		t.Errorf("the set is %s, want an empty one", got)
	}
	if _, err := r.SignAccess(start, accessClaims()); !errors.Is(err, token.ErrNoSigner) {
		t.Errorf("got %v, want %v", err, token.ErrNoSigner)
	}
	defer func() {
		if recover() == nil {
			t.Error("something was derived from nothing")
		}
	}()
	r.Derive("x")
}

func TestKeysOfOtherUsesAreLeftOut(t *testing.T) {
	r := newRing(t, auth.Key{ID: "x", Use: "of a later version", Material: []byte("x")}, newKey(t, token.ES256))
	if got := publishedIDs(t, r, start); len(got) != 1 {
		t.Errorf("published: %v, want one", got)
	}
}

func TestDerive(t *testing.T) {
	first, second := newDeriving(t), newDeriving(t)
	second.CreatedAt = start.Add(time.Second)
	r := newRing(t, first)
	got := r.Derive("nonces")
	if len(got) != 32 || bytes.Equal(got, first.Material) || bytes.Equal(got, make([]byte, 32)) {
		t.Errorf("got %x", got)
	}
	if !bytes.Equal(got, newRing(t, newKey(t, token.ES256), second, first).Derive("nonces")) {
		t.Error("another node, or a second key, derives something else")
	}
	if bytes.Equal(got, r.Derive("subjects")) {
		t.Error("two labels give the same")
	}
	if bytes.Equal(got, newRing(t, second).Derive("nonces")) {
		t.Error("two keys give the same")
	}
}

// The answer was computed with the HKDF of another implementation (RFC 5869).
func TestDeriveStaysTheSameOverVersions(t *testing.T) {
	k := newDeriving(t)
	k.Material = bytes.Repeat([]byte{7}, 32)
	const want = "28e931f88f9de669db8b9ae9926ad8fc9d44850a3369bb5ae8b749b7fd8c1681"
	if got := hex.EncodeToString(newRing(t, k).Derive("x")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestManyGoroutinesShareARing(t *testing.T) {
	r := newRing(t, newKey(t, token.ES256))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				tok, err := r.SignAccess(start, accessClaims())
				if err == nil {
					_, err = r.OpenAccess(start, tok, issuer)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
