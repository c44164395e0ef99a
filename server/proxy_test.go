package server

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func prefixes(list ...string) (out []netip.Prefix) {
	for _, p := range list {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func TestForwardedHeadersCountOnlyFromTrustedProxies(t *testing.T) {
	const direct, proxy = "203.0.113.9:4711", "10.0.0.1:4711"
	type headers map[string][]string
	for name, tc := range map[string]struct {
		peer    string
		headers headers
		want    string
	}{
		"no proxy, no header":                      {direct, nil, direct},
		"a stranger forges X-Forwarded-For":        {direct, headers{"X-Forwarded-For": {"198.51.100.1"}}, direct},
		"a stranger forges Forwarded":              {direct, headers{"Forwarded": {"for=198.51.100.1"}}, direct},
		"a proxy without headers":                  {proxy, nil, proxy},
		"a proxy tells the client":                 {proxy, headers{"X-Forwarded-For": {"198.51.100.1"}}, "198.51.100.1:0"},
		"the client forged what stands left of it": {proxy, headers{"X-Forwarded-For": {"127.0.0.1, 198.51.100.1"}}, "198.51.100.1:0"},
		"the client forged a line of its own":      {proxy, headers{"X-Forwarded-For": {"127.0.0.1", "198.51.100.1"}}, "198.51.100.1:0"},
		"two proxies in a row":                     {proxy, headers{"X-Forwarded-For": {"198.51.100.1, 10.0.0.2"}}, "198.51.100.1:0"},
		"two proxies, and a forgery before":        {proxy, headers{"X-Forwarded-For": {"192.0.2.7, 198.51.100.1, 10.0.0.2"}}, "198.51.100.1:0"},
		"a proxy is the client":                    {proxy, headers{"X-Forwarded-For": {"10.0.0.3, 10.0.0.2"}}, "10.0.0.3:0"},
		"an address with a port":                   {proxy, headers{"X-Forwarded-For": {"198.51.100.1:8080"}}, "198.51.100.1:0"},
		"an IPv6 address":                          {proxy, headers{"X-Forwarded-For": {"2001:db8::1"}}, "[2001:db8::1]:0"},
		"an IPv6 address in brackets, with a port": {proxy, headers{"X-Forwarded-For": {"[2001:db8::1]:80"}}, "[2001:db8::1]:0"},
		"an IPv4 address in IPv6 form":             {proxy, headers{"X-Forwarded-For": {"::ffff:198.51.100.1"}}, "198.51.100.1:0"},
		"no address at all":                        {proxy, headers{"X-Forwarded-For": {"localhost"}}, proxy},
		"nothing between commas":                   {proxy, headers{"X-Forwarded-For": {","}}, proxy},
		"no address beyond the second proxy":       {proxy, headers{"X-Forwarded-For": {"unknown, 10.0.0.2"}}, "10.0.0.2:0"},
		"the standard's header":                    {proxy, headers{"Forwarded": {"for=198.51.100.1;proto=https"}}, "198.51.100.1:0"},
		"the standard's header, quoted IPv6":       {proxy, headers{"Forwarded": {`proto=https;For="[2001:db8::1]:4711"`}}, "[2001:db8::1]:0"},
		"the standard's header, two hops":          {proxy, headers{"Forwarded": {"for=192.0.2.7, for=198.51.100.1, for=10.0.0.2"}}, "198.51.100.1:0"},
		"the standard's header, obfuscated":        {proxy, headers{"Forwarded": {"for=_hidden"}}, proxy},
		"the standard's header without for":        {proxy, headers{"Forwarded": {"proto=https"}}, proxy},
		"both headers agree": {proxy, headers{
			"X-Forwarded-For": {"198.51.100.1"}, "Forwarded": {"for=198.51.100.1"},
		}, "198.51.100.1:0"},
		"the client forged the header that the proxy does not mind": {proxy, headers{
			"X-Forwarded-For": {"198.51.100.1"}, "Forwarded": {"for=127.0.0.1"},
		}, ""}, // nobody knows; it is not the proxy that asked
		"a proxy by IPv4 in IPv6 form": {"[::ffff:10.0.0.1]:1", headers{"X-Forwarded-For": {"198.51.100.1"}}, "198.51.100.1:0"},
		"a peer that is no address":    {"@", headers{"X-Forwarded-For": {"198.51.100.1"}}, "@"},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			h := trustProxies(prefixes("10.0.0.0/24"), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				got = r.RemoteAddr
			}))
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = tc.peer
			r.Header = http.Header(tc.headers)
			h.ServeHTTP(httptest.NewRecorder(), r)
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestWithoutTrustedProxiesHeadersAreIgnored(t *testing.T) {
	var got string
	h := trustProxies(nil, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("X-Forwarded-For", "198.51.100.1")
	h.ServeHTTP(httptest.NewRecorder(), r)
	if got != "127.0.0.1:1" {
		t.Errorf("got %s, want the direct peer", got)
	}
}
