package server

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

func prefixes(list ...string) (out []netip.Prefix) {
	for _, p := range list {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func TestForwardedHeadersCountOnlyFromTrustedProxies(t *testing.T) {
	const direct, proxy, refused = "203.0.113.9:4711", "10.0.0.1:4711", "refused"
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
		"no address at all":                        {proxy, headers{"X-Forwarded-For": {"localhost"}}, refused},
		"nothing between commas":                   {proxy, headers{"X-Forwarded-For": {","}}, proxy},
		"no address behind one":                    {proxy, headers{"X-Forwarded-For": {"198.51.100.1, unknown"}}, refused},
		"nothing behind an address":                {proxy, headers{"X-Forwarded-For": {"198.51.100.1,"}}, refused},
		"no address beyond the second proxy":       {proxy, headers{"X-Forwarded-For": {"unknown, 10.0.0.2"}}, "10.0.0.2:0"},
		"the standard's header":                    {proxy, headers{"Forwarded": {"for=198.51.100.1;proto=https"}}, "198.51.100.1:0"},
		"the standard's header, quoted IPv6":       {proxy, headers{"Forwarded": {`proto=https;For="[2001:db8::1]:4711"`}}, "[2001:db8::1]:0"},
		"the standard's header, two hops":          {proxy, headers{"Forwarded": {"for=192.0.2.7, for=198.51.100.1, for=10.0.0.2"}}, "198.51.100.1:0"},
		"the standard's header, obfuscated":        {proxy, headers{"Forwarded": {"for=_hidden"}}, refused},
		"the standard's header without for":        {proxy, headers{"Forwarded": {"proto=https"}}, proxy},
		"the standard's header, with a forgery in quotes": {
			proxy, headers{"Forwarded": {`for=198.51.100.1;host="a,for=203.0.113.5"`}}, "198.51.100.1:0",
		},
		"the standard's header, with a forgery in quotes before it": {
			proxy, headers{"Forwarded": {`proto=http;host="a;for=203.0.113.5\";for=203.0.113.6";for=198.51.100.1`}}, "198.51.100.1:0",
		},
		"the standard's header, swallowed by a quote that has no end": {
			proxy, headers{"Forwarded": {`for="203.0.113.5, for=198.51.100.1`}}, refused,
		},
		"both headers agree": {proxy, headers{
			"X-Forwarded-For": {"198.51.100.1"}, "Forwarded": {"for=198.51.100.1"},
		}, "198.51.100.1:0"},
		"both headers agree, in forms of their own": {proxy, headers{
			"X-Forwarded-For": {"2001:db8::1"}, "Forwarded": {`proto=https;for="[2001:db8:0::1]:4711"`},
		}, "[2001:db8::1]:0"},
		"both headers agree but for what the client forged": {proxy, headers{
			"X-Forwarded-For": {"127.0.0.1, 198.51.100.1"}, "Forwarded": {"for=192.0.2.7, for=198.51.100.1"},
		}, "198.51.100.1:0"},
		"both headers agree, by two proxies": {proxy, headers{
			"X-Forwarded-For": {"198.51.100.1, 10.0.0.2"}, "Forwarded": {"for=198.51.100.1, for=10.0.0.2"},
		}, "198.51.100.1:0"},
		"the standard's header tells the scheme only": {proxy, headers{
			"X-Forwarded-For": {"198.51.100.1"}, "Forwarded": {"proto=https;host=login.example.com"},
		}, "198.51.100.1:0"},
		"an empty X-Forwarded-For beside the standard's": {proxy, headers{
			"X-Forwarded-For": {""}, "Forwarded": {"for=198.51.100.1"},
		}, "198.51.100.1:0"},
		"the client forged the header that the proxy does not mind": {proxy, headers{
			"X-Forwarded-For": {"198.51.100.1"}, "Forwarded": {"for=127.0.0.1"},
		}, refused},
		"the client forged the other one": {proxy, headers{
			"X-Forwarded-For": {"127.0.0.1"}, "Forwarded": {"for=198.51.100.1"},
		}, refused},
		"the client hides in the header that the proxy does not mind": {proxy, headers{
			"X-Forwarded-For": {"198.51.100.1"}, "Forwarded": {"for=_hidden"},
		}, refused},
		"a client whose address is trusted forged a hop before its own": {proxy, headers{
			"X-Forwarded-For": {"198.51.100.1, 10.0.0.7"}, "Forwarded": {"for=10.0.0.7"},
		}, refused},
		"a stranger's headers contradict each other": {direct, headers{
			"X-Forwarded-For": {"198.51.100.1"}, "Forwarded": {"for=127.0.0.1"},
		}, direct},
		"a proxy by IPv4 in IPv6 form": {"[::ffff:10.0.0.1]:1", headers{"X-Forwarded-For": {"198.51.100.1"}}, "198.51.100.1:0"},
		"a peer that is no address":    {"@", headers{"X-Forwarded-For": {"198.51.100.1"}}, "@"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := resolved(newProxies(prefixes("10.0.0.0/24"), slog.New(slog.DiscardHandler), time.Now), tc.peer, http.Header(tc.headers)); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// resolved is the RemoteAddr that next gets to see, or "refused".
func resolved(p *proxies, peer string, h http.Header) (got string) {
	tell := func(what func(*http.Request) string) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = what(r) })
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr, r.Header = peer, h
	p.resolve(
		tell(func(r *http.Request) string { return r.RemoteAddr }),
		tell(func(*http.Request) string { return "refused" }),
	).ServeHTTP(httptest.NewRecorder(), r)
	return got
}

func TestWithoutTrustedProxiesHeadersAreIgnored(t *testing.T) {
	for name, h := range map[string]http.Header{
		"one":                 {"X-Forwarded-For": {"198.51.100.1"}},
		"a contradiction":     {"X-Forwarded-For": {"198.51.100.1"}, "Forwarded": {"for=192.0.2.7"}},
		"what cannot be read": {"Forwarded": {"for=_hidden"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProxies(nil, slog.New(slog.DiscardHandler), time.Now)
			if got := resolved(p, "127.0.0.1:1", h); got != "127.0.0.1:1" {
				t.Errorf("got %s, want the direct peer", got)
			}
		})
	}
}

func TestHeadersThatContradictEachOtherAreRefusedBeforeAnyFace(t *testing.T) {
	c := demoConfig(t)
	c.TrustedProxies = prefixes("127.0.0.1/32")
	s := run(t, c, nil)
	client := newClient(t, nil)
	for _, path := range []string{"/", wire.PathDevice, wire.PathToken, wire.PathPush, wire.PathHealth, wire.WellKnownMetadata} {
		status, header, body := send(t, client, s.Issuer()+path, http.Header{
			"X-Forwarded-For": {"198.51.100.1"}, "Forwarded": {"for=192.0.2.7"},
		})
		if status != http.StatusBadRequest || !strings.HasPrefix(header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: got %d of type %s, want 400 in plain text", path, status, header.Get("Content-Type"))
		}
		for _, want := range []string{"must remove what the client sends of both", "docs/operating.md"} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: no %q in: %s", path, want, body)
			}
		}
		if strings.Contains(body, "198.51.100.1") || strings.Contains(body, "192.0.2.7") {
			t.Errorf("%s: the answer repeats an address: %s", path, body)
		}
		if header.Get("X-Request-Id") == "" || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: it lacks what every answer has: %v", path, header)
		}
	}
	if status, _, _ := send(t, client, s.Issuer()+wire.PathHealth, http.Header{"X-Forwarded-For": {"198.51.100.1"}}); status != http.StatusOK {
		t.Errorf("one header alone: got %d, want 200", status)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(s.log.String(), "does not tell who asked"); n != 1 {
		t.Errorf("got %d warnings within a minute, want 1:\n%s", n, s.log)
	}
	if !strings.Contains(s.log.String(), "status=400") {
		t.Errorf("the requests are not in the log:\n%s", s.log)
	}
}

