package login_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/login"
)

func TestRedirects(t *testing.T) {
	const (
		loopback = "http://127.0.0.1/cb"
		six      = "http://[::1]/cb"
		local    = "http://localhost:8080/cb"
		query    = "http://127.0.0.1/q?a=b"
		bare     = "http://127.0.0.1"
		web      = "https://app.example/cb"
		secure   = "https://127.0.0.1/tls"
		scheme   = "com.example.app:/cb"
	)
	client := auth.Client{RedirectURIs: []string{loopback, six, local, query, bare, web, secure, scheme}}
	tests := []struct {
		uri  string
		want bool
	}{
		// To the letter.
		{loopback, true},
		{six, true},
		{local, true},
		{query, true},
		{bare, true},
		{web, true},
		{secure, true},
		{scheme, true},
		{"", false},
		{"/", false},
		{"/cb", false},
		{"http://127.0.0.1:65535/cb", true},
		{"http://127.0.0.1:0/cb", false},
		{"http://127.0.0.1:65536/cb", false},
		{web + "/", false},
		{web + "?", false},
		{web + "?a=b", false},
		{web + "#", false},
		{web + "#a", false},
		{web + "/../x", false},
		{web + "%2f", false},
		{" " + web, false},
		{web + " ", false},
		{web + "\n", false},
		{"https://app.example/CB", false},
		{"https://APP.example/cb", false},
		{"HTTPS://app.example/cb", false},
		{"http://app.example/cb", false},
		{"https://app.example:443/cb", false},
		{"https://app.example.evil.example/cb", false},
		{"https://app.example@evil.example/cb", false},
		{"https://evil.example/?https://app.example/cb", false},
		{"//app.example/cb", false},
		{"com.example.app:/cb2", false},
		{"com.example.app://cb", false},

		// The port of a loopback host is the app's to choose.
		{"http://127.0.0.1:1/cb", true},
		{"http://127.0.0.1:51004/cb", true},
		{"http://[::1]:51004/cb", true},
		{"http://localhost:51004/cb", true},
		{"http://localhost/cb", true},
		{"http://127.0.0.1:51004/q?a=b", true},
		{"http://127.0.0.1:51004", true},

		// And nothing but the port.
		{"http://127.0.0.1:/cb", false},
		{"http://127.0.0.1:51004/", false},
		{"http://127.0.0.1:51004/cb/", false},
		{"http://127.0.0.1:51004//cb", false},
		{"http://127.0.0.1:51004/CB", false},
		{"http://127.0.0.1:51004/cb?a=b", false},
		{"http://127.0.0.1:51004/cb#a", false},
		{"http://127.0.0.1:51004?/cb", false},
		{"http://127.0.0.1:51004/q?a=c", false},
		{"http://127.0.0.1:51004/q", false},
		{"http://127.0.0.1:51004/cb/../x", false},
		{"http://127.0.0.1:99999999/cb", false},
		{"http://127.0.0.1:-1/cb", false},
		{"http://127.0.0.1:+80/cb", false},
		{"http://127.0.0.1:0x50/cb", false},
		{"http://127.0.0.1:80:80/cb", false},
		{"http://127.0.0.1:８０/cb", false},
		{"http://127.0.0.1: 80/cb", false},
		{"http://127.0.0.1:80 /cb", false},
		{"http://127.0.0.1:80\t/cb", false},
		{"http://127.0.0.1.evil.example/cb", false},
		{"http://127.0.0.1.:80/cb", false},
		{"http://127.0.0.1:80@evil.example/cb", false},
		{"http://127.0.0.1@evil.example/cb", false},
		{"http://evil.example@127.0.0.1/cb", false},
		{"http://user@127.0.0.1:80/cb", false},
		{"http://127.0.0.1:80\\@evil.example/cb", false},
		{"http://127.0.0.1\\.evil.example/cb", false},
		{"http://127.0.0.1%00.evil.example/cb", false},
		{"http://127.0.0.1%2eevil.example/cb", false},
		{"http:///127.0.0.1/cb", false},
		{"http:127.0.0.1/cb", false},
		{"http://127.0.0.1#@evil.example/cb", false},
		{"http://127.0.0.2:80/cb", false},
		{"http://127.1/cb", false},
		{"http://2130706433/cb", false},
		{"http://0x7f.0.0.1/cb", false},
		{"http://0.0.0.0/cb", false},
		{"http://[::1].evil.example/cb", false},
		{"http://[::1]evil.example/cb", false},
		{"http://[::1%25lo]/cb", false},
		{"http://[0:0:0:0:0:0:0:1]/cb", false},
		{"http://[::ffff:127.0.0.1]/cb", false},
		{"http://[::]/cb", false},
		{"http://localhost.evil.example/cb", false},
		{"http://localhost.:80/cb", false},
		{"http://LOCALHOST:80/cb", false},
		{"http://localhostevil.example:80/cb", false},
		{"HTTP://127.0.0.1:80/cb", false},

		// One loopback host is not another, and TLS has no such rule.
		{"http://localhost:80/q?a=b", false},
		{"http://localhost", false},
		{"http://[::1]:80/q?a=b", false},
		{"http://[::1]", false},
		{"https://127.0.0.1:80/tls", false},
		{"http://127.0.0.1:80/tls", false},
		{"https://127.0.0.1/cb", false},
	}
	for _, tt := range tests {
		if got := login.Redirects(client, tt.uri); got != tt.want {
			t.Errorf("%q: got %t, want %t", tt.uri, got, tt.want)
		}
	}
	if login.Redirects(auth.Client{}, "") || login.Redirects(auth.Client{}, loopback) {
		t.Error("a client that has registered none has one")
	}
}

