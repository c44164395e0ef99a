package token_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/token"
)

const keyFile = "3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

func newSealer(t testing.TB, secret string) *token.Sealer {
	t.Helper()
	s, err := token.NewSealer([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func seal(t testing.TB, s *token.Sealer, k auth.Key) auth.Key {
	t.Helper()
	sealed, err := s.Seal(k)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestASealedKeyOpens(t *testing.T) {
	s := newSealer(t, keyFile)
	for _, k := range []auth.Key{newKey(t, token.ES256), newKey(t, token.RS256), newDeriving(t)} {
		sealed := seal(t, s, k)
		if !sealed.Sealed || bytes.Contains(sealed.Material, k.Material) || k.Sealed {
			t.Errorf("%s %s is not sealed, or its original is", k.Use, k.Algorithm)
		}
		if diff := cmp.Diff(sealed, seal(t, s, sealed)); diff != "" {
			t.Errorf("sealed twice: (-once +twice)\n%s", diff)
		}
		got, err := newSealer(t, "\n "+keyFile+" \r\n").Open(sealed)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(k, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

func TestTheTimesOfASealedKeyMayChange(t *testing.T) {
	s, k := newSealer(t, keyFile), newKey(t, token.ES256)
	sealed := seal(t, s, k)
	sealed.ExpiresAt = start.Add(token.PublishLead)
	if _, err := s.Open(sealed); err != nil {
		t.Error(err)
	}
}

func TestTwoSealsOfOneKeyDiffer(t *testing.T) {
	s, k := newSealer(t, keyFile), newDeriving(t)
	if bytes.Equal(seal(t, s, k).Material, seal(t, s, k).Material) {
		t.Error("a nonce was used twice")
	}
}

func TestSealsThatDoNotOpen(t *testing.T) {
	s, k, other := newSealer(t, keyFile), newKey(t, token.ES256), newKey(t, token.ES256)
	change := func(change func(*auth.Key)) auth.Key {
		sealed := seal(t, s, k)
		change(&sealed)
		return sealed
	}
	for name, tc := range map[string]struct {
		with *token.Sealer
		key  auth.Key
		want error
	}{
		"another key file": {newSealer(t, strings.Repeat("another.", 4)), seal(t, s, k), token.ErrWrongSeal},
		"no key file":      {nil, seal(t, s, k), token.ErrSealed},
		"one bit is other": {s, change(func(k *auth.Key) { k.Material[len(k.Material)/2] ^= 1 }), token.ErrWrongSeal},
		"cut short":        {s, change(func(k *auth.Key) { k.Material = k.Material[:20] }), token.ErrWrongSeal},
		"nothing":          {s, change(func(k *auth.Key) { k.Material = nil }), token.ErrWrongSeal},
		"another key's ID": {s, change(func(k *auth.Key) { k.ID = other.ID }), token.ErrWrongSeal},
		"another use":      {s, change(func(k *auth.Key) { k.Use = auth.KeyDerives }), token.ErrWrongSeal},
		"another algorithm": {
			s, change(func(k *auth.Key) { k.Algorithm = string(token.RS256) }), token.ErrWrongSeal,
		},
		"the parts of its name moved": {
			s, change(func(k *auth.Key) { k.ID, k.Use = k.ID+"s", "ig" }), token.ErrWrongSeal,
		},
		"said to be sealed": {s, change(func(sealed *auth.Key) { sealed.Material = k.Material }), token.ErrWrongSeal},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tc.with.Open(tc.key)
			if !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			if got.Material != nil {
				t.Error("the key came with the error")
			}
			if !strings.Contains(err.Error(), "set key_file to the file that") {
				t.Errorf("the error does not say what to do: %v", err)
			}
			if _, err := token.NewRing([]auth.Key{newDeriving(t), tc.key}, tc.with); tc.key.Use == auth.KeySigns && !errors.Is(err, tc.want) {
				t.Errorf("as a ring: got %v, want %v", err, tc.want)
			}
		})
	}
}

func TestNoKeyFileSealsNothing(t *testing.T) {
	var none *token.Sealer
	k := newKey(t, token.ES256)
	if diff := cmp.Diff(k, seal(t, none, k)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	got, err := none.Open(k)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(k, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAnEmptyKeyIsNotSealed(t *testing.T) {
	if k, err := newSealer(t, keyFile).Seal(auth.Key{ID: "x", Use: auth.KeySigns}); err == nil {
		t.Errorf("got %+v, want an error", k)
	}
}

func TestAKeyFileThatIsTooShort(t *testing.T) {
	for name, secret := range map[string]string{
		"empty":              "",
		"31 bytes":           strings.Repeat("x", 31),
		"mostly white space": "hunter2" + strings.Repeat(" \n", 40),
	} {
		s, err := token.NewSealer([]byte(secret))
		if err == nil || s != nil {
			t.Errorf("%s: it passed", name)
			continue
		}
		if !strings.Contains(err.Error(), "set key_file") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error says not what to do, or too much: %v", name, err)
		}
	}
}

func TestARingReadsSealedKeys(t *testing.T) {
	s, k := newSealer(t, keyFile), newKey(t, token.ES256)
	sealed, err := token.NewRing([]auth.Key{seal(t, s, newDeriving(t)), seal(t, s, k)}, s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newRing(t, k).OpenAccess(start, signAccess(t, sealed, accessClaims()), issuer); err != nil {
		t.Error(err)
	}
}

// A key that is not sealed was written by somebody who has no key file, once there
// are sealed ones.
func TestAKeyThatWasPutBesideSealedOnesIsRefused(t *testing.T) {
	s := newSealer(t, keyFile)
	sealed, planted := []auth.Key{seal(t, s, newDeriving(t)), seal(t, s, newKey(t, token.ES256))}, newKey(t, token.ES256)
	ended := newKey(t, token.EdDSA)
	ended.CreatedAt, ended.ExpiresAt = start.Add(-2*time.Hour), start.Add(-time.Hour)
	for name, keys := range map[string][]auth.Key{
		"one that signs":         append(sealed[:2:2], planted),
		"one that comes first":   append([]auth.Key{planted}, sealed...),
		"one to derive from":     append(sealed[:2:2], newDeriving(t)),
		"one that is over":       append(sealed[:2:2], ended),
		"one of another use":     append(sealed[:2:2], auth.Key{ID: "x", Use: "of a later version", Material: []byte("x")}),
		"beside the deriving":    append(sealed[:1:1], planted),
		"instead of the first":   append([]auth.Key{newDeriving(t)}, sealed[1:]...),
		"two, and one is sealed": {planted, sealed[0], newDeriving(t)},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := token.NewRing(keys, s)
			if !errors.Is(err, token.ErrPlanted) || r != nil {
				t.Fatalf("got %v, %v; want %v", r, err, token.ErrPlanted)
			}
			if !strings.Contains(err.Error(), "restore a backup or delete this key") {
				t.Errorf("the error does not say what to do: %v", err)
			}
		})
	}
	if _, err := token.NewRing(append(sealed[:2:2], planted), nil); !errors.Is(err, token.ErrSealed) {
		t.Errorf("without a key file: got %v, want %v", err, token.ErrSealed)
	}
	if _, err := token.NewRing([]auth.Key{planted, newDeriving(t)}, s); err != nil {
		t.Errorf("where none is sealed yet: %v", err)
	}
}

func TestSealersAndRingsRedactThemselves(t *testing.T) {
	deriving := newDeriving(t)
	deriving.Material = bytes.Repeat([]byte("S"), 32)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
		got := fmt.Sprintf(verb+" "+verb, newSealer(t, keyFile), newRing(t, deriving))
		if got != "[sealer] [key ring]" {
			t.Errorf("%s: got %s", verb, got)
		}
	}
}
