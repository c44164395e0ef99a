package desktop

import (
	"net/url"
	"testing"

	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestMetadataURL(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://login.example.com":       "https://login.example.com/.well-known/oauth-authorization-server",
		"https://login.example.com/":      "https://login.example.com/.well-known/oauth-authorization-server",
		"https://example.com/login":       "https://example.com/.well-known/oauth-authorization-server/login",
		"https://example.com/a/b/":        "https://example.com/.well-known/oauth-authorization-server/a/b",
		"http://localhost:8080":           "http://localhost:8080/.well-known/oauth-authorization-server",
		"https://example.com/caf%C3%A9/x": "https://example.com/.well-known/oauth-authorization-server/caf%C3%A9/x",
	} {
		u, err := parseIssuer(issuer)
		if err != nil {
			t.Fatal(err)
		}
		if got := metadataURL(u); got != want {
			t.Errorf("metadata of %s: got %s, want %s", issuer, got, want)
		}
	}
}

func TestPushURLIsBelievedOnTheServersOwnHostsOnly(t *testing.T) {
	meta := wire.Metadata{
		TokenEndpoint:               "https://login.example.com/token",
		DeviceAuthorizationEndpoint: "https://login.example.com/device_authorization",
		DevicePushEndpoint:          "wss://push.example.com/push",
	}
	cases := []struct{ name, uri, want string }{
		{"on the host of the endpoints", "wss://login.example.com/push?node=2", "wss://login.example.com/push?node=2"},
		{"on the host of the metadata's push endpoint", "wss://push.example.com/other", "wss://push.example.com/other"},
		{"spelled https", "https://login.example.com/push", "wss://login.example.com/push"},
		{"not named: the metadata's", "", "wss://push.example.com/push"},
		{"elsewhere", "wss://evil.example/push", ""},
		{"on another port", "wss://login.example.com:444/push", ""},
		{"in the clear", "ws://login.example.com/push", ""},
		{"relative", "/push", ""},
		{"another scheme", "ftp://login.example.com/push", ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			got := ""
			if u := pushURL(meta, tc.uri); u != nil {
				got = u.String()
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestSecure(t *testing.T) {
	for raw, want := range map[string]bool{
		"https://example.com": true, "wss://example.com": true,
		"http://127.0.0.1:1": true, "ws://app.localhost": true, "http://[::1]": true,
		"http://example.com": false, "ws://10.0.0.1": false, "http://localhost.example.com": false, "file:///x": false,
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := secure(u); got != want {
			t.Errorf("%s: got %v, want %v", raw, got, want)
		}
	}
}
