package admin_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

// block is a block that was made so long before noon.
func block(kind auth.BlockKind, value string, by auth.UserID, ago time.Duration) auth.Block {
	b := auth.Block{Kind: kind, Value: value, UserID: by, CreatedAt: noon.Add(-ago)}
	if kind == auth.BlockAddress {
		b.ExpiresAt = b.CreatedAt.Add(auth.BlockedAddress)
	}
	return b
}

func reported(t *testing.T, o admin.Operator) {
	t.Helper()
	people(t, o)
	update(t, o.Store, func(tx store.Tx) error {
		return errors.Join(
			tx.PutBlock(block(auth.BlockKey, "thumb", "u-ada", 3*time.Hour)),
			tx.PutBlock(block(auth.BlockKey, "thumb", "u-gone", 2*time.Hour)),
			tx.PutBlock(block(auth.BlockAddress, "192.0.2.7", "u-ada", time.Hour)),
			tx.PutBlock(block(auth.BlockAddress, "2001:db8:1:2::/64", "u-bob1", time.Minute)),
			tx.PutBlock(block(auth.BlockAddress, "192.0.2.8", "u-ada", 24*time.Hour)), // over
		)
	})
}

func TestBlocksAreThoseInForce(t *testing.T) {
	o := operator(t)
	reported(t, o)
	got, err := o.Blocks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []admin.Blocked{
		{Block: block(auth.BlockKey, "thumb", "u-ada", 3*time.Hour), UserName: "Ada"},
		{Block: block(auth.BlockKey, "thumb", "u-gone", 2*time.Hour)},
		{Block: block(auth.BlockAddress, "192.0.2.7", "u-ada", time.Hour), UserName: "Ada"},
		{Block: block(auth.BlockAddress, "2001:db8:1:2::/64", "u-bob1", time.Minute), UserName: "Bob"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Blocks (-want +got):\n%s", diff)
	}
}

func TestLiftBlock(t *testing.T) {
	for name, tc := range map[string]struct {
		kind   auth.BlockKind
		value  string
		lifted []auth.UserID
		events []auth.Personal
	}{
		"a key, for all who reported it": {
			auth.BlockKey, "thumb",
			[]auth.UserID{"u-ada", "u-gone"},
			[]auth.Personal{{UserID: "u-ada", UserName: "Ada", KeyThumbprint: "thumb"}, {UserID: "u-gone", KeyThumbprint: "thumb"}},
		},
		"an address": {
			auth.BlockAddress, "192.0.2.7",
			[]auth.UserID{"u-ada"},
			[]auth.Personal{{UserID: "u-ada", UserName: "Ada", DesktopOrigin: netip.MustParseAddr("192.0.2.7")}},
		},
		"an address of IPv4 in IPv6": {
			auth.BlockAddress, "::ffff:192.0.2.7",
			[]auth.UserID{"u-ada"},
			[]auth.Personal{{UserID: "u-ada", UserName: "Ada", DesktopOrigin: netip.MustParseAddr("192.0.2.7")}},
		},
		"a network of IPv6": {
			auth.BlockAddress, "2001:db8:1:2::/64",
			[]auth.UserID{"u-bob1"},
			[]auth.Personal{{UserID: "u-bob1", UserName: "Bob", DesktopOrigin: netip.MustParseAddr("2001:db8:1:2::")}},
		},
		"an address in it": {
			auth.BlockAddress, "2001:DB8:1:2::abcd",
			[]auth.UserID{"u-bob1"},
			[]auth.Personal{{UserID: "u-bob1", UserName: "Bob", DesktopOrigin: netip.MustParseAddr("2001:db8:1:2::")}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := operator(t)
			reported(t, o)
			before, seq := len(blocks(t, o)), newest(t, o)
			lifted, err := o.LiftBlock(t.Context(), tc.kind, tc.value)
			if err != nil {
				t.Fatal(err)
			}
			var of []auth.UserID
			for _, b := range lifted {
				of = append(of, b.UserID)
			}
			if diff := cmp.Diff(tc.lifted, of); diff != "" {
				t.Errorf("lifted (-want +got):\n%s", diff)
			}
			if got := before - len(blocks(t, o)); got != len(tc.lifted) {
				t.Errorf("%d blocks went, want %d", got, len(tc.lifted))
			}
			var want []auth.Event
			for _, p := range tc.events {
				want = append(want, auth.Event{Type: auth.EventBlockLifted, Actor: auth.ActorOperator, Note: "of " + string(tc.kind), Personal: p})
			}
			if diff := cmp.Diff(want, recorded(t, o, seq), compareAddr); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if _, err := o.LiftBlock(t.Context(), tc.kind, tc.value); !errors.Is(err, admin.ErrNoBlock) {
				t.Errorf("a second time: got %v, want ErrNoBlock", err)
			}
		})
	}
}

func blocks(t *testing.T, o admin.Operator) []admin.Blocked {
	t.Helper()
	list, err := o.Blocks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestLiftBlockRefuses(t *testing.T) {
	o := operator(t)
	reported(t, o)
	for name, tc := range map[string]struct {
		kind  auth.BlockKind
		value string
		err   error
		want  string
	}{
		"a key that is not blocked":     {auth.BlockKey, "other", admin.ErrNoBlock, "key other"},
		"no key":                        {auth.BlockKey, "", admin.ErrNoBlock, ""},
		"an address that is not":        {auth.BlockAddress, "192.0.2.9", admin.ErrNoBlock, "address 192.0.2.9"},
		"what is no address":            {auth.BlockAddress, "thumb", admin.ErrInvalid, `address "thumb" is not valid`},
		"a network of IPv4":             {auth.BlockAddress, "192.0.2.0/24", admin.ErrInvalid, "address 192.0.2.0/24 is not valid"},
		"another network of IPv6":       {auth.BlockAddress, "2001:db8::/32", admin.ErrInvalid, "address 2001:db8::/32 is not valid"},
		"a kind that there is not":      {"user", "u-ada", admin.ErrInvalid, `kind "user" is not valid: use key or address`},
		"a key where an address stands": {auth.BlockKey, "192.0.2.7", admin.ErrNoBlock, "key 192.0.2.7"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := o.LiftBlock(t.Context(), tc.kind, tc.value); !errors.Is(err, tc.err) || !strings.Contains(err.Error(), tc.want) || got != nil {
				t.Errorf("got %v, %v, want %v with %q", got, err, tc.err, tc.want)
			}
		})
	}
	if got := len(blocks(t, o)); got != 4 {
		t.Errorf("%d blocks are left, want all 4", got)
	}
}
