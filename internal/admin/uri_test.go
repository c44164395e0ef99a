package admin

import (
	"net/url"
	"strings"
	"testing"
)

func TestRedirectURIs(t *testing.T) {
	for uri, want := range map[string]string{ // a part of the fault; empty: none
		"https://app.example.com/callback":               "",
		"https://app.example.com":                        "",
		"https://app.example.com:8443/cb?tenant=1":       "",
		"https://192.0.2.1/cb":                           "",
		"https://localhost/cb":                           "",
		"https://app.example.com/a%20b":                  "",
		"http://127.0.0.1/cb":                            "",
		"http://127.0.0.1:51004/cb":                      "",
		"http://[::1]/cb":                                "",
		"http://[::1]:8080/cb":                           "",
		"http://localhost:3000/cb":                       "",
		"com.acme.app:/callback":                         "",
		"com.acme.app:/":                                 "",
		"com.acme.app://callback":                        "",
		"com.acme.app-2:/callback?x=1":                   "",
		"":                                               "empty",
		"callback":                                       "absolute",
		"/callback":                                      "absolute",
		"//app.example.com/cb":                           "absolute",
		"app.example.com/cb":                             "absolute",
		"https://app.example.com/cb#done":                "fragment",
		"https://app.example.com/cb#":                    "fragment",
		"https://ada@app.example.com/cb":                 "user name",
		"https://app.example.com@evil.example/":          "user name",
		"com.acme.app://ada@callback":                    "user name",
		"https://app.example.com/a b":                    "no URI may have",
		" https://app.example.com":                       "no URI may have",
		"https://app.example.com/\n":                     "no URI may have",
		"https://app.example.com/\x7f":                   "no URI may have",
		"https://app.example.com\\@evil.example":         "no URI may have",
		"https://app.example.com/<b>":                    "no URI may have",
		"https://äpp.example.com/cb":                     "no URI may have",
		"https://*.example.com/cb":                       "wildcards",
		"https://app.example.com/*":                      "wildcards",
		"http://app.example.com/cb":                      "use https",
		"http://127.0.0.2/cb":                            "use https",
		"http://127.0.0.1.evil.example/cb":               "use https",
		"http://localhost.evil.example/cb":               "use https",
		"http://[::1%25lo]/cb":                           "use https",
		"http://0.0.0.0/cb":                              "use https",
		"https://":                                       "no host",
		"https:///cb":                                    "no host",
		"https:cb":                                       "no host",
		"http:":                                          "use https",
		"https://app.example.com:/cb":                    "port",
		"https://app.example.com:0/cb":                   "port",
		"https://app.example.com:65536/cb":               "port",
		"http://[::1]:0/cb":                              "port",
		"https://app.example.com:web/cb":                 "not a URI",
		"https://app.example.com/%zz":                    "not a URI",
		"https://app.example.com/?a=%zz":                 "not a URI",
		"javascript:alert(1)":                            "a scheme of your own",
		"JavaScript:alert(1)":                            "a scheme of your own",
		"data:text/html,hello":                           "a scheme of your own",
		"file:///etc/passwd":                             "a scheme of your own",
		"about:blank":                                    "a scheme of your own",
		"blob:https://app.example.com/1":                 "a scheme of your own",
		"vbscript:x":                                     "a scheme of your own",
		"ftp://app.example.com/cb":                       "a scheme of your own",
		"ws://app.example.com/cb":                        "a scheme of your own",
		"acme:/callback":                                 "a scheme of your own",
		"urn:ietf:wg:oauth:2.0:oob":                      "a scheme of your own",
		"acme.:/callback":                                "a scheme of your own",
		"a..b:/callback":                                 "a scheme of your own",
		"com.acme.app:callback":                          "slash",
		"com.acme.app:":                                  "slash",
		"com.acme.app:?x=1":                              "slash",
		"https://a.example/" + strings.Repeat("a", 2048): "2048 bytes",
	} {
		got := redirectFault(uri)
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want a fault with %q", uri, got, want)
		}
	}
}

func TestResources(t *testing.T) {
	for uri, want := range map[string]string{
		"https://api.example.com":       "",
		"https://api.example.com/files": "",
		"http://intranet:8080/api":      "",
		"urn:example:files":             "",
		"com.acme.files:/":              "",
		"files":                         "absolute",
		"https://api.example.com#x":     "fragment",
		"https://ada@api.example.com":   "user name",
		"https://api.example.com/a b":   "no URI may have",
		"https://api.example.com/*":     "wildcards",
		"https:///files":                "no host",
		"urn:":                          "nothing follows",
		"":                              "empty",
	} {
		got := resourceFault(uri)
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want a fault with %q", uri, got, want)
		}
	}
}

func TestAFaultTellsNoPassword(t *testing.T) {
	err := checkURIs("redirect URI", []string{"https://ada:secret@a.example", "https://ada:secret@a b"}, redirectFault)
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v, want faults that do not have the password", err)
	}
}

func TestALongURIIsNotPrintedWhole(t *testing.T) {
	err := checkURIs("resource", []string{strings.Repeat("ä", 5000)}, resourceFault)
	if err == nil || len(err.Error()) > 300 {
		t.Errorf("got %v, want a short fault", err)
	}
}

func FuzzRedirectURI(f *testing.F) {
	for _, seed := range []string{
		"https://a.example/cb", "http://127.0.0.1:1/", "http://[::1]/", "com.acme.app:/cb", "javascript:x", "https://a@b/#c", "http://localhost",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if redirectFault(text) != "" {
			return
		}
		u, err := url.Parse(text)
		if err != nil {
			t.Fatalf("%q is accepted and is no URI: %v", text, err)
		}
		if strings.ContainsAny(text, " #*\\\r\n\t") || u.User != nil {
			t.Errorf("%q is accepted, with what must not be in it", text)
		}
		own := strings.Contains(u.Scheme, ".")
		if !own && u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
			t.Errorf("%q is accepted, with the scheme %s", text, u.Scheme)
		}
		if !own && u.Host == "" {
			t.Errorf("%q is accepted, without a host", text)
		}
	})
}