// send asks with these headers.
func send(t *testing.T, c *http.Client, url string, h http.Header) (status int, header http.Header, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = h
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, b.String()
}

// watch is a time that a test sets.
type watch struct{ time.Time }

func (c *watch) now() time.Time { return c.Time }

func TestAProxyThatDoesNotTellIsWarnedOfOnceAMinute(t *testing.T) {
	var log bytes.Buffer
	c := &watch{time.Unix(1700000000, 0)}
	p := newProxies(prefixes("10.0.0.0/24"), slog.New(slog.NewTextHandler(&log, nil)), c.now)
	both := http.Header{"X-Forwarded-For": {"198.51.100.1"}, "Forwarded": {"for=192.0.2.7"}}
	for i, tc := range []struct {
		later  time.Duration
		header http.Header
		want   int // warnings so far
	}{
		{0, both, 1},
		{time.Second, both, 1},
		{58 * time.Second, http.Header{"Forwarded": {"for=_hidden"}}, 1},
		{time.Second, both, 2},
		{time.Hour, http.Header{"X-Forwarded-For": {"198.51.100.1"}}, 2},
		{0, http.Header{"Forwarded": {"for=_hidden"}}, 3},
	} {
		c.Time = c.Add(tc.later)
		resolved(p, "10.0.0.1:4711", tc.header)
		if got := strings.Count(log.String(), "level=WARN"); got != tc.want {
			t.Errorf("request %d: got %d warnings, want %d:\n%s", i, got, tc.want, &log)
		}
	}
	for _, want := range []string{"proxy=10.0.0.1", "remove the Forwarded and X-Forwarded-For that clients send", "contradict each other", "no address"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, &log)
		}
	}
}

