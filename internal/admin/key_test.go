package admin_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/token"
)

func setClient(c auth.Client) func(store.Tx) error {
	return func(tx store.Tx) error { return tx.SetClient(c) }
}

// started gives the store the keys that a server makes at its first start.
func started(t *testing.T, o admin.Operator, s *token.Sealer) {
	t.Helper()
	changes, err := token.Plan(nil, noon, token.ES256, 0, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	update(t, o.Store, func(tx store.Tx) error {
		for _, k := range changes.Add {
			sealed, err := s.Seal(k)
			if err := errors.Join(err, tx.AddKey(sealed)); err != nil {
				return err
			}
		}
		return nil
	})
}

func sealer(t *testing.T, with string) *token.Sealer {
	t.Helper()
	s, err := token.NewSealer([]byte(strings.Repeat(with, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func plan() admin.RotateRequest {
	return admin.RotateRequest{Algorithm: token.ES256, TokenLife: 10 * time.Minute}
}

// states are those of the signing keys, in the order of their making.
func states(list []admin.KeyStatus) (got []admin.KeyState) {
	for _, k := range list {
		if k.State != admin.KeyDerives {
			got = append(got, k.State)
		}
	}
	return got
}

func TestKeysTellWhatEachDoes(t *testing.T) {
	o := operator(t)
	started(t, o, nil)
	if _, err := later(o, time.Hour).RotateKey(t.Context(), plan()); err != nil {
		t.Fatal(err)
	}
	over := time.Hour + token.PublishLead + 10*time.Minute + dpop.Skew
	for name, tc := range map[string]struct {
		after time.Duration
		want  []admin.KeyState
	}{
		"the next one waits":                      {time.Hour, []admin.KeyState{admin.KeySigns, admin.KeyWaits}},
		"until its time":                          {time.Hour + token.PublishLead - time.Second, []admin.KeyState{admin.KeySigns, admin.KeyWaits}},
		"then it signs":                           {time.Hour + token.PublishLead, []admin.KeyState{admin.KeyStays, admin.KeySigns}},
		"and the old one's tokens come to an end": {over - time.Second, []admin.KeyState{admin.KeyStays, admin.KeySigns}},
		"when nobody has a use for it":            {over, []admin.KeyState{admin.KeyOver, admin.KeySigns}},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := later(o, tc.after).Keys(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, states(list)); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}
			if len(list) != 3 {
				t.Errorf("got %d keys, want two that sign and one that derives", len(list))
			}
		})
	}
}

func TestRotateTwiceIsRotateOnce(t *testing.T) {
	o := operator(t)
	started(t, o, nil)
	first, err := o.RotateKey(t.Context(), plan())
	if err != nil {
		t.Fatal(err)
	}
	second, err := later(o, time.Minute).RotateKey(t.Context(), plan())
	if diff := cmp.Diff(first, second); err != nil || diff != "" {
		t.Errorf("%v; the second time (-first +second):\n%s", err, diff)
	}
}

func TestALeakedKeyIsTakenBackAtOnceAndTheOneThatWaitedToo(t *testing.T) {
	o := operator(t)
	started(t, o, nil)
	if _, err := o.RotateKey(t.Context(), plan()); err != nil {
		t.Fatal(err)
	}
	o = later(o, time.Minute)
	leaked := plan()
	leaked.Leaked = true
	list, err := o.RotateKey(t.Context(), leaked)
	if err != nil {
		t.Fatal(err)
	}
	got := states(list)
	slices.Sort(got)
	if diff := cmp.Diff([]admin.KeyState{admin.KeyOver, admin.KeyOver, admin.KeySigns}, got); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	ring := ringOf(t, o, nil)
	if published := strings.Count(string(ring.JWKS(noon.Add(time.Minute))), `"kid"`); published != 1 {
		t.Errorf("%d keys are published, want the new one only", published)
	}
	claims := token.AccessClaims{
		Issuer: "https://a.example", Subject: "u", ClientID: "c", ID: "j", SessionID: "s", Audience: []string{"a"},
		IssuedAt: noon, AuthTime: noon, ExpiresAt: noon.Add(time.Hour),
	}
	if _, err := ring.SignAccess(noon.Add(time.Minute), claims); err != nil {
		t.Errorf("nothing can be signed: %v", err)
	}
}

// ringOf reads the keys as a server does.
func ringOf(t *testing.T, o admin.Operator, s *token.Sealer) *token.Ring {
	t.Helper()
	var ring *token.Ring
	err := o.Store.View(t.Context(), func(tx store.Tx) error {
		keys, err := tx.Keys()
		if err != nil {
			return err
		}
		ring, err = token.NewRing(keys, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func TestRotateKeySealsTheNewOne(t *testing.T) {
	for name, change := range map[string]func(*admin.RotateRequest){
		"in peace":          func(*admin.RotateRequest) {},
		"when a key leaked": func(r *admin.RotateRequest) { r.Leaked = true },
	} {
		t.Run(name, func(t *testing.T) {
			o := operator(t)
			s := sealer(t, "k")
			started(t, o, s)
			r := plan()
			r.Sealer, r.Algorithm = s, token.EdDSA
			change(&r)
			list, err := o.RotateKey(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range list {
				if !k.Sealed {
					t.Errorf("key %s (%s) is not sealed", k.ID, k.State)
				}
			}
			if !slices.ContainsFunc(list, func(k admin.KeyStatus) bool { return k.Algorithm == "EdDSA" }) {
				t.Errorf("got %+v, want a key for EdDSA", list)
			}
			ringOf(t, o, s)
		})
	}
}

func TestRotateKeyRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		start func(*testing.T, admin.Operator)
		with  *token.Sealer
		want  error
	}{
		"before the first start":               {func(*testing.T, admin.Operator) {}, nil, admin.ErrNoKeys},
		"sealed keys without a file":           {func(t *testing.T, o admin.Operator) { started(t, o, sealer(t, "k")) }, nil, token.ErrSealed},
		"a file that the server does not know": {func(t *testing.T, o admin.Operator) { started(t, o, nil) }, sealer(t, "k"), admin.ErrUnsealed},
		"sealed keys, and another file":        {func(t *testing.T, o admin.Operator) { started(t, o, sealer(t, "k")) }, sealer(t, "x"), token.ErrWrongSeal},
	} {
		t.Run(name, func(t *testing.T) {
			o := operator(t)
			tc.start(t, o)
			before, err := o.Keys(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			r := plan()
			r.Sealer = tc.with
			if _, err := o.RotateKey(t.Context(), r); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			after, err := o.Keys(t.Context())
			if diff := cmp.Diff(before, after); err != nil || diff != "" {
				t.Errorf("keys were changed: %v\n%s", err, diff)
			}
		})
	}
}
