package dpop_test

import (
	"testing"

	"github.com/qrauthd/qrauthd/internal/dpop"
)

func TestAddressesAreComparedInTheirNormalForm(t *testing.T) {
	f := newForger(t)
	const here = "https://login.example/a/token"
	tests := []struct {
		name, server, htu string
		ok                bool
	}{
		{"the same", here, here, true},
		{"the scheme in another case", here, "HTTPS://login.example/a/token", true},
		{"the host in another case", here, "https://LOGIN.example/a/token", true},
		{"the path in another case", here, "https://login.example/a/Token", false},
		{"the default port", here, "https://login.example:443/a/token", true},
		{"an empty port", here, "https://login.example:/a/token", true},
		{"the default port of the other scheme", here, "https://login.example:80/a/token", false},
		{"another port", here, "https://login.example:8443/a/token", false},
		{"the server's own port", "https://login.example:8443/token", "https://login.example:8443/token", true},
		{"the other scheme", here, "http://login.example/a/token", false},
		{"the default port of http", "http://127.0.0.1/token", "http://127.0.0.1:80/token", true},
		{"an address of IPv6", "https://[2001:DB8::1]/token", "https://[2001:db8::1]:443/token", true},
		{"an address of IPv6 and a port", "https://[2001:db8::1]:444/token", "https://[2001:db8::1]/token", false},
		{"a query", here, here + "?x=1", true},
		{"a fragment", here, here + "#x", true},
		{"a query of the server's", here + "?x=1", here, true},
		{"no path", "https://login.example", "https://login.example/", true},
		{"a slash more", here, here + "/", false},
		{"two slashes", here, "https://login.example//a/token", false},
		{"an unreserved character encoded", here, "https://login.example/a/%74oken", true},
		{"a triplet in lower case", "https://login.example/a%2Fb", "https://login.example/a%2fb", true},
		{"a slash encoded", here, "https://login.example/a%2Ftoken", false},
		{"a question mark encoded", here, "https://login.example/a/token%3Fx=1", false},
		{"a percent sign encoded", here, "https://login.example/a/%2574oken", false},
		{"dot segments", here, "https://login.example/./x/../a/token", true},
		{"dot segments encoded", here, "https://login.example/x/%2E%2e/a/token", true},
		{"dot segments above the root", here, "https://login.example/../../a/token", true},
		{"dots at the end", "https://login.example/a/", "https://login.example/a/b/..", true},
		{"a dot at the end", "https://login.example/a/", "https://login.example/a/.", true},
		{"three dots", here, "https://login.example/.../a/token", false},
		{"a user", here, "https://user@login.example/a/token", false},
		{"a user and a password", here, "https://user:pass@login.example/a/token", false},
		{"another host that begins the same", here, "https://login.example@evil.example/a/token", false},
		{"a dot after the host", here, "https://login.example./a/token", false},
		{"a host that is not ASCII", here, "https://login.ex\u00e4mple/a/token", false},
		{"a host with an encoded character", here, "https://login%2eexample/a/token", false},
		{"no scheme", here, "//login.example/a/token", false},
		{"the path alone", here, "/a/token", false},
		{"no host", here, "https:///a/token", false},
		{"another scheme", here, "ftp://login.example/a/token", false},
		{"an opaque address", here, "https:login.example/a/token", false},
		{"a broken triplet", here, "https://login.example/a/token%zz", false},
		{"a space before it", here, " " + here, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			proof := f.proof(nil, members{"htu": tt.htu})
			_, err := dpop.Verify(now, []string{proof}, dpop.Expect{Method: "POST", URL: tt.server})
			if (err == nil) != tt.ok {
				t.Errorf("%s for %s: got %v, want ok %t", tt.htu, tt.server, err, tt.ok)
			}
		})
	}
}
