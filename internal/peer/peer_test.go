package peer_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/qrauthd/qrauthd/internal/peer"
)

func TestAddress(t *testing.T) {
	known := netip.MustParseAddr("192.0.2.7")
	for remote, want := range map[string]netip.Addr{
		"192.0.2.7:4711":          known,
		"[::ffff:192.0.2.7]:4711": known,
		"[2001:db8::1]:4711":      netip.MustParseAddr("2001:db8::1"),
		"":                        {}, // the forwarded headers contradict each other
		"@":                       {}, // a socket file's
	} {
		if got := peer.Address(&http.Request{RemoteAddr: remote}); got != want {
			t.Errorf("%q: got %s, want %s", remote, got, want)
		}
	}
}
