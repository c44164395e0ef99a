package e2e

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// answer is what the server said to a request, as it came.
type answer struct {
	method, path string // of the request
	status       int
	header       http.Header
	body         string
}

// fault is the error in a JSON answer; "" when there is none.
func (a answer) fault() string {
	var e struct{ Error string }
	_ = json.Unmarshal([]byte(a.body), &e)
	return e.Error
}

// into decodes a JSON answer.
func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("%s %s: %d %q: %v", a.method, a.path, a.status, a.body, err)
	}
}

// want fails the test unless the answer has the status and, where one is named, the error.
func (a answer) want(t *testing.T, what string, status int, fault string) {
	t.Helper()
	if a.status != status || fault != "" && a.fault() != fault {
		t.Errorf("%s: %s %s got %d %.300s, want %d %s", what, a.method, a.path, a.status, a.body, status, fault)
	}
}

// says reports whether a person reads the text on the page.
func (a answer) says(text string) bool {
	plain := strings.NewReplacer("\u2019", "'", "\u2068", "", "\u2069", "").Replace(html.UnescapeString(a.body))
	return strings.Contains(plain, text)
}

// caller speaks HTTP to the server by hand.
type caller struct {
	t      *testing.T
	issuer string
	http   *http.Client
	forge  http.Header // goes with every request
}

// newCaller takes the way to the server that there is, or the one that is given.
// It follows no redirects.
func newCaller(t *testing.T, issuer string, way ...http.RoundTripper) caller {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{
		Jar: jar, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if len(way) > 0 {
		client.Transport = way[0]
	} else {
		own := http.DefaultTransport.(*http.Transport).Clone()
		t.Cleanup(own.CloseIdleConnections)
		client.Transport = own
	}
	return caller{t: t, issuer: issuer, http: client, forge: http.Header{}}
}

// try sends a request to an address, or to a path below the issuer. The header's
// values take the place of those of the same name.
func (c caller) try(method, address, kind string, body io.Reader, header http.Header) (answer, error) {
	if !strings.HasPrefix(address, "http") {
		address = c.issuer + address
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, address, body)
	if err != nil {
		return answer{}, err
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for _, h := range []http.Header{c.forge, header} {
		for name, values := range h {
			r.Header[name] = values
		}
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{method, r.URL.Path, resp.StatusCode, resp.Header, string(text)}, err
}

func (c caller) do(method, address, kind, body string, header http.Header) answer {
	c.t.Helper()
	a, err := c.try(method, address, kind, strings.NewReader(body), header)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

func (c caller) get(address string) answer {
	c.t.Helper()
	return c.do(http.MethodGet, address, "", "", nil)
}

const (
	kindForm = "application/x-www-form-urlencoded"
	kindJSON = "application/json"
)

func (c caller) form(path string, values url.Values) answer {
	c.t.Helper()
	return c.do(http.MethodPost, path, kindForm, values.Encode(), nil)
}