// FuzzRedirects: whatever is taken leads to the registered host.
func FuzzRedirects(f *testing.F) {
	client := auth.Client{RedirectURIs: []string{"http://127.0.0.1/cb", "http://[::1]:1/cb?x=y", "http://localhost", "https://app.example/cb"}}
	for _, seed := range append([]string{
		"http://127.0.0.1:80/cb", "http://127.0.0.1:80@evil/cb", "http://[::1]:80/cb?x=y", "http://localhost:1",
		"http://localhost:1#", "http://127.0.0.1:99999/cb",
	}, client.RedirectURIs...) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if !login.Redirects(client, uri) {
			return
		}
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatalf("%q was taken and is no URL: %v", uri, err)
		}
		for _, registered := range client.RedirectURIs {
			want, _ := url.Parse(registered)
			if u.Scheme == want.Scheme && u.Hostname() == want.Hostname() && u.User == nil &&
				u.EscapedPath() == want.EscapedPath() && u.RawQuery == want.RawQuery && u.Fragment == "" && !strings.Contains(uri, "#") {
				return
			}
		}
		t.Fatalf("%q was taken and leads to %s", uri, u.Host)
	})
}

func TestAResponseKeepsTheQueryOfTheRedirectURI(t *testing.T) {
	w := newWorld(t)
	for uri, want := range map[string]string{
		"https://app.example/cb":     "https://app.example/cb?error=e&iss=http%3A%2F%2Flocalhost%3A8080&state=s%26t%3D%23",
		"https://app.example/cb?a=b": "https://app.example/cb?a=b&error=e&iss=http%3A%2F%2Flocalhost%3A8080&state=s%26t%3D%23",
		"com.example.app:/cb":        "com.example.app:/cb?error=e&iss=http%3A%2F%2Flocalhost%3A8080&state=s%26t%3D%23",
	} {
		if got := w.Response(uri, url.Values{"error": {"e"}}, "s&t=#"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := w.Response("https://app.example/cb", url.Values{}, ""); strings.Contains(got, "state") {
		t.Errorf("got %s, want no state where the client sent none", got)
	}
}
