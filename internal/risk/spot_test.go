package risk_test

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/qrauthd/qrauthd/internal/risk"
)

// at is a spot of which only the address is known; "" is none.
func at(address string) risk.Spot {
	if address == "" {
		return risk.Spot{}
	}
	return risk.Spot{Address: netip.MustParseAddr(address)}
}

func TestCompare(t *testing.T) {
	tests := []struct {
		name string
		a, b string
		want risk.Distance
	}{
		{"one address", "192.0.2.7", "192.0.2.7", risk.Same},
		{"two of one /24", "192.0.2.7", "192.0.2.250", risk.Same},
		{"two of neighbouring /24s", "192.0.2.255", "192.0.3.0", risk.Other},
		{"an address that is written in IPv6", "::ffff:192.0.2.7", "192.0.2.9", risk.Same},
		{"both written so", "::ffff:192.0.2.7", "::ffff:192.0.2.9", risk.Same},
		{"both written so, of two networks", "::ffff:192.0.2.7", "::ffff:192.0.3.7", risk.Other},
		{"two of one /64", "2001:db8:1:2::7", "2001:db8:1:2:ffff::9", risk.Same},
		{"two of neighbouring /64s", "2001:db8:1:2::7", "2001:db8:1:3::7", risk.Other},
		{"IPv4 and IPv6", "192.0.2.7", "2001:db8:1:2::7", risk.Unknown},
		{"a zone does not make it another network", "fe80::1%eth0", "fe80::2%wlan0", risk.Same},
		{"a zone on one of them", "2001:db8:1:2::7%eth0", "2001:db8:1:2::9", risk.Same},
		{"this machine", "127.0.0.1", "127.0.0.1", risk.Same},
		{"this machine by two addresses", "127.0.0.1", "127.9.8.7", risk.Same},
		{"this machine by two protocols", "127.0.0.1", "::1", risk.Same},
		{"this machine, written in IPv6", "::ffff:127.0.0.1", "::1", risk.Same},
		{"this machine and another", "127.0.0.1", "192.0.2.7", risk.Other},
		{"this machine by IPv6, and another by IPv4", "::1", "192.0.2.7", risk.Unknown},
		{"a private network and the world", "192.168.1.7", "203.0.113.7", risk.Other},
		{"one private network", "10.1.2.3", "10.1.2.4", risk.Same},
		{"nothing is known of one", "192.0.2.7", "", risk.Unknown},
		{"nothing is known of the other", "", "2001:db8:1:2::7", risk.Unknown},
		{"nothing is known of this machine's peer", "127.0.0.1", "", risk.Unknown},
		{"nothing is known of either", "", "", risk.Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := risk.Compare(at(tt.a), at(tt.b)); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
			if got := risk.Compare(at(tt.b), at(tt.a)); got != tt.want {
				t.Errorf("the other way round: got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestNetworkOf(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7":               "192.0.2.0/24",
		"::ffff:192.0.2.7":        "192.0.2.0/24",
		"2001:db8:1:2:3:4:5:6":    "2001:db8:1:2::/64",
		"2001:db8:1:2:3::6%eth0":  "2001:db8:1:2::/64",
		"fe80::1%eth0":            "fe80::/64",
		"::1":                     "::/64",
		"":                        "",
		"255.255.255.255":         "255.255.255.0/24",
		"::ffff:255.255.255.255":  "255.255.255.0/24",
		"ffff:ffff:ffff:ffff::42": "ffff:ffff:ffff:ffff::/64",
	} {
		if got := risk.NetworkOf(at(address).Address); got != want {
			t.Errorf("%q: got %q, want %q", address, got, want)
		}
	}
}

func addresses() *rapid.Generator[netip.Addr] {
	return rapid.Custom(func(t *rapid.T) netip.Addr {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return netip.Addr{}
		case 1:
			return netip.AddrFrom4([4]byte{192, 0, byte(rapid.IntRange(2, 3).Draw(t, "net")), byte(rapid.IntRange(0, 255).Draw(t, "host"))})
		case 2:
			return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 7: byte(rapid.IntRange(0, 1).Draw(t, "net")), 15: byte(rapid.IntRange(0, 255).Draw(t, "host"))})
		}
		return netip.MustParseAddr(rapid.SampledFrom([]string{"127.0.0.1", "::1", "::ffff:192.0.2.1", "fe80::1%eth0", "10.0.0.1"}).Draw(t, "special"))
	})
}

func TestTheSameNetworkHasTheSameName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := risk.Spot{Address: addresses().Draw(t, "a")}, risk.Spot{Address: addresses().Draw(t, "b")}
		got := risk.Compare(a, b)
		if back := risk.Compare(b, a); got != back {
			t.Fatalf("%s to %s: %d one way and %d the other", a.Address, b.Address, got, back)
		}
		named := risk.NetworkOf(a.Address) != "" && risk.NetworkOf(a.Address) == risk.NetworkOf(b.Address)
		if named && got != risk.Same {
			t.Fatalf("%s and %s are both of %s: got %d, want %d", a.Address, b.Address, risk.NetworkOf(a.Address), got, risk.Same)
		}
		if loopback := a.Address.Unmap().IsLoopback() && b.Address.Unmap().IsLoopback(); got == risk.Same && !named && !loopback {
			t.Fatalf("%s and %s: got %d for two networks", a.Address, b.Address, got)
		}
	})
}
