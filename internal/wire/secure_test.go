package wire_test

import (
	"net/url"
	"testing"

	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestWhereSecretsMayTravel(t *testing.T) {
	for name, tc := range map[string]struct {
		url  string
		want bool
	}{
		"go over TLS":                                 {"https://login.example.com", true},
		"go over TLS, by WebSocket":                   {"wss://login.example.com/push", true},
		"go to this computer":                         {"http://localhost:8080", true},
		"go to it by a name in another case":          {"http://LocalHost:8080", true},
		"go to a name of it":                          {"http://app.localhost", true},
		"go to its address":                           {"http://127.0.0.1:1", true},
		"go to another address of it":                 {"http://127.8.9.10", true},
		"go to its address of IPv6":                   {"http://[::1]", true},
		"go to it by WebSocket":                       {"ws://localhost:8080/push", true},
		"do not go over the network":                  {"http://login.example.com", false},
		"do not go over it by WebSocket":              {"ws://10.0.0.1", false},
		"do not go to a private address":              {"http://192.168.1.2", false},
		"do not go to all addresses":                  {"http://0.0.0.0", false},
		"do not go to a name that begins the same":    {"http://localhost.example.com", false},
		"do not go to a name that ends the same":      {"http://notlocalhost", false},
		"do not go to an address in a name":           {"http://127.0.0.1.example.com", false},
		"do not go to an address in a user":           {"http://127.0.0.1@example.com", false},
		"do not go to an address in another spelling": {"http://0x7f.1", false},
		"do not go to an address with a zone":         {"http://[::1%25eth0]", false},
		"do not go to a file":                         {"file:///x", false},
		"do not go to no host":                        {"https://", false},
		"do not go to a port of nowhere":              {"https://:443", false},
		"do not go without a scheme":                  {"//localhost", false},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := url.Parse(tc.url)
			if err != nil {
				t.Fatal(err)
			}
			if got := wire.Secure(u); got != tc.want {
				t.Errorf("%s: got %t, want %t", tc.url, got, tc.want)
			}
		})
	}
}