func TestAForwardedHeaderFromNearbyHintsAtAProxyThatNobodyNamed(t *testing.T) {
	xff, std := http.Header{"X-Forwarded-For": {"198.51.100.1"}}, http.Header{"Forwarded": {"for=198.51.100.1"}}
	for name, tc := range map[string]struct {
		trusted []netip.Prefix
		peer    string
		header  http.Header
		want    int // warnings
	}{
		"from this machine":                         {nil, "127.0.0.1:1", xff, 1},
		"from this machine, by IPv6":                {nil, "[::1]:1", std, 1},
		"from a private network":                    {nil, "192.168.1.2:1", std, 1},
		"from a private network, in IPv6 form":      {nil, "[::ffff:10.0.0.1]:1", xff, 1},
		"from a private network of IPv6":            {nil, "[fd00::1]:1", xff, 1},
		"from another than the named one":           {prefixes("127.0.0.1/32"), "[::1]:1", xff, 1},
		"from the named one":                        {prefixes("127.0.0.1/32"), "127.0.0.1:1", xff, 0},
		"from far away":                             {nil, "203.0.113.9:1", xff, 0},
		"from far away, where a proxy is named":     {prefixes("127.0.0.1/32"), "203.0.113.9:1", std, 0},
		"no header":                                 {nil, "127.0.0.1:1", http.Header{}, 0},
		"no header, where a proxy is named":         {prefixes("127.0.0.1/32"), "10.0.0.1:1", http.Header{}, 0},
		"through a socket file, which has no place": {nil, "@", xff, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			p := newProxies(tc.trusted, slog.New(slog.NewTextHandler(&log, nil)), time.Now)
			resolved(p, tc.peer, tc.header)
			if got := strings.Count(log.String(), "trusted_proxies does not name"); got != tc.want {
				t.Errorf("got %d warnings, want %d:\n%s", got, tc.want, &log)
			}
		})
	}
}

func TestTheHintAtAProxyComesOnceAnHourAndChangesNothing(t *testing.T) {
	var log bytes.Buffer
	c := &watch{time.Unix(1700000000, 0)}
	p := newProxies(nil, slog.New(slog.NewTextHandler(&log, nil)), c.now)
	for i, tc := range []struct {
		later time.Duration
		want  int // warnings so far
	}{{0, 1}, {time.Minute, 1}, {59*time.Minute - 1, 1}, {1, 2}, {time.Second, 2}} {
		c.Time = c.Add(tc.later)
		peer := fmt.Sprintf("10.0.0.%d:4711", i)
		if got := resolved(p, peer, http.Header{"X-Forwarded-For": {"198.51.100.1"}}); got != peer {
			t.Errorf("request %d: it is taken to be from %s, want %s", i, got, peer)
		}
		if got := strings.Count(log.String(), "level=WARN"); got != tc.want {
			t.Errorf("request %d: got %d warnings, want %d:\n%s", i, got, tc.want, &log)
		}
	}
}
